/**
 * Changes to a checkpoint, and how they are applied. Pure.
 *
 * Changes commute and may be applied twice (PROTOCOL.md, I5): coverage is a union, and of two observations of one
 * execution the later one wins, as it does in the view.
 */
import { containsAny, gapsIn, unionOf } from '../intervals.ts';
import { type EpochMs, type Execution, executionKey, type Window } from '../model.ts';
import {
  type Checkpoint,
  type ExpiredEntry,
  edgeToleranceMs,
  type LastRun,
  type MovedInstance,
  type NewestStart,
  type OpenEntry,
  type RecentEntry,
  type Rereading,
  withCommitId,
} from './checkpoint.ts';
import { addWindow, adjustRows, type Covered, type CoveredWindow } from './coverage.ts';
import { fingerprintOf } from './fingerprint.ts';
import { applyUnproven } from './unproven.ts';

/** What a run records between two commits. */
export class RecordedChange {
  /** Windows proven complete, with the start times of the executions found in them. */
  windows: { readonly window: Window; readonly startTimesMs: readonly EpochMs[] }[] = [];
  /** Windows that the run could not prove. */
  unproven: Window[] = [];
  /** Start times of executions that appeared within coverage. */
  lateStartTimesMs: EpochMs[] = [];
  /** Covered instances that were run again, and so left the window of their previous start. */
  moved: (MovedInstance & { readonly leftMs: EpochMs })[] = [];
  /** Executions seen. Those that later runs will read again become `recent`. */
  seen: { readonly execution: Execution; readonly observedAtMs: EpochMs }[] = [];
  /** Executions to re-check. */
  opened: OpenEntry[] = [];
  /** Executions that need no further checks as of the given observation. */
  closed: { readonly key: string; readonly observedAtMs: EpochMs }[] = [];
  /** Open executions that are no longer re-checked. */
  expired: ExpiredEntry[] = [];
  quarantined: string[] = [];
}

type Recorded = { readonly [list in keyof RecordedChange]: readonly RecordedChange[list][number][] };

/** The changes of one commit. */
export interface Change extends Recorded {
  readonly commitId: string;
  /** Where incremental coverage begins if this run is the first incremental one; null for a backfill. */
  readonly incrementalFromMs: EpochMs | null;
  /** The span that this run reads again, and what it has read of it; null if it reads none again. */
  readonly rereading: Rereading | null;
  readonly maxSpanMs: number | null;
  /**
   * Id of the last commit that this run knows of. If the checkpoint has another one, another run has committed since.
   */
  readonly afterCommitId: string | null;
  /** The newest execution of each task among the rows written. */
  readonly newestStarts: readonly NewestStart[];
  /** The latest `observed_at` written; null if nothing was written. */
  readonly latestObservedMs: EpochMs | null;
  readonly run: LastRun;
  /** Whether this belongs to the follow-up of a run that has ended, whose result stays the last one. */
  readonly keepsLastRun?: boolean;
}

/** A quarantined row that was not seen for this long is forgotten. */
const quarantineMemoryMs = 7 * 86_400_000;
const keptQuarantined = 20_000;
/** 80 kB of checkpoint. */
const keptExpired = 1_000;
/** 40 kB of checkpoint. */
const keptMoved = 1_000;
/** 400 kB of checkpoint. */
const keptNewestStarts = 10_000;
/** An interrupted re-read that is older than this starts over, because what it read is stale. */
const rereadingMemoryMs = 86_400_000;

/** Returns the checkpoint with `change` applied. `recent` reaches back `lookbackMs` before the watermark. */
export function applyChange(checkpoint: Checkpoint, change: Change, lookbackMs: number): Checkpoint {
  if (checkpoint.commitIds.includes(change.commitId)) {
    return checkpoint;
  }
  const left = change.moved.map(({ leftMs }) => leftMs);
  const coverage = change.windows.reduce<readonly CoveredWindow[]>(
    (sum, { window, startTimesMs }) => addWindow(sum, window, startTimesMs),
    adjustRows(checkpoint.coverage, uncountedLate(checkpoint, change), left),
  );
  const incremental = applyIncremental(checkpoint.incremental, change);
  const nextLookbackMs = nextLookback(checkpoint, change, lookbackMs);
  const isShownAgain = shownAgain({ coverage, incremental }, Math.max(lookbackMs, nextLookbackMs ?? 0));
  return {
    identity: checkpoint.identity,
    coverage,
    incremental,
    rereading: applyRereading(checkpoint, change.rereading),
    lookbackMs: nextLookbackMs,
    maxSpanMs: change.maxSpanMs ?? checkpoint.maxSpanMs,
    unproven: applyUnproven(checkpoint.unproven, triedIn(change), coverage),
    ...applyFollowed(checkpoint, change),
    recent: newestOf([...checkpoint.recent.filter(isShownAgain), ...recentOf(change, isShownAgain)], executionKey),
    moved: applyMoved(checkpoint.moved, change),
    ...applyNewestStarts(checkpoint, change),
    latestObservedMs: laterOf(checkpoint.latestObservedMs, change.latestObservedMs),
    quarantined: applyQuarantined(checkpoint, change),
    commitIds: withCommitId(checkpoint.commitIds, change.commitId),
    lastRun: change.keepsLastRun ? checkpoint.lastRun : change.run,
  };
}

function triedIn({ unproven, windows, run }: Change): Parameters<typeof applyUnproven>[1] {
  return { tried: unproven, proven: windows.map(({ window }) => window), atMs: run.committedAtMs };
}

