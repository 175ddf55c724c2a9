/**
 * The checkpoint: the one document of a target, and how changes are applied to it. Pure.
 *
 * Changes commute and may be applied twice (PROTOCOL.md, I5): coverage is a union, and of two sightings of one execution
 * the later observation wins, as it does in the view.
 */

import { containsAny, gapsIn, unionOf } from '../intervals.ts';
import { type EpochMs, type Execution, executionKey, isOpen, type TargetFilter, type Window } from '../model.ts';
import { addLateRows, addWindow, type Covered, type CoveredWindow, cutOut } from './coverage.ts';

/** What a target's coverage is true for; it never changes under one name. */
export interface TargetIdentity {
  readonly projectId: string;
  readonly workspace: string;
  readonly filter: TargetFilter;
  readonly partitionTimeZone: string;
}

/** An execution that is looked at again by every run, wherever its start time lies. */
export interface OpenEntry {
  readonly execution: Execution;
  readonly observedAtMs: EpochMs;
  /**
   * When it was last looked at, changed or not: where not all can be, those looked at longest ago come first. 0 after a
   * rewind: what the table holds of it is in doubt, so it is written once more, changed or not.
   */
  readonly lookedAtMs: EpochMs;
  /** `outcome`: it is open. `notification`: it ended a moment ago, and whether anyone was told may still change. */
  readonly awaits: 'outcome' | 'notification';
}

/** An execution within the lookback, as it was last written. */
export interface RecentEntry {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
  readonly fingerprint: string;
  readonly observedAtMs: EpochMs;
}

/** How the last run of the target went. */
export interface LastRun {
  readonly runId: string;
  readonly mode: 'incremental' | 'backfill';
  readonly startedAtMs: EpochMs;
  readonly committedAtMs: EpochMs;
  /** `running` stays behind when a run is killed. */
  readonly outcome: 'running' | 'done' | 'stopped' | 'failed';
  readonly rowsWritten: number;
  readonly error: string | null;
}

/** A span of coverage that is being read once more, and the parts of it that were. */
export interface Rereading extends Window {
  /** Disjoint, in order of time. */
  readonly read: readonly Window[];
  /** When the last of them was read. */
  readonly readAtMs: EpochMs;
}

/** The document. */
export interface Checkpoint extends Covered {
  readonly identity: TargetIdentity;
  /** The reading again that was begun last and has not ended. A hint: without it, it begins anew. */
  readonly rereading: Rereading | null;
  /**
   * The lookback of the incremental run that committed last: the next one reads at least so much again. Null before the
   * first.
   */
  readonly lookbackMs: number | null;
  /** The longest span that the source was seen to accept after it had refused longer ones; null where it refused none. A hint. */
  readonly maxSpanMs: number | null;
  readonly open: readonly OpenEntry[];
  readonly recent: readonly RecentEntry[];
  /** The latest `observed_at` that was ever written, by whosever clock; null where that was not kept. */
  readonly latestObservedMs: EpochMs | null;
  /** Fingerprints of quarantined rows and when each was last seen, so that a row is quarantined once. */
  readonly quarantined: readonly { readonly fingerprint: string; readonly seenAtMs: EpochMs }[];
  /** Ids of the last commits, by which a run recognises that its own commit landed. Newest last. */
  readonly commitIds: readonly string[];
  readonly lastRun: LastRun | null;
}

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
  /** Executions seen, for `recent`. */
  readonly seen: readonly RecentEntry[];
  /** Executions to look at again. */
  readonly opened: readonly OpenEntry[];
  /** Executions not to look at again, as of the given observation. */
  readonly closed: readonly { readonly key: string; readonly observedAtMs: EpochMs }[];
  readonly quarantined: readonly string[];
  /** The latest `observed_at` of what was written; null where nothing was. */
  readonly latestObservedMs: EpochMs | null;
  readonly run: LastRun;
}

/** Commit ids kept: more than the commits that can happen between a lost reply and reading back. */
const keptCommitIds = 50;
/** A row that was not seen again for so long is forgotten as quarantined. */
const quarantineMemoryMs = 7 * 86_400_000;
const keptQuarantined = 20_000;
/** A reading again that was stopped longer ago than this starts over: what it had read is stale. */
const rereadingMemoryMs = 86_400_000;

