/**
 * Changes to a checkpoint, and how they are applied. Pure.
 *
 * Changes commute and may be applied twice (PROTOCOL.md, I5): coverage is a union, and of two sightings of one execution
 * the later observation wins, as it does in the view.
 */
import { containsAny, gapsIn, unionOf } from '../intervals.ts';
import { type EpochMs, type Execution, executionKey, type Window } from '../model.ts';
import {
  type Checkpoint,
  edgeToleranceMs,
  type LastRun,
  type OpenEntry,
  type RecentEntry,
  type Rereading,
  withCommitId,
} from './checkpoint.ts';
import { addLateRows, addWindow, type Covered, type CoveredWindow } from './coverage.ts';
import { fingerprintOf } from './fingerprint.ts';

/** What one commit changes. */
export interface Change {
  readonly commitId: string;
  /** Windows proven complete, with the start times of the executions found in them. */
  readonly windows: readonly { readonly window: Window; readonly startTimesMs: readonly EpochMs[] }[];
  /** Where the incremental run that made this change would set out if it were the first; null for a backfill. */
  readonly incrementalFromMs: EpochMs | null;
  /** What was read of a span that is read again; null where the change is not of one. */
  readonly rereading: Rereading | null;
  readonly maxSpanMs: number | null;
  /** Start times of executions that appeared within coverage. */
  readonly lateStartTimesMs: readonly EpochMs[];
  /** Executions seen; those that later runs are shown again become `recent`. */
  readonly seen: readonly { readonly execution: Execution; readonly observedAtMs: EpochMs }[];
  /** Executions to look at again. */
  readonly opened: readonly OpenEntry[];
  /** Executions not to look at again, as of the given observation. */
  readonly closed: readonly { readonly key: string; readonly observedAtMs: EpochMs }[];
  readonly quarantined: readonly string[];
  /** The latest `observed_at` of what was written; null where nothing was. */
  readonly latestObservedMs: EpochMs | null;
  readonly run: LastRun;
}

type RecordedList = 'windows' | 'lateStartTimesMs' | 'seen' | 'opened' | 'closed' | 'quarantined';

/** What a run has recorded of its next change: lists to add to. */
export type PendingChange = { -readonly [key in RecordedList]: Change[key][number][] } & {
  latestObservedMs: EpochMs | null;
};

/** Returns a change with nothing recorded. */
export function emptyPendingChange(): PendingChange {
  return {
    windows: [],
    lateStartTimesMs: [],
    seen: [],
    opened: [],
    closed: [],
    quarantined: [],
    latestObservedMs: null,
  };
}

/** A row that was not seen again for so long is forgotten as quarantined. */
const quarantineMemoryMs = 7 * 86_400_000;
const keptQuarantined = 20_000;
/** A reading again that was stopped longer ago than this starts over: what it had read is stale. */
const rereadingMemoryMs = 86_400_000;

/** Returns the checkpoint with `change` applied. `lookbackMs` says how far behind the watermark `recent` has to reach. */
export function applyChange(checkpoint: Checkpoint, change: Change, lookbackMs: number): Checkpoint {
  if (checkpoint.commitIds.includes(change.commitId)) {
    return checkpoint;
  }
  const coverage = change.windows.reduce<readonly CoveredWindow[]>(
    (sum, { window, startTimesMs }) => addWindow(sum, window, startTimesMs),
    addLateRows(checkpoint.coverage, change.lateStartTimesMs),
  );
  const incremental = applyIncremental(checkpoint.incremental, change);
  const nextLookbackMs = nextLookback(checkpoint, change, lookbackMs);
  const isShownAgain = shownAgain({ coverage, incremental }, Math.max(lookbackMs, nextLookbackMs ?? 0));
  return {
    identity: checkpoint.identity,
    coverage,
    incremental,
    rereading: applyRereading(checkpoint.rereading, change.rereading),
    lookbackMs: nextLookbackMs,
    maxSpanMs: change.maxSpanMs ?? checkpoint.maxSpanMs,
    open: applyOpen(checkpoint.open, change),
    recent: newestOf([...checkpoint.recent.filter(isShownAgain), ...recentOf(change, isShownAgain)], executionKey),
    latestObservedMs: laterOf(checkpoint.latestObservedMs, change.latestObservedMs),
    quarantined: applyQuarantined(checkpoint, change),
    commitIds: withCommitId(checkpoint.commitIds, change.commitId),
    lastRun: change.run,
  };
}

