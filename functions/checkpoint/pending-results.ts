/** Changes of the backlog of executions whose rule results are to be fetched (PROTOCOL.md, I19). Pure. */
import { type EpochMs, executionKey } from '../model.ts';
import type { PendingResult, PendingResults, ResultsWindow, WrittenExecution } from './results-document.ts';
import { joinedWindows, type ListedWindow, listedExecutions, restOf } from './results-windows.ts';

/**
 * 150 kB to write with each commit. Enough for 8 minutes at the documented quota; then refilled from the windows.
 */
const maxPending = 2_000;
const maxExpired = 1_000;
const maxFetched = 10_000;
/**
 * An execution whose results are in the table is kept this long, so that it is not requested again. One that is to be
 * fetched once more is pending as well, and kept for as long.
 */
const fetchedMemoryMs = 86_400_000;
/** Largest assumed difference between the clocks of source and run when times are compared. */
const clockToleranceMs = 5_000;

/**
 * Adds executions that a run writes. One that is pending already stays as it is. So does one whose results were fetched,
 * unless they are to be fetched again.
 *
 * If an instance has started again, the source has only the results of its new execution. So an older execution that is
 * pending is recorded as `rerun`. So is one whose results were fetched after the new execution had begun, because they
 * may be those of the new execution.
 */
export function withWritten(
  before: PendingResults,
  written: readonly WrittenExecution[],
  { nowMs, isAgain = false }: { readonly nowMs: EpochMs; readonly isAgain?: boolean },
): PendingResults {
  const started = byInstance(written);
  const againKeys = new Set(isAgain ? written.map(executionKey) : []);
  const remembered = before.fetched.filter((entry) => !againKeys.has(executionKey(entry)));
  const added = addedTo({ pending: before.pending, fetched: remembered }, written);
  const noted = before.pending.map((entry) => {
    const rerun = rerunOf(entry, started);
    return rerun === null || (entry.state === 'rerun' && entry.notBeforeMs <= rerun.notBeforeMs) ? entry : rerun;
  });
  const notedKeys = new Set([...noted, ...added].map(executionKey));
  const doubted = remembered.flatMap((entry) => {
    const rerun = rerunOf(entry, started);
    return rerun === null || rerun.notBeforeMs >= entry.fetchedAtMs || notedKeys.has(executionKey(entry))
      ? []
      : [rerun];
  });
  if (added.length + doubted.length === 0 && noted.every((entry, index) => entry === before.pending[index])) {
    return before;
  }
  const pending = [...noted, ...added, ...doubted];
  const rerunKeys = new Set(pending.filter(({ state }) => state === 'rerun').map(executionKey));
  const fetched = remembered.filter((entry) => !rerunKeys.has(executionKey(entry)));
  const addedKeys = new Set(added.map(executionKey));
  const expired = before.expired.filter((entry) => !addedKeys.has(executionKey(entry)));
  return bounded({ ...before, pending, fetched, expired, waitingSinceMs: before.waitingSinceMs ?? nowMs });
}

/**
 * Lists executions of a window one by one. If another run has changed the window in the meantime, it may have put
 * executions there that the source did not list yet, so the window stays as it is.
 */
export function withListed(before: PendingResults, listed: ListedWindow): PendingResults {
  const { window, found } = listed;
  const added = addedTo(before, found);
  const isSame = ({ fromMs, toMs, executions }: ResultsWindow): boolean =>
    fromMs === window.fromMs && toMs === window.toMs && executions === window.executions;
  if (added.length === 0 && !before.windows.some(isSame)) {
    return before;
  }
  const windows = before.windows.flatMap((one) => (isSame(one) ? restOf(listed) : [one]));
  return bounded({ ...before, windows, pending: [...before.pending, ...added] });
}

/**
 * Returns the window whose executions are to be listed next; null if none is due, or there is no room in the list. That
 * is the newest one that the source has not failed to list. Otherwise one that the source never lists would keep all
 * older ones waiting.
 */
export function windowToList({ pending, windows }: PendingResults, nowMs: EpochMs): ResultsWindow | null {
  const due = dueWindows(windows, nowMs);
  const hasRoom = pending.length + listedExecutions <= maxPending;
  return hasRoom ? (due.findLast(({ tries }) => tries === 0) ?? due.at(-1) ?? null) : null;
}

/** Returns the windows that may be listed now. */
export function dueWindows(windows: readonly ResultsWindow[], nowMs: EpochMs): ResultsWindow[] {
  return windows.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
}

/** Returns how many executions wait; an estimate if there are windows. */
export function waitingCount({ pending, windows }: Pick<PendingResults, 'pending' | 'windows'>): number {
  return windows.reduce((sum, { executions }) => sum + executions, pending.length);
}

/** An execution, as far as its start matters. */
type Started = Pick<PendingResult, 'id' | 'startTimeMs'>;

/** Executions by their instance. */
type ByInstance = ReadonlyMap<bigint, readonly Started[]>;

function byInstance(executions: readonly Started[]): ByInstance {
  return Map.groupBy(executions, ({ id }) => id);
}

/**
 * Returns executions to add. One whose instance is known to have started again, perhaps from another run, is added as
 * `rerun`.
 */