/** The checkpoint of a target that was never synced. */
export function emptyCheckpoint(identity: TargetIdentity): Checkpoint {
  return {
    identity,
    coverage: [],
    incremental: null,
    rereading: null,
    lookbackMs: null,
    maxSpanMs: null,
    open: [],
    recent: [],
    latestObservedMs: null,
    quarantined: [],
    commitIds: [],
    lastRun: null,
  };
}

/** The checkpoint with `change` applied. `lookbackMs` says how far behind the watermark `recent` has to reach. */
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
    recent: newestOf([...checkpoint.recent, ...change.seen], (entry) => executionKey(entry)).filter(isShownAgain),
    latestObservedMs: laterOf(checkpoint.latestObservedMs, change.latestObservedMs),
    quarantined: applyQuarantined(checkpoint, change),
    commitIds: [...checkpoint.commitIds, change.commitId].slice(-keptCommitIds),
    lastRun: change.run,
  };
}

/**
 * The checkpoint taken back: nothing from `toMs` on counts as covered, so that the next incremental run reads it again and
 * writes what it finds, known or not. What is open there is still followed, to its end or until it has vanished. What lies
 * before, and how the last run went, stays.
 */
export function rewindTo(checkpoint: Checkpoint, toMs: EpochMs, commitId: string): Checkpoint {
  const { incremental } = checkpoint;
  return {
    ...checkpoint,
    coverage: cutOut(checkpoint.coverage, { fromMs: toMs, toMs: Number.POSITIVE_INFINITY }),
    incremental: incremental === null ? null : { fromMs: Math.min(incremental.fromMs, toMs), toMs },
    rereading: null,
    open: checkpoint.open.map((entry) => (entry.execution.startTimeMs < toMs ? entry : { ...entry, lookedAtMs: 0 })),
    recent: checkpoint.recent.filter(({ startTimeMs }) => startTimeMs < toMs),
    commitIds: [...checkpoint.commitIds, commitId].slice(-keptCommitIds),
  };
}

/** Returns what an interrupted reading again of the same span has read; nothing where it starts over. */
export function rereadParts({ rereading }: Checkpoint, { fromMs, toMs }: Window, nowMs: EpochMs): readonly Window[] {
  const isSame = rereading !== null && rereading.fromMs === fromMs && rereading.toMs === toMs;
  return isSame && isFresh(rereading, nowMs) ? rereading.read : [];
}

/** How far outside a window the source may show rows: it is asked for windows widened by 1 ms, and they are kept that long. */
export const edgeMs = 2;

/**
 * Whether, and for what, an execution has to be looked at again. A notice that was sent is followed like one that was not:
 * the next may fail.
 *
 * @param observedAtMs by the source's clock
 * @param recentFromMs executions that start from here on are read again by the next run anyway
 * @param lookbackMs how long after its end an execution's notification state is followed
 * @param maxOpenMs an open execution that started longer ago than this is given up
 */
export function awaitedOf(
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
function shownAgain(covered: Covered, lookbackMs: number): (entry: RecentEntry) => boolean {
  const reachMs = lookbackMs + edgeMs;
  const { incremental, coverage } = covered;
  if (incremental === null) {
    return () => true;
  }
  const beforeGaps = gapsIn(incremental, coverage).map(({ fromMs }) => fromMs);
  const shown = unionOf([
    ...beforeGaps.map((ms) => ({ fromMs: ms - reachMs, toMs: ms + edgeMs + 1 })),
    { fromMs: incremental.toMs - reachMs, toMs: Number.POSITIVE_INFINITY },
  ]);
  return ({ startTimeMs }) => containsAny(shown, startTimeMs);
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
  // Only what was written since a rewind ends the doubt, and that was observed later: not the look of a run begun before.
  const doubtfulAtMs = new Map(
    open
      .filter(({ lookedAtMs }) => lookedAtMs === 0)
      .map(({ execution, observedAtMs }) => [executionKey(execution), observedAtMs]),
  );
  const opened = change.opened.filter(
    ({ execution, observedAtMs }) => doubtfulAtMs.get(executionKey(execution)) !== observedAtMs,
  );
  return newestOf([...open, ...opened], (entry) => executionKey(entry.execution)).filter((entry) => {
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