/** Returns what an interrupted reading again of the same span has read; nothing where it starts over. */
export function rereadParts({ rereading }: Checkpoint, { fromMs, toMs }: Window, nowMs: EpochMs): readonly Window[] {
  const isSame = rereading !== null && rereading.fromMs === fromMs && rereading.toMs === toMs;
  return isSame && isFresh(rereading, nowMs) ? rereading.read : [];
}

/** A shorter lookback counts once a run has read the longer one to its end. */
function nextLookback({ lookbackMs: before }: Checkpoint, change: Change, lookbackMs: number): number | null {
  if (change.incrementalFromMs === null) {
    return before;
  }
  return change.run.outcome === 'done' ? lookbackMs : Math.max(before ?? 0, lookbackMs);
}

/**
 * Which executions later incremental runs are shown again although they are covered: those of the lookback before the furthest
 * that any run has proven, and before each gap, at which the watermark may come to stand. Not what lies between.
 */
function shownAgain(covered: Covered, lookbackMs: number): (entry: Pick<RecentEntry, 'startTimeMs'>) => boolean {
  const reachMs = lookbackMs + edgeToleranceMs;
  const { incremental, coverage } = covered;
  if (incremental === null) {
    return () => true;
  }
  const beforeGaps = gapsIn(incremental, coverage).map(({ fromMs }) => fromMs);
  const shown = unionOf([
    ...beforeGaps.map((ms) => ({ fromMs: ms - reachMs, toMs: ms + edgeToleranceMs + 1 })),
    { fromMs: incremental.toMs - reachMs, toMs: Number.POSITIVE_INFINITY },
  ]);
  return ({ startTimeMs }) => containsAny(shown, startTimeMs);
}

/** Fingerprints are made here, of the few that are kept, and not of every execution that was seen. */
function recentOf({ seen }: Change, isKept: (entry: Pick<RecentEntry, 'startTimeMs'>) => boolean): RecentEntry[] {
  return seen
    .filter(({ execution }) => isKept(execution))
    .map(({ execution, observedAtMs }) => ({
      id: execution.id,
      startTimeMs: execution.startTimeMs,
      fingerprint: fingerprintOf(execution),
      observedAtMs,
    }));
}

function applyIncremental(before: Window | null, { incrementalFromMs, windows }: Change): Window | null {
  if (incrementalFromMs === null || windows.length === 0) {
    return before;
  }
  const reachedMs = windows.reduce((latest, { window }) => Math.max(latest, window.toMs), incrementalFromMs);
  return { fromMs: before?.fromMs ?? incrementalFromMs, toMs: Math.max(before?.toMs ?? reachedMs, reachedMs) };
}

function applyRereading(before: Rereading | null, now: Rereading | null): Rereading | null {
  if (now === null) {
    return before;
  }
  const isSame = before?.fromMs === now.fromMs && before.toMs === now.toMs && isFresh(before, now.readAtMs);
  const read = unionOf([...now.read, ...(isSame ? before.read : [])]);
  return gapsIn(now, read).length === 0 ? null : { ...now, read };
}

function isFresh({ readAtMs }: Rereading, nowMs: EpochMs): boolean {
  return nowMs - readAtMs < rereadingMemoryMs;
}

function laterOf(a: EpochMs | null, b: EpochMs | null): EpochMs | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function applyOpen(open: readonly OpenEntry[], change: Change): OpenEntry[] {
  const closedAtMs = new Map(change.closed.map(({ key, observedAtMs }) => [key, observedAtMs]));
  return newestOf([...open, ...change.opened], (entry) => executionKey(entry.execution)).filter((entry) => {
    const atMs = closedAtMs.get(executionKey(entry.execution));
    return atMs === undefined || atMs < entry.observedAtMs;
  });
}

function applyQuarantined(checkpoint: Checkpoint, change: Change): Checkpoint['quarantined'] {
  const seenAtMs = change.run.committedAtMs;
  const fingerprints = new Set(change.quarantined);
  const added = [...fingerprints].map((fingerprint) => ({ fingerprint, seenAtMs }));
  const known = checkpoint.quarantined.filter((entry) => !fingerprints.has(entry.fingerprint));
  return [...known, ...added].filter((entry) => entry.seenAtMs > seenAtMs - quarantineMemoryMs).slice(-keptQuarantined);
}

/** Of entries with the same key the one observed last. */
function newestOf<Entry extends { readonly observedAtMs: EpochMs }>(
  entries: readonly Entry[],
  keyOf: (entry: Entry) => string,
): Entry[] {
  const newest = new Map<string, Entry>();
  for (const entry of entries) {
    const key = keyOf(entry);
    const known = newest.get(key);
    if (known === undefined || entry.observedAtMs >= known.observedAtMs) {
      newest.set(key, entry);
    }
  }
  return [...newest.values()];
}