function addedTo(
  { pending, fetched }: Pick<PendingResults, 'pending' | 'fetched'>,
  written: readonly WrittenExecution[],
): PendingResult[] {
  const known = [...pending, ...fetched];
  const keys = new Set(known.map(executionKey));
  const started = byInstance([...known, ...written]);
  return written
    .filter((one) => one.isWanted && !keys.has(executionKey(one)))
    .map(
      (one) =>
        rerunOf(one, started) ?? {
          ...{ id: one.id, startTimeMs: one.startTimeMs, taskId: one.taskId },
          ...{ tries: 0, notBeforeMs: 0, state: 'none' },
        },
    );
}

/** Returns an execution as `rerun` if its instance has started again; otherwise null. */
function rerunOf(
  { id, startTimeMs, taskId }: Pick<PendingResult, 'id' | 'startTimeMs' | 'taskId'>,
  started: ByInstance,
): PendingResult | null {
  const laterMs = (started.get(id) ?? []).map((one) => one.startTimeMs).filter((ms) => ms > startTimeMs);
  const notBeforeMs = Math.min(...laterMs) - clockToleranceMs;
  return laterMs.length === 0 ? null : { id, startTimeMs, taskId, tries: 0, notBeforeMs, state: 'rerun' };
}

/** An execution whose results were requested. */
interface RequestedExecution {
  readonly entry: PendingResult;
  /** When the rows that were written now were fetched; null if nothing was written, or it expired. */
  readonly fetchedAtMs: EpochMs | null;
  readonly isExpired: boolean;
}

/** What fetching has changed. */
export interface FetchedChange {
  /** Executions that need no further request, in the form in which they were pending. */
  readonly done: readonly RequestedExecution[];
  /** Executions to ask for later. */
  readonly postponed: readonly RequestedExecution[];
  readonly refused: PendingResults['refused'];
  readonly nowMs: EpochMs;
}

/**
 * Removes fetched executions. One that another run has recorded as re-run in the meantime stays, because its results
 * are in doubt.
 */
export function withFetched(
  before: PendingResults,
  { done, postponed, refused, nowMs }: FetchedChange,
): PendingResults {
  const doubted = new Set(before.pending.filter(({ state }) => state === 'rerun').map(executionKey));
  const taken = done.filter(({ entry }) => entry.state === 'rerun' || !doubted.has(executionKey(entry)));
  const takenKeys = new Set(taken.map(({ entry }) => executionKey(entry)));
  const laterByKey = new Map(postponed.map(({ entry }) => [executionKey(entry), entry]));
  const pending = before.pending
    .filter((entry) => !takenKeys.has(executionKey(entry)))
    .map((entry) => {
      const later = laterByKey.get(executionKey(entry));
      if (later === undefined || entry.state === 'rerun' || later.tries < entry.tries) {
        return entry;
      }
      // Another run may have found results while this one found none.
      return entry.state === 'unfinished' ? { ...later, state: entry.state } : later;
    });
  // An unfinished one too: if its instance starts again, what was fetched before is known to be its own.
  const inTable = [...taken, ...postponed.filter(({ entry }) => !doubted.has(executionKey(entry)))].flatMap(
    ({ entry, fetchedAtMs }) => (fetchedAtMs === null ? [] : [{ entry, fetchedAtMs }]),
  );
  const inTableKeys = new Set(inTable.map(({ entry }) => executionKey(entry)));
  // Another run may have fetched the same execution later.
  const latestMs = new Map(before.fetched.map((entry) => [executionKey(entry), entry.fetchedAtMs]));
  const pendingKeys = new Set(pending.map(executionKey));
  const fetched = [
    ...before.fetched.filter((entry) => !inTableKeys.has(executionKey(entry))),
    ...inTable.map(({ entry, fetchedAtMs }) => ({
      ...{ id: entry.id, startTimeMs: entry.startTimeMs, taskId: entry.taskId },
      fetchedAtMs: Math.max(fetchedAtMs, latestMs.get(executionKey(entry)) ?? fetchedAtMs),
    })),
  ].filter((entry) => entry.fetchedAtMs > nowMs - fetchedMemoryMs || pendingKeys.has(executionKey(entry)));
  const gone = taken
    .filter(({ isExpired }) => isExpired)
    .map(({ entry: { id, startTimeMs } }) => ({ id, startTimeMs }));
  const expired = [...before.expired, ...gone].slice(-maxExpired);
  const isBehind =
    refused !== null ||
    dueWindows(before.windows, nowMs).length > 0 ||
    pending.some(({ notBeforeMs }) => notBeforeMs <= nowMs);
  const waitingSinceMs = isBehind ? (before.waitingSinceMs ?? nowMs) : null;
  return bounded({ ...before, pending, fetched, expired, refused, waitingSinceMs });
}

/** Moves the oldest executions from a list that is too long into windows. */
function bounded(results: PendingResults): PendingResults {
  const { pending, windows } = results;
  const fetched = results.fetched.slice(-maxFetched);
  if (pending.length <= maxPending) {
    return { ...results, fetched };
  }
  // A window does not remember what is known of an execution, so those that were requested before stay in the list.
  const rank = ({ state, tries }: PendingResult): number => (state !== 'none' || tries > 0 ? 1 : 0);
  const sorted = pending.toSorted((a, b) => rank(b) - rank(a) || b.startTimeMs - a.startTimeMs);
  const moved = sorted.slice(maxPending).map(({ startTimeMs }) => ({
    fromMs: startTimeMs,
    toMs: startTimeMs + 1,
    executions: 1,
    tries: 0,
    notBeforeMs: 0,
  }));
  return { ...results, fetched, pending: sorted.slice(0, maxPending), windows: joinedWindows([...windows, ...moved]) };
}
