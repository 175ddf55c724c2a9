/**
 * Decides which executions to re-check, and how, without reading everything since the oldest. Pure.
 *
 * A few executions, or some close together, are read through narrow windows around their start times. Many are found by
 * asking the source for all executions of an open status in their span; only those that are missing from the reply are
 * read through narrow windows.
 */
import type { OpenEntry } from '../checkpoint/checkpoint.ts';
import { type EpochMs, type Execution, isOpen, type Window } from '../model.ts';

/** Open statuses that the source accepts as a filter. */
const openStatuses: ReadonlySet<string | null> = new Set(['RUNNING', 'SUSPENDING', 'UNKNOWN']);
/** Narrow windows are joined if fewer rows than this are expected between them, so that one page holds them. */
const joinedRows = 60;
/** Maximum number of entries that wait for a last check of their notification status: 4 MB of checkpoint. */
const maxWaiting = 10_000;
/** The windows of a run for executions that have no status to filter by, unless very many have ended. */
const minWindows = 50;

/**
 * Returns whether an execution must be re-checked, and for what. A notification that was sent is followed like one that
 * was not, because the next one may fail.
 *
 * @param observedAtMs by the source's clock
 * @param recentFromMs the next run reads again all executions that start at this time or later
 * @param lookbackMs how long after its end an execution's notification status is followed
 * @param maxOpenMs age at which an open execution expires
 */
export function followUpOf(
  execution: Execution,
  observedAtMs: EpochMs,
  recentFromMs: EpochMs,
  { lookbackMs, maxOpenMs }: { readonly lookbackMs: number; readonly maxOpenMs: number },
): OpenEntry['awaits'] | null {
  if (isOpen(execution)) {
    return observedAtMs - execution.startTimeMs > maxOpenMs ? null : 'outcome';
  }
  const endedLately = execution.endTimeMs !== null && execution.endTimeMs > observedAtMs - lookbackMs;
  return endedLately && execution.startTimeMs < recentFromMs ? 'notification' : null;
}

/** What to ask the source for. */
export interface Reobservation {
  /** Windows to read with a status filter. Executions missing from the reply have left that status. */
  readonly stillOpen: readonly { readonly runStatus: string; readonly window: Window }[];
  /** Executions to be found; the others have vanished. */
  readonly due: readonly OpenEntry[];
}

/** The limits of a re-check. */
export interface ReobservationLimits {
  /** Expected density; null if unknown. */
  readonly rowsPerMs: number | null;
  /** The most windows for executions that have no status to filter by, however many have ended; at least 50 are read. */
  readonly mostWindows: number;
  /** The time by the source's clock, which also sets end times. */
  readonly nowMs: EpochMs;
  /** How long after its end an execution's notification status may change. */
  readonly lookbackMs: number;
}

/**
 * Plans a re-check. Its cost is limited: by the number of changes where the source can filter by status, and else by a
 * number of windows.
 *
 * @param open entries outside of the spans that the run reads anyway
 */
export function planReobservation(open: readonly OpenEntry[], limits: ReobservationLimits): Reobservation {
  const askable = open.filter(isAskable);
  const statuses = [...new Set(askable.map((entry) => entry.execution.runStatus))].filter((status) => status !== null);
  const areFew = narrowWindows(askable, limits.rowsPerMs).length <= statuses.length + 1;
  return {
    due: [...askable, ...othersDue(open, limits)],
    stillOpen: (areFew ? [] : statuses).map((runStatus) => ({
      runStatus,
      window: hull(askable.filter((entry) => entry.execution.runStatus === runStatus)),
    })),
  };
}

/** Returns windows around the start times of `entries`, joined if one page should hold the rows in between. */
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
 * Returns the other executions to re-check, least recently checked first: open executions of a status that the source
 * cannot filter by; ended ones whose notification status is final, for a last check; and alarms that nobody was notified
 * of, while that may still change.
 *
 * Executions beyond the limit wait for the next run. Each run makes at least half of the last checks, if its time allows
 * that, so their number falls even if very many executions have ended.
 */
function othersDue(
  open: readonly OpenEntry[],
  { rowsPerMs, mostWindows, nowMs, lookbackMs }: ReobservationLimits,
): OpenEntry[] {
  const others = open.filter((entry) => !isAskable(entry));
  const last = others.filter((entry) => entry.awaits === 'notification' && isOver(entry, nowMs, lookbackMs));
  const rest = others.filter((entry) => entry.awaits === 'outcome' || isSilentAlarm(entry));
  const due = [...new Set([...last, ...rest])].sort((a, b) => a.lookedAtMs - b.lookedAtMs);
  const half = Math.ceil(narrowWindows(last, rowsPerMs).length / 2);
  return cutToWindows(due, Math.max(minWindows, Math.min(half, mostWindows)), rowsPerMs);
}

/**
 * Returns the entries to drop so that the checkpoint stays bounded: the ones that ended longest ago among too many that
 * wait for a notification status.
 */
export function surplusEntries(open: readonly OpenEntry[]): OpenEntry[] {
  const endOf = ({ execution }: OpenEntry): EpochMs => execution.endTimeMs ?? 0;
  return open
    .filter((entry) => entry.awaits === 'notification')
    .sort((a, b) => endOf(b) - endOf(a))
    .slice(maxWaiting);
}

/** Returns whether the notification status is final, by the same rule as in `followUpOf`. */
function isOver({ execution }: OpenEntry, nowMs: EpochMs, lookbackMs: number): boolean {
  return (execution.endTimeMs ?? 0) <= nowMs - lookbackMs;
}

function isAskable(entry: OpenEntry): boolean {
  return entry.awaits === 'outcome' && openStatuses.has(entry.execution.runStatus);
}

function isSilentAlarm({ execution }: OpenEntry): boolean {
  return execution.runStatus !== 'SUCCESS' && execution.notifyStatus !== 'SUCCESS';
}

function cutToWindows(entries: readonly OpenEntry[], maxWindows: number, rowsPerMs: number | null): OpenEntry[] {
  let count = entries.length;
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
