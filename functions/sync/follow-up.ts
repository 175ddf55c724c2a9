/**
 * Which executions have to be looked at again, and how, without reading everything since the oldest. Pure.
 *
 * Few, or close together: narrow windows around their start times. Many: the source is asked for what is still open,
 * by status, over the span they lie in, and only those that left are read through narrow windows.
 */
import type { OpenEntry } from '../checkpoint/checkpoint.ts';
import { type EpochMs, type Execution, isOpen, type Window } from '../model.ts';

/** Statuses that can be asked for and mean that nothing is decided. */
const openStatuses: ReadonlySet<string | null> = new Set(['RUNNING', 'SUSPENDING', 'UNKNOWN']);
/** Narrow windows are joined while fewer rows than this are expected between them: one page still holds them. */
const joinedRows = 60;
/** Entries that may wait for the last look at their notification state: 4 MB of checkpoint. */
const maxWaiting = 10_000;
/** Windows read per run, if there are as many, for executions that can't be asked for by status … */
const minWindows = 50;
/** … or, where that is more, this part of what the run has cost anyway. */
const extraPart = 0.25;

/**
 * Whether, and for what, an execution has to be looked at again. A notice that was sent is followed like one that was not:
 * the next may fail.
 *
 * @param observedAtMs by the source's clock
 * @param recentFromMs executions that start from here on are read again by the next run anyway
 * @param lookbackMs how long after its end an execution's notification state is followed
 * @param maxOpenMs an open execution that started longer ago than this has expired
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

/** What the look at others is measured by. */
export interface OthersPlan {
  /** Expected density, null if unknown. */
  readonly rowsPerMs: number | null;
  /** What the run has cost without this. */
  readonly requestsSoFar: number;
  /** By the source's clock, which tells ends. */
  readonly nowMs: EpochMs;
  /** How long after its end an execution's notification state may change. */
  readonly lookbackMs: number;
}

/**
 * Returns the others, those looked at longest ago first, as many as one budget of requests reaches: open executions of a
 * status that can't be asked for, or without an end; ended ones whose notification state can't change any more, for a last
 * look; alarms of which nobody was notified, while that may still change. What is not reached waits for the next run, and
 * each run reaches half of the last looks at least: so they get fewer, however many have ended.
 *
 * @param open entries that are not read anyway
 */
export function othersDue(open: readonly OpenEntry[], plan: OthersPlan): OpenEntry[] {
  const { rowsPerMs, requestsSoFar, nowMs, lookbackMs } = plan;
  const others = open.filter((entry) => !isAskable(entry));
  const last = others.filter((entry) => entry.awaits === 'notification' && isOver(entry, nowMs, lookbackMs));
  const rest = others.filter((entry) => entry.awaits === 'outcome' || isSilentAlarm(entry));
  const due = [...new Set([...last, ...rest])].sort((a, b) => a.lookedAtMs - b.lookedAtMs);
  const half = Math.ceil(narrowWindows(last, rowsPerMs).length / 2);
  return cutToWindows(due, Math.max(minWindows, Math.floor(requestsSoFar * extraPart), half), rowsPerMs);
}

/**
 * Entries that have to go unseen, so that the checkpoint stays bounded: of those that wait for a notification state the
 * ones that ended longest ago, where there are far too many.
 */
export function surplusEntries(open: readonly OpenEntry[]): OpenEntry[] {
  const endOf = ({ execution }: OpenEntry): EpochMs => execution.endTimeMs ?? 0;
  return open
    .filter((entry) => entry.awaits === 'notification')
    .sort((a, b) => endOf(b) - endOf(a))
    .slice(maxWaiting);
}

/** As `followUpOf` has it: a look from then on is the last. */
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
