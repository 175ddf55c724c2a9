/** What proves a day of the table against the source, and what differs. Pure. */
import { dayInTimeZone, firstReached } from '../clock.ts';
import { type Execution, executionKey, type Window } from '../model.ts';
import { wireColumns } from '../warehouse/columns.ts';

/** A calendar day, or the part of it that is asked about. */
export interface Day extends Window {
  /** `YYYY-MM-DD` in the partition time zone. */
  readonly day: string;
}

/** An execution of which the documented fields are compared. `extra` is not, because dqsync adds notes to it. */
export type ComparedState = Execution;

/** A row of the view. */
export interface TableRow extends ComparedState {
  /** Whether the target's filter lets it through; others of its workspace were written for another target. */
  readonly isOfTarget: boolean;
}

/** What the view holds of a day. */
export interface DayTally {
  readonly rows: number;
  readonly byStatus: ReadonlyMap<string, number>;
}

/** How source and view differ, in executions. */
export interface Difference {
  /** At the source, not in the view. */
  readonly missing: number;
  /** In both, in another state. */
  readonly different: number;
  /** In the view, no longer at the source: re-run, deleted or forgotten. The table keeps them. */
  readonly gone: number;
  /** Missing or different, but open or so young that the next run looks at them. */
  readonly unsettled: number;
}

/** No difference. */
export const noDifference: Difference = { missing: 0, different: 0, gone: 0, unsettled: 0 };

/** No day has more hours, whatever happens to clocks in it. */
const longestDayMs = 26 * 3_600_000;

/** The days of `timeZone` that `window` touches, the first and the last cut at its edges. */
export function daysIn(window: Window, timeZone: string): Day[] {
  const dayOf = dayInTimeZone(timeZone);
  const days: Day[] = [];
  for (let fromMs = window.fromMs; fromMs < window.toMs; ) {
    const day = dayOf(fromMs);
    const toMs = Math.min(
      window.toMs,
      firstReached(fromMs, fromMs + longestDayMs, (ms) => dayOf(ms) !== day),
    );
    days.push({ day, fromMs, toMs });
    fromMs = toMs;
  }
  return days;
}

/**
 * Compares what the source showed of a window with what the view holds of it.
 *
 * @param isUnsettled whether an execution may still change, or be written, in the ordinary way of things
 */
export function compareRows(
  source: readonly ComparedState[],
  table: readonly TableRow[],
  isUnsettled: (execution: ComparedState) => boolean,
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

/** Both together. */
export function addDifference(a: Difference, b: Difference): Difference {
  return {
    missing: a.missing + b.missing,
    different: a.different + b.different,
    gone: a.gone + b.gone,
    unsettled: a.unsettled + b.unsettled,
  };
}

function isSameState(a: ComparedState, b: ComparedState): boolean {
  return wireColumns.every(({ read }) => read(a) === read(b));
}
