/**
 * Proves the table of one target against its source, day by day: by the source's count where that is enough, else by
 * reading the day completely and comparing every row. Reads only.
 */
import { IncompleteReadError } from '../errors.ts';
import { type EpochMs, executionKey, type Window } from '../model.ts';
import type { Reader } from '../reading/reader.ts';
import { askFor, contains, lengthOf, spanMs } from '../reading/window.ts';
import type { Checkpoint } from './plan/checkpoint.ts';
import { gapsIn } from './plan/coverage.ts';
import {
  addDifference,
  type ComparedState,
  compareRows,
  type Day,
  type DayTally,
  type Difference,
  isProvenByCount,
  noDifference,
  type ShownEdges,
  type TableRow,
} from './plan/verification.ts';
import { type ReadSlice, SliceReader } from './slice-reader.ts';
import { finalUntil, readerOf } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

/** The view, as it was at one moment after the checkpoint was read. */
export interface TableView {
  /** One for each day, in their order. */
  tally(days: readonly Day[]): Promise<DayTally[]>;
  /** Every row of the target's workspace that starts in `window`. */
  rowsIn(window: Window): Promise<TableRow[]>;
}

/** What came of a day. */
export interface DayResult extends Day, Difference {
  /** Executions at the source. */
  readonly source: number;
  /** Rows of the source that are no executions; they are in quarantine. */
  readonly unreadable: number;
  /** Executions in the view. */
  readonly table: number;
  readonly byStatus: ReadonlyMap<string, number>;
  readonly comparedBy: 'count' | 'rows';
  /** Parts that are not covered, and old enough to be. */
  readonly gaps: readonly Window[];
  /** Why the source could not be read completely; null where it could, or need not. */
  readonly unproven: string | null;
}

/** What verifying needs of a run. */
export type VerifyRun = Pick<TargetRun, 'target' | 'settings' | 'source' | 'onProgress'>;

/** What to verify. */
export interface Verification {
  readonly days: readonly Day[];
  /** Compares every row of every day. */
  readonly isDeep: boolean;
  readonly checkpoint: Checkpoint;
  /** When the checkpoint was read. */
  readonly nowMs: EpochMs;
  readonly table: TableView;
}

/** A verification under way. */
interface Verifying extends Verification {
  readonly run: VerifyRun;
  readonly reader: Reader;
  readonly edges: ShownEdges;
  readonly openKeys: ReadonlySet<string>;
}

/** Whether the table holds all of a day. Executions that are gone from the source are none of its faults. */
export function isFine(day: DayResult): boolean {
  return day.missing === 0 && day.different === 0 && day.gaps.length === 0 && day.unproven === null;
}

/**
 * Verifies each day. A day that cannot be read completely is told as `unproven`.
 *
 * @param onDay told of each as soon as it is known
 * @throws SourceError, CredentialsError, ConfigError, StorageError, or the reason of a stop
 */
export async function verifyDays(
  run: VerifyRun,
  verification: Verification,
  onDay: (day: DayResult) => void,
): Promise<void> {
  const { days, checkpoint, table } = verification;
  const totalMs = lengthOf(days);
  let rowsRead = 0;
  let doneMs = 0;
  const verifying: Verifying = {
    ...verification,
    run,
    reader: readerOf(run, (rows) => {
      rowsRead += rows;
    }),
    edges: { start: false, end: false },
    openKeys: new Set(checkpoint.open.map(({ execution }) => executionKey(execution))),
  };
  const tallies = await table.tally(days);
  for (const [index, day] of days.entries()) {
    const tally = tallies[index] ?? { rows: 0, byStatus: new Map(), rowsBefore: 0, rowsAfter: 0 };
    onDay(await verifyDay(verifying, day, tally));
    doneMs += spanMs(day);
    run.onProgress({ target: run.target.name, atMs: day.toMs, doneMs, totalMs, rowsRead });
  }
}

async function verifyDay(verifying: Verifying, day: Day, tally: DayTally): Promise<DayResult> {
  const proven = !verifying.isDeep && (await isCountedSame(verifying, day, tally));
  const result = {
    ...day,
    ...noDifference,
    source: tally.rows,
    unreadable: 0,
    table: tally.rows,
    byStatus: tally.byStatus,
    unproven: null,
  };
  if (proven) {
    return { ...result, comparedBy: 'count', gaps: gapsOf(verifying, day) };
  }
  try {
    const compared = await compareDay(verifying, day, tally);
    return { ...result, ...compared, comparedBy: 'rows', gaps: gapsOf(verifying, day) };
  } catch (thrown) {
    if (thrown instanceof IncompleteReadError) {
      return { ...result, comparedBy: 'rows', gaps: gapsOf(verifying, day), unproven: thrown.message };
    }
    throw thrown;
  }
}

/** One request. Not worth it where `count` was seen to tell only how many rows a page has. */
async function isCountedSame({ run, reader, edges }: Verifying, day: Day, tally: DayTally): Promise<boolean> {
  if (reader.traits.countIsTotal === false) {
    return false;
  }
  const page = await run.source.fetchPage({ ...askFor(day), filter: reader.filter, limit: 1, offset: 0 });
  const pageRows = page.executions.length + page.unreadable.length;
  if (reader.traits.countIsTotal === null && pageRows > 0 && (page.count ?? 0) > pageRows) {
    reader.traits.countIsTotal = true;
  }
  return (page.count ?? 0) < reader.traits.countCap && isProvenByCount(page.count, pageRows, tally, edges);
}

async function compareDay(verifying: Verifying, day: Day, tally: DayTally) {
  const slices = new SliceReader({
    reader: verifying.reader,
    spans: [day],
    recentFromMs: () => Number.POSITIVE_INFINITY,
    rowsPerMs: tally.rows === 0 ? null : tally.rows / spanMs(day),
    rowsInTimeLeft: () => Number.POSITIVE_INFINITY,
    now: () => verifying.nowMs,
  });
  let difference = noDifference;
  let source = 0;
  const unreadable = new Set<string>();
  for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
    noteEdges(verifying.edges, slice);
    const shown = executionsIn(slice);
    source += shown.length;
    for (const key of slice.collected.unreadable.keys()) {
      unreadable.add(key);
    }
    const table = await verifying.table.rowsIn(slice.window);
    const isUnsettled = (execution: ComparedState): boolean =>
      verifying.openKeys.has(executionKey(execution)) ||
      execution.startTimeMs >= finalUntil(verifying.run, verifying.nowMs);
    difference = addDifference(difference, compareRows(shown, table, isUnsettled));
  }
  return { ...difference, source, unreadable: unreadable.size };
}

/** Those at the widened edges are of other windows. */
function executionsIn({ window, collected }: ReadSlice): ComparedState[] {
  return [...collected.seen.values()]
    .map(({ execution }) => execution)
    .filter(({ startTimeMs }) => contains(window, startTimeMs));
}

function noteEdges(edges: ShownEdges, { window, collected }: ReadSlice): void {
  const asked = askFor(window);
  for (const { execution } of collected.seen.values()) {
    edges.start ||= execution.startTimeMs === asked.startTimeMs;
    edges.end ||= execution.startTimeMs === asked.endTimeMs;
  }
}

function gapsOf(verifying: Verifying, { fromMs, toMs }: Day): Window[] {
  const old = { fromMs, toMs: Math.min(toMs, finalUntil(verifying.run, verifying.nowMs)) };
  return gapsIn(old, verifying.checkpoint.coverage);
}
