/**
 * Checks a warehouse after each kill, and again after a run that ended by itself. Remembers the state of the last
 * check, so that data files, coverage and rows that disappear are noticed. Reports failures and throws none.
 */
import type { Simulator } from '../../simulator/server.ts';
import { compareWithTruth, readTable, type ShownExecution } from '../../support/view-check.ts';
import { resultProblems } from '../results-check.ts';
import type { CoveredSpan, WarehouseContents } from '../warehouse-contents.ts';

/** Figures, added up over rounds. */
export interface CrashFigures {
  /** Processes killed. After one or more kills a run ends by itself. */
  kills: number;
  /** Executions compared with the source, over all comparisons. */
  executions: number;
  /** Violations, as text. */
  readonly failures: string[];
}

/** Returns figures of zero rounds. */
export function noFigures(): CrashFigures {
  return { kills: 0, executions: 0, failures: [] };
}

/** What a ledger remembers of a warehouse. */
export interface Memory {
  /** Hash of each data file, by its key. */
  readonly files: ReadonlyMap<string, string>;
  readonly coverage: readonly CoveredSpan[];
  /** Keys of the executions that the table has shown. */
  readonly committed: ReadonlySet<string>;
}

const noMemory: Memory = { files: new Map(), coverage: [], committed: new Set() };

/** The ledger of one warehouse. */
export interface Ledger {
  /**
   * After a kill: files are readable and unchanged, coverage has not shrunk, and all it covers is in files (I1, I2,
   * I4).
   */
  afterKill(contents: WarehouseContents, figures: CrashFigures, when: string): Promise<void>;
  /**
   * After a run that ended by itself: checks the same, and that the view and rule results equal the source (I3, I7,
   * I19).
   */
  afterFinish(contents: WarehouseContents, figures: CrashFigures, when: string): Promise<void>;
  /** Returns the ids of executions that had ended when the table was last compared, and that the source still lists. */
  settledIds(): bigint[];
  /** Returns what it remembers now. */
  memory(): Memory;
  /** Replaces what it remembers, after the warehouse was replaced. Default: nothing, for an empty one. */
  recall(memory?: Memory): void;
}

/** Opens an empty ledger for runs that fetch the results of failures, as they do by default. */
export function openLedger(simulator: Simulator): Ledger {
  let { files, coverage, committed } = noMemory;

  const look = async (contents: WarehouseContents, failures: string[], when: string): Promise<ShownExecution[]> => {
    const changed = [...files].filter(([key, hash]) => contents.dataFiles.get(key) !== hash);
    failures.push(...changed.map(([key]) => `${when}: data file ${key} changed or went away`));
    const shrunk = coverage.filter((span) => !isCovered(span, contents.coverage));
    failures.push(...shrunk.map(({ fromMs, toMs }) => `${when}: [${fromMs}, ${toMs}) is no longer covered`));
    const shown = contents.folder === null ? [] : await readTable(contents.folder).catch(unreadable(failures, when));
    const keys = new Set(shown.map(({ key }) => key));
    for (const { id, startTimeMs } of simulator.truth().executions) {
      const isClaimed = contents.coverage.some(({ fromMs, toMs }) => fromMs <= startTimeMs && startTimeMs < toMs);
      if (isClaimed && !keys.has(`${id}@${startTimeMs}`)) {
        failures.push(`${when}: ${id}@${startTimeMs} is covered, but in no file`);
      }
    }
    files = contents.dataFiles;
    coverage = contents.coverage;
    return shown;
  };

  return {
    afterKill: async (contents, figures, when) => {
      figures.kills += 1;
      const shown = await look(contents, figures.failures, when);
      committed = committed.union(new Set(shown.map(({ key }) => key)));
    },
    afterFinish: async (contents, figures, when) => {
      const shown = await look(contents, figures.failures, when);
      figures.executions += shown.length;
      const differences = compareWithTruth(simulator, shown, committed);
      const complaints = Object.entries(differences).filter(([, keys]) => keys.length > 0);
      figures.failures.push(
        ...complaints.map(([name, keys]) => `${when}: ${keys.length} ${name}: ${keys.slice(0, 3).join('; ')}`),
      );
      committed = new Set(shown.map(({ key }) => key));
      const wrongResults = await resultProblems(contents.resultFiles, simulator, 'failed', (key) => committed.has(key));
      figures.failures.push(...wrongResults.map((problem) => `${when}: ${problem}`));
    },
    settledIds: () =>
      simulator
        .truth()
        .executions.filter((one) => one.endTimeMs !== null && committed.has(`${one.id}@${one.startTimeMs}`))
        .map(({ id }) => id),
    memory: () => ({ files, coverage, committed }),
    recall: (memory = noMemory) => {
      ({ files, coverage, committed } = memory);
    },
  };
}

function unreadable(failures: string[], when: string): (thrown: unknown) => ShownExecution[] {
  return (thrown) => {
    failures.push(`${when}: the data files cannot be read: ${thrown instanceof Error ? thrown.message : thrown}`);
    return [];
  };
}

function isCovered(span: CoveredSpan, by: readonly CoveredSpan[]): boolean {
  let atMs = span.fromMs;
  for (const { fromMs, toMs } of by) {
    if (fromMs <= atMs && atMs < toMs) {
      atMs = toMs;
    }
  }
  return atMs >= span.toMs;
}
