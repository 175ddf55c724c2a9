/**
 * How the executions that were open are looked at again without reading everything since the oldest. Pure.
 *
 * Few, or close together: narrow windows around their start times. Many: the source is asked for what is still open,
 * by status, over the span they lie in, and only those that left are read through narrow windows.
 */
import type { EpochMs, Window } from '../../model.ts';
import type { OpenEntry } from './checkpoint.ts';

/** Statuses that can be asked for and mean that nothing is decided. */
const openStatuses: ReadonlySet<string | null> = new Set(['RUNNING', 'SUSPENDING', 'UNKNOWN']);
/** Narrow windows are joined while fewer rows than this are expected between them: one page still holds them. */
const joinedRows = 60;
/** Requests spent at most, per run, on notification states outside the lookback … */
const maxNotificationWindows = 20;
/** … and at most this part of what the run has cost anyway, but one. */
const notificationPart = 0.25;

/** What to ask the source for. */
export interface Reobservation {
  /** Windows to ask for executions of a status. Those that do not come back left that status. */
  readonly stillOpen: readonly { readonly runStatus: string; readonly window: Window }[];
  /** Entries due: each has to be found, or has vanished. */
  readonly due: readonly OpenEntry[];
}

/**
 * Plans the look at open executions.
 *
 * @param readFromMs executions from here on are read again anyway
 * @param rowsPerMs expected density, null if unknown
 */
export function planReobservation(
  open: readonly OpenEntry[],
  readFromMs: EpochMs,
  rowsPerMs: number | null,
): Reobservation {
  const due = open.filter((entry) => entry.awaits === 'outcome' && entry.execution.startTimeMs < readFromMs);
  const statuses = [...new Set(due.map((entry) => entry.execution.runStatus))].filter(
    (status): status is string => status !== null && openStatuses.has(status),
  );
  const narrow = narrowWindows(due, rowsPerMs);
  if (narrow.length <= statuses.length + 1) {
    return { stillOpen: [], due };
  }
  return {
    due,
    stillOpen: statuses.map((runStatus) => ({
      runStatus,
      window: hull(due.filter((entry) => entry.execution.runStatus === runStatus)),
    })),
  };
}

/** Windows around the start times of `entries`, joined where one page is expected to hold the rows between. */
export function narrowWindows(entries: readonly OpenEntry[], rowsPerMs: number | null): Window[] {
  const times = [...new Set(entries.map((entry) => entry.execution.startTimeMs))].sort((a, b) => a - b);
  const joinedMs = rowsPerMs === null || rowsPerMs <= 0 ? 0 : joinedRows / rowsPerMs;
  const windows: Window[] = [];
  for (const ms of times) {
    const last = windows.at(-1);
    if (last !== undefined && ms + 1 - last.fromMs <= joinedMs) {
      windows[windows.length - 1] = { fromMs: last.fromMs, toMs: ms + 1 };
    } else {
      windows.push({ fromMs: ms, toMs: ms + 1 });
    }
  }
  return windows;
}

/**
 * Ended executions, outside of what is read again anyway, whose notification state may still change: alarms first, then
 * those that ended first, as many as the allowed requests reach.
 *
 * @param requestsSoFar what the run has cost without this
 */
export function notificationsDue(
  open: readonly OpenEntry[],
  readFromMs: EpochMs,
  rowsPerMs: number | null,
  requestsSoFar: number,
): OpenEntry[] {
  const maxWindows = Math.max(1, Math.min(maxNotificationWindows, Math.floor(requestsSoFar * notificationPart)));
  const waiting = open
    .filter((entry) => entry.awaits === 'notification' && entry.execution.startTimeMs < readFromMs)
    .sort(
      (a, b) =>
        Number(b.execution.runStatus === 'ALARMING') - Number(a.execution.runStatus === 'ALARMING') ||
        (a.execution.endTimeMs ?? 0) - (b.execution.endTimeMs ?? 0),
    );
  let count = waiting.length;
  while (count > 1 && narrowWindows(waiting.slice(0, count), rowsPerMs).length > maxWindows) {
    count = Math.floor(count * 0.8);
  }
  return waiting.slice(0, count);
}

function hull(entries: readonly OpenEntry[]): Window {
  const times = entries.map((entry) => entry.execution.startTimeMs);
  return {
    fromMs: times.reduce((earliest, ms) => Math.min(earliest, ms)),
    toMs: times.reduce((latest, ms) => Math.max(latest, ms)) + 1,
  };
}
