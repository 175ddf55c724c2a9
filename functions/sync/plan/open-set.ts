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
/** Windows read at most, per run, for alarms whose notification state may still change. */
const maxAlarmWindows = 20;
/** Windows read per run at least, if there are as many, for open executions that can't be asked for by status … */
const minUnaskableWindows = 50;
/** … and for these and for other notification states each, this part of what the run has cost anyway. */
const extraPart = 0.25;
/** A run that finds nothing new costs no more requests than this; what is left of them is for notices of success, which are rare. */
const quietRequests = 3;

/** What to ask the source for. */
export interface Reobservation {
  /** Windows to ask for executions of a status. Those that do not come back left that status. */
  readonly stillOpen: readonly { readonly runStatus: string; readonly window: Window }[];
  /** Entries due: each has to be found, or has vanished. */
  readonly due: readonly OpenEntry[];
}

/**
 * Plans the look at executions of a status that can be asked for. What it costs is bounded by what has changed.
 *
 * @param open entries that are not read anyway
 * @param rowsPerMs expected density, null if unknown
 */
export function planReobservation(open: readonly OpenEntry[], rowsPerMs: number | null): Reobservation {
  const due = open.filter(isAskable);
  const statuses = [...new Set(due.map((entry) => entry.execution.runStatus))].filter((status) => status !== null);
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
 * The others, as many as a bounded number of requests reaches, those looked at
 * longest ago first: open executions of a status that can't be asked for, or without an end; ended ones whose notification
 * state may still change.
 *
 * @param open entries that are not read anyway
 * @param requestsSoFar what the run has cost without this
 */
export function othersDue(open: readonly OpenEntry[], rowsPerMs: number | null, requestsSoFar: number): OpenEntry[] {
  const others = open.filter((entry) => !isAskable(entry)).sort((a, b) => a.lookedAtMs - b.lookedAtMs);
  const extra = Math.floor(requestsSoFar * extraPart);
  const within = (maxWindows: number, isOne: (entry: OpenEntry) => boolean): OpenEntry[] =>
    cutToWindows(others.filter(isOne), maxWindows, rowsPerMs);
  return [
    ...within(Math.max(minUnaskableWindows, extra), (entry) => entry.awaits === 'outcome'),
    ...within(maxAlarmWindows, (entry) => entry.awaits === 'notification' && !endedWell(entry)),
    ...within(
      Math.max(quietRequests - requestsSoFar, extra),
      (entry) => entry.awaits === 'notification' && endedWell(entry),
    ),
  ];
}

/**
 * Entries that nobody looked at in time and nobody will: notification states past their time. An alarm is kept for a day
 * more, so that it is looked at once after its time.
 */
export function staleEntries(open: readonly OpenEntry[], nowMs: EpochMs, lookbackMs: number): OpenEntry[] {
  return open.filter((entry) => {
    const overMs = (entry.execution.endTimeMs ?? 0) + lookbackMs + (endedWell(entry) ? 0 : 86_400_000);
    return entry.awaits === 'notification' && overMs < nowMs;
  });
}

function isAskable(entry: OpenEntry): boolean {
  return entry.awaits === 'outcome' && openStatuses.has(entry.execution.runStatus);
}

function endedWell(entry: OpenEntry): boolean {
  return entry.execution.runStatus === 'SUCCESS';
}

function cutToWindows(entries: readonly OpenEntry[], maxWindows: number, rowsPerMs: number | null): OpenEntry[] {
  let count = maxWindows < 1 ? 0 : entries.length;
  while (count > 1 && narrowWindows(entries.slice(0, count), rowsPerMs).length > maxWindows) {
    count = Math.floor(count * 0.8);
  }
  return entries.slice(0, count);
}

function hull(entries: readonly OpenEntry[]): Window {
  const times = entries.map((entry) => entry.execution.startTimeMs);
  return {
    fromMs: times.reduce((earliest, ms) => Math.min(earliest, ms)),
    toMs: times.reduce((latest, ms) => Math.max(latest, ms)) + 1,
  };
}
