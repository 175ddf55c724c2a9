/** Days, their tallies, and the comparison of source and view. Pure. */
import { dayInTimeZone, firstReached } from '../clock.ts';
import { type EpochMs, type Execution, executionKey, type Window } from '../model.ts';
import { wireColumns } from '../warehouse/columns.ts';

/** A calendar day, or the part of it to verify. */
export interface Day extends Window {
  /** `YYYY-MM-DD` in the partition time zone. */
  readonly day: string;
}

/** A row of the view. */
export interface TableRow extends Execution {
  /** Whether the target's filter accepts it. Other rows of the workspace belong to other targets. */
  readonly isOfTarget: boolean;
}

/** The view's rows of one day. */
export interface DayTally {
  readonly rows: number;
  readonly byStatus: ReadonlyMap<string, number>;
}

/** The differences between source and view, in executions. */
export interface Difference {
  /** At the source but not in the view. */
  readonly missing: number;
  /** Executions in both the view and the source, with different states. */
  readonly different: number;
  /** Executions in the view but no longer at the source: run again, deleted or forgotten. The table keeps them. */
  readonly gone: number;
  /** Missing or different, but open or so young that the next run will read them. */
  readonly unsettled: number;
}

/** Executions that the view shows more than once. */
export interface Duplicates {
  readonly executions: number;
  /** The first ones, in order of start time, each with the first and the last `dt` under which the view shows it. */
  readonly first: readonly { readonly id: bigint; readonly startTimeMs: EpochMs; readonly days: readonly string[] }[];
}

/** No difference. */
export const noDifference: Difference = { missing: 0, different: 0, gone: 0, unsettled: 0 };

/** No day is longer, even if clocks change during it: Antarctica/Casey has set them back by three hours. */
const longestDayMs = 28 * 3_600_000;

/** Returns the days of `timeZone` that `window` touches, with the first and the last cut to it. */
export function daysIn(window: Window, timeZone: string): Day[] {
  const dayOf = dayInTimeZone(timeZone);
  const days: Day[] = [];
  for (let fromMs = window.fromMs; fromMs < window.toMs; ) {
    const day = dayOf(fromMs);
    const toMs = Math.min(
      window.toMs,
      // Not by a different day: clocks that are set back over midnight show the end of the day before once more.
      firstReached(fromMs, fromMs + longestDayMs, (ms) => dayOf(ms) > day),
    );
    days.push({ day, fromMs, toMs });
    fromMs = toMs;
  }
  return days;
}

/**
 * Compares the source's rows of a window with the view's.
 *
 * @param isUnsettled whether the next runs may still change or write an execution
 */
export function compareRows(
  source: readonly Execution[],
  table: readonly TableRow[],
  isUnsettled: (execution: Execution) => boolean,
): Difference {
  const inTable = new Map(table.map((row) => [executionKey(row), row]));
  const atSource = new Set<string>();
  const difference = { ...noDifference };
  for (const execution of source) {
    const key = executionKey(execution);
    atSource.add(key);
    const row = inTable.get(key);
    if (row !== undefined && isSameState(row, execution)) {
      continue;
    }
    difference[isUnsettled(execution) ? 'unsettled' : row === undefined ? 'missing' : 'different'] += 1;
  }
  const gone = table.filter((row) => row.isOfTarget && !atSource.has(executionKey(row))).length;
  return { ...difference, gone };
}

/** Adds two differences. */
export function addDifference(a: Difference, b: Difference): Difference {
  return {
    missing: a.missing + b.missing,
    different: a.different + b.different,
    gone: a.gone + b.gone,
    unsettled: a.unsettled + b.unsettled,
  };
}

/** `extra` is not compared, because dqsync adds notes to it. */
function isSameState(a: Execution, b: Execution): boolean {
  return wireColumns.every(({ read }) => read(a) === read(b));
}