/** Returns the late executions to count: none if another run has committed since this one began (PROTOCOL.md, I5). */
function uncountedLate({ commitIds }: Checkpoint, change: Change): readonly EpochMs[] {
  return (commitIds.at(-1) ?? null) === change.afterCommitId ? change.lateStartTimesMs : [];
}

/** Returns the parts that an interrupted re-read of the same span has read; none if it starts over. */
export function rereadParts(
  { rereading }: Pick<Checkpoint, 'rereading'>,
  { fromMs, toMs }: Window,
  nowMs: EpochMs,
): readonly Window[] {
  const isSame = rereading?.fromMs === fromMs && rereading.toMs === toMs;
  return isSame && nowMs - rereading.readAtMs < rereadingMemoryMs ? rereading.read : [];
}

/** A shorter lookback takes effect only after a run has read the longer one completely. */
function nextLookback({ lookbackMs: before }: Checkpoint, change: Change, lookbackMs: number): number | null {
  if (change.incrementalFromMs === null) {
    return before;
  }
  return change.run.outcome === 'done' ? lookbackMs : Math.max(before ?? 0, lookbackMs);
}

/**
 * Returns whether later incremental runs will read a start time again although it is covered. They read the lookback
 * before the furthest point that any run has proven, and before each gap, because the watermark may fall back to it.
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

/** Computes fingerprints only for the few executions that are kept, not for all that were seen. */
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

function applyRereading(checkpoint: Checkpoint, now: Rereading | null): Rereading | null {
  if (now === null) {
    return checkpoint.rereading;
  }
  const read = unionOf([...now.read, ...rereadParts(checkpoint, now, now.readAtMs)]);
  return gapsIn(now, read).length === 0 ? null : { ...now, read };
}

function laterOf(a: EpochMs | null, b: EpochMs | null): EpochMs | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function applyFollowed(checkpoint: Checkpoint, change: Change): Pick<Checkpoint, 'open' | 'expired'> {
  const followed = newestOf([...checkpoint.open, ...change.opened], keyOfOpen);
  const followedAtMs = new Map(followed.map((entry) => [keyOfOpen(entry), entry.observedAtMs]));
  const closedAtMs = new Map(change.closed.map(({ key, observedAtMs }) => [key, observedAtMs]));
  // An execution expires by the observation that closes it. A later one shows that it has ended, or is followed again.
  const isSuperseded = (entry: ExpiredEntry): boolean =>
    [followedAtMs, closedAtMs].some((times) => timeOf(times, executionKey(entry)) > entry.observedAtMs);
  return {
    open: followed.filter((entry) => timeOf(closedAtMs, keyOfOpen(entry)) < entry.observedAtMs),
    expired: newestOf([...checkpoint.expired, ...change.expired], executionKey)
      .filter((entry) => !isSuperseded(entry))
      .slice(-keptExpired),
  };
}

function timeOf(times: ReadonlyMap<string, EpochMs>, key: string): EpochMs {
  return times.get(key) ?? Number.NEGATIVE_INFINITY;
}

function keyOfOpen({ execution }: OpenEntry): string {
  return executionKey(execution);
}

function applyMoved(before: readonly MovedInstance[], { moved }: Change): MovedInstance[] {
  const added = moved.map(({ id, startTimeMs }) => ({ id, startTimeMs }));
  return latestStarts([...before, ...added], ({ id }) => id).slice(-keptMoved);
}

function applyNewestStarts(
  { newestStarts: before, newestStartsFromMs: fromMs }: Checkpoint,
  { newestStarts }: Change,
): Pick<Checkpoint, 'newestStarts' | 'newestStartsFromMs'> {
  const all = latestStarts([...before, ...newestStarts], ({ taskId }) => taskId);
  const dropped = all.at(-1 - keptNewestStarts);
  return {
    newestStarts: all.slice(-keptNewestStarts),
    newestStartsFromMs: dropped === undefined ? fromMs : laterOf(fromMs, dropped.startTimeMs + 1),
  };
}

/** Returns the newest execution of each task; executions without a task are left out. */
export function newestStartOfEachTask(
  executions: readonly { readonly taskId: bigint | null; readonly startTimeMs: EpochMs }[],
): NewestStart[] {
  const starts = executions.flatMap(({ taskId, startTimeMs }) => (taskId === null ? [] : [{ taskId, startTimeMs }]));
  return latestStarts(starts, ({ taskId }) => taskId);
}

/** Returns the entry with the latest start of each id, in order of start and id. */
function latestStarts<Entry extends { readonly startTimeMs: EpochMs }>(
  entries: readonly Entry[],
  idOf: (entry: Entry) => bigint,
): Entry[] {
  const latest = new Map<bigint, Entry>();
  for (const entry of entries) {
    const known = latest.get(idOf(entry));
    if (known === undefined || entry.startTimeMs >= known.startTimeMs) {
      latest.set(idOf(entry), entry);
    }
  }
  return [...latest.values()].sort((a, b) => a.startTimeMs - b.startTimeMs || (idOf(a) < idOf(b) ? -1 : 1));
}

function applyQuarantined(checkpoint: Checkpoint, change: Change): Checkpoint['quarantined'] {
  const seenAtMs = change.run.committedAtMs;
  const fingerprints = new Set(change.quarantined);
  const added = [...fingerprints].map((fingerprint) => ({ fingerprint, seenAtMs }));
  const known = checkpoint.quarantined.filter((entry) => !fingerprints.has(entry.fingerprint));
  return [...known, ...added].filter((entry) => entry.seenAtMs > seenAtMs - quarantineMemoryMs).slice(-keptQuarantined);
}

/** Returns the entry observed last for each key. */
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
