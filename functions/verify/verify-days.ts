/**
 * Compares the table of one target with its source, day by day. Reads only.
 *
 * The source's count is enough if it is exact, and if no task's last run on that day is unrecorded. Otherwise the day
 * is read completely and every row is compared.
 */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { IncompleteReadError } from '../errors.ts';
import { contains, gapsIn, lengthOf, spanMs } from '../intervals.ts';
import { type EpochMs, type Execution, executionKey, type UnreadableRow, type Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { lookUpRuns, tasksToCompare, unknownRuns } from '../sync/audit/last-runs.ts';
import { exactCountOf, executionsIn, readSpan, type SpanRead } from '../sync/span-reader.ts';
import { calibrateRun, noLateRowsBefore, pageSourceOf } from '../sync/target-reader.ts';
import type { TargetRun } from '../sync/target-run.ts';
import {
  addDifference,
  compareRows,
  type Day,
  type DayTally,
  type Difference,
  noDifference,
  type TableRow,
} from './verification.ts';

/** The view at one moment after the checkpoint was read. */
export interface TableView {
  /** Returns one tally per day, in the same order. */
  tally(days: readonly Day[]): Promise<DayTally[]>;
  /** Returns every row of the target's workspace that starts in `window`. */
  rowsIn(window: Window): Promise<TableRow[]>;
}

/** The result of one day. */
export interface DayResult extends Day, Difference {
  /** Rows at the source, including unreadable ones. */
  readonly source: number;
  /** Rows at the source that are not readable as executions. The table cannot hold them; a sync quarantines them. */
  readonly unreadable: number;
  /** Why the first of them cannot be read; null without one. */
  readonly unreadableReason: string | null;
  /** Executions in the view. */
  readonly table: number;
  readonly byStatus: ReadonlyMap<string, number>;
  readonly comparedBy: 'count' | 'rows';
  /** Parts that are not covered although they are old enough. */
  readonly gaps: readonly Window[];
  /** Why the source could not be read completely; null if it was, or did not have to be. */
  readonly unproven: string | null;
}

/** The parts of a run that verifying needs. */
export type VerifyRun = Pick<TargetRun, 'target' | 'settings' | 'source' | 'log' | 'onProgress'>;

/** The arguments of a verification. */
export interface Verification {
  readonly days: readonly Day[];
  /** Whether to compare every row of every day. */
  readonly isDeep: boolean;
  readonly checkpoint: Checkpoint;
  /** When the checkpoint was read. */
  readonly nowMs: EpochMs;
  readonly table: TableView;
}

/** A verification in progress. */
interface Verifying extends Verification {
  readonly run: VerifyRun;
  readonly source: PageSource;
  readonly openKeys: ReadonlySet<string>;
}

/** Returns whether the table holds the whole day. Executions that have left the source are not an error. */
export function isFine(day: DayResult): boolean {
  return day.unreadable === 0 && !isRepairable(day);
}

/** Returns whether reading the day again may help. Unreadable rows stay unreadable. */
export function isRepairable(day: DayResult): boolean {
  return day.missing > 0 || day.different > 0 || day.gaps.length > 0 || day.unproven !== null;
}

/**
 * Verifies each day. A day that cannot be read completely has `unproven` set.
 *
 * @param onDay called with each result as soon as it is known
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
    source: pageSourceOf(run, (rows) => {
      rowsRead += rows;
    }),
    openKeys: new Set(checkpoint.open.map(({ execution }) => executionKey(execution))),
  };
  // The first reply may have to wait for the quota.
  run.onProgress({ target: run.target.name, atMs: null, doneMs, totalMs, rowsRead });
  const [first, last] = [days[0], days.at(-1)];
  if (first !== undefined && last !== undefined) {
    await calibrateRun(verifying.source, { fromMs: first.fromMs, toMs: last.toMs });
  }
  const settledMs = noLateRowsBefore(run, verification.nowMs);
  const settledParts = days.map(({ fromMs, toMs }) => ({ fromMs, toMs: Math.min(toMs, settledMs) }));
  const tasks = await tasksToCompare(run, ({ message, remedy }) =>
    run.log(
      'warn',
      `last runs of tasks were not compared, because the task list could not be read: ${message}. ${remedy}`,
      {
        target: run.target.name,
      },
    ),
  );
  const unknown = unknownRuns(tasks, checkpoint, settledParts, run.target.filter);
  const { listed } = await lookUpRuns(unknown, (span, onSlice) => read(verifying, span, onSlice));
  const doubtfulFromMs = new Set(listed.map(({ span }) => span.fromMs));
  const tallies = await table.tally(days);
  for (const [index, day] of days.entries()) {
    const tally = tallies[index] ?? { rows: 0, byStatus: new Map() };
    const isDeep = verification.isDeep || doubtfulFromMs.has(day.fromMs);
    onDay(await verifyDay({ ...verifying, isDeep }, day, tally));
    doneMs += spanMs(day);
    run.onProgress({ target: run.target.name, atMs: day.toMs, doneMs, totalMs, rowsRead });
  }
}

async function verifyDay(verifying: Verifying, day: Day, tally: DayTally): Promise<DayResult> {
  const proven = !verifying.isDeep && (await exactCountOf(verifying.source, day)) === tally.rows;
  const result = {
    ...day,
    ...noDifference,
    source: tally.rows,
    unreadable: 0,
    unreadableReason: null,
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

async function compareDay(verifying: Verifying, day: Day, tally: DayTally) {
  let difference = noDifference;
  let source = 0;
  const unreadable = new Map<string, UnreadableRow>();
  await read(verifying, { ...day, rows: tally.rows }, async (slice) => {
    const shown = executionsIn(slice);
    source += shown.length;
    for (const [key, row] of slice.collected.unreadable) {
      if (row.startTimeMs === null || contains(day, row.startTimeMs)) {
        unreadable.set(key, row);
      }
    }
    const isUnsettled = (execution: Execution): boolean =>
      verifying.openKeys.has(executionKey(execution)) ||
      execution.startTimeMs >= noLateRowsBefore(verifying.run, verifying.nowMs);
    for (const part of slice.proven) {
      const ofPart = shown.filter(({ startTimeMs }) => contains(part, startTimeMs));
      const table = await verifying.table.rowsIn(part);
      difference = addDifference(difference, compareRows(ofPart, table, isUnsettled));
    }
  });
  const [first] = unreadable.values();
  return {
    ...difference,
    source: source + unreadable.size,
    unreadable: unreadable.size,
    unreadableReason: first?.reason ?? null,
  };
}

/** Reads a span without a time limit. @throws IncompleteReadError, and what reading throws */
async function read(
  { run, source, nowMs }: Verifying,
  span: SpanRead['span'],
  onSlice: Parameters<typeof readSpan>[1],
): Promise<void> {
  const rowsInTimeLeft = (): number => Number.POSITIVE_INFINITY;
  await readSpan({ run, source, span, rowsInTimeLeft, now: () => nowMs }, onSlice);
}

function gapsOf(verifying: Verifying, { fromMs, toMs }: Day): Window[] {
  const old = { fromMs, toMs: Math.min(toMs, noLateRowsBefore(verifying.run, verifying.nowMs)) };
  return gapsIn(old, verifying.checkpoint.coverage);
}
