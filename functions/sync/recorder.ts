/** Records what a run reads: collects the rows and the change of the checkpoint for the next commit. */
import { RecordedChange } from '../checkpoint/change.ts';
import type { Checkpoint, OpenEntry, Rereading } from '../checkpoint/checkpoint.ts';
import { fingerprintOf, hash64 } from '../checkpoint/fingerprint.ts';
import { isoTime } from '../clock.ts';
import { contains, containsAny, gapsIn, lengthOf, overlap, spanMs, unionOf } from '../intervals.ts';
import {
  compareExecutions,
  type EpochMs,
  type Execution,
  executionKey,
  isOpen,
  type Observation,
  type UnreadableRow,
  type Window,
} from '../model.ts';
import type { Collected, Seen } from '../reading/collected.ts';
import { vanishedExtra } from '../warehouse/vanished.ts';
import type { RunCounters } from './counters.ts';
import { followUpOf } from './follow-up.ts';
import { KnownExecutions } from './known-executions.ts';
import { MovedExecutions } from './moved-executions.ts';
import { furthestLookback } from './next-window.ts';
import type { ReadSlice } from './slice-reader.ts';
import type { TargetRun } from './target-run.ts';

/** The arguments of a `Recorder`. */
export interface RecorderOptions {
  readonly counters: RunCounters;
  /** The end of the window that the run is to read. */
  readonly untilMs: EpochMs;
  /** Whether it continues incremental coverage; false for a backfill. */
  readonly isIncremental: boolean;
  /** The covered span that is read again, and written even if unchanged; null if there is none. */
  readonly rereads: Window | null;
}

/** The content of a commit. */
class PendingCommit {
  readonly rows: Observation[] = [];
  readonly unreadable: UnreadableRow[] = [];
  readonly change = new RecordedChange();
  /** Executions that were followed and are open for longer than `maxOpenDays`. */
  readonly expired: Execution[] = [];
}

/** Records what one run of one target reads. Holds the rows of at most one commit. */
export class Recorder {
  readonly #run: TargetRun;
  readonly #options: RecorderOptions;
  /** How far before the end of coverage the next incremental run reads again: the lookback, or 0 after a backfill. */
  readonly #revisitedMs: number;
  /** Finds executions that have left coverage; null for a run that does not continue it. */
  readonly #moved: MovedExecutions | null;
  readonly #lookbackAtStart: readonly Window[];
  #checkpoint: Checkpoint;
  #recentFromMs: EpochMs;
  /** How far the source's clock, which sets end times, is behind ours. */
  #sourceLagMs = 0;
  readonly #known: KnownExecutions;
  /** Fingerprints of the rows in quarantine, and of those that wait for it. */
  #quarantined: Set<string> = new Set();
  #pending = new PendingCommit();
  /** Parts of `rereads` that were read. */
  readonly #reread: Window[] = [];
  #hasProgress = false;

  constructor(run: TargetRun, checkpoint: Checkpoint, options: RecorderOptions) {
    this.#run = run;
    this.#options = options;
    this.#revisitedMs = options.isIncremental ? run.settings.lookbackMs : 0;
    this.#moved = options.isIncremental ? new MovedExecutions(checkpoint) : null;
    this.#lookbackAtStart = furthestLookback(checkpoint, checkpoint.lookbackMs ?? 0);
    this.#checkpoint = checkpoint;
    this.#recentFromMs = this.#readAgainFrom(options.untilMs);
    this.#known = new KnownExecutions(options.rereads !== null);
    this.remember(checkpoint, run.clock.now());
  }

  /** The checkpoint as last loaded or committed. */
  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  /** The covered span that is read again; null if there is none. */
  get rereads(): Window | null {
    return this.#options.rereads;
  }

  /**
   * The span before the furthest point of syncs that the next one reads again. All covered executions in it are known
   * one by one, so that an unknown one is late. A sync reads it first; during a backfill, other runs move it on.
   */
  get #lookback(): readonly Window[] {
    const { lookbackMs } = this.#checkpoint;
    return this.#options.isIncremental ? this.#lookbackAtStart : furthestLookback(this.#checkpoint, lookbackMs ?? 0);
  }

  /** Rows that wait for the next commit, including quarantined ones. */
  get pendingRows(): number {
    return this.#pending.rows.length + this.#pending.unreadable.length;
  }

  /** Whether anything was covered that was not before, or any part of `rereads` was read. */
  get hasProgress(): boolean {
    return this.#hasProgress;
  }

  /** Records the proven parts of a slice, up to `provenToMs`, and all their rows. */
  addSlice({ window, proven, unproven, collected }: ReadSlice, provenToMs: EpochMs): void {
    if (provenToMs < window.toMs) {
      // Not from an unproven part on: rows after it are covered, so the next run need not read them again.
      this.#recentFromMs = Math.min(this.#recentFromMs, this.#readAgainFrom(provenToMs));
    }
    const startTimesMs: EpochMs[] = [];
    const late = new Set<string>();
    const lookback = this.#lookback;
    // Of what a backfill reads, only this stays known: what it does not cover, and the lookback of the next sync.
    const { isIncremental } = this.#options;
    this.#noteSourceLag();
    const gaps = gapsIn(window, this.checkpoint.coverage);
    const isAllNew = lengthOf(gaps) === spanMs(window);
    // As a loop, V8 would compile all of this method, and what it calls, once more: 5 % of the CPU time of a first sync.
    collected.seen.forEach((seen, key) => {
      const { startTimeMs } = seen.execution;
      startTimesMs.push(startTimeMs);
      const mayBeLate = !isAllNew && !this.#known.has(key) && containsAny(lookback, startTimeMs);
      if (mayBeLate && contains(window, startTimeMs) && !containsAny(gaps, startTimeMs)) {
        this.#pending.change.lateStartTimesMs.push(startTimeMs);
        late.add(key);
      }
      const isKept = isIncremental || startTimeMs >= provenToMs || containsAny(lookback, startTimeMs);
      this.#observe(key, seen, isKept);
    });
    this.addUnreadable(collected);
    // Only a sync reads covered windows again because rows appear late there, and so has to try once more.
    const known = this.#options.isIncremental ? [] : this.checkpoint.coverage;
    this.#pending.change.unproven.push(...unproven.flatMap((error) => gapsIn(error.window, known)));
    const covered = proven
      .filter(({ fromMs }) => fromMs < provenToMs)
      .map(({ fromMs, toMs }) => ({ fromMs, toMs: Math.min(toMs, provenToMs) }));
    this.#hasProgress ||= covered.some((part) => this.rereads !== null || gaps.some((gap) => overlap(part, gap)));
    this.#reread.push(...(this.rereads === null ? [] : covered));
    this.#pending.change.windows.push(...covered.map((part) => ({ window: part, startTimesMs })));
    this.#noteMoved(collected, covered, late);
  }

  #noteMoved({ seen }: Collected, covered: readonly Window[], late: ReadonlySet<string>): void {
    for (const [key, { execution }] of seen) {
      const leftMs = this.#moved?.leftAt(execution, late.has(key)) ?? null;
      if (leftMs !== null && containsAny(covered, execution.startTimeMs)) {
        this.#pending.change.moved.push({ id: execution.id, startTimeMs: execution.startTimeMs, leftMs });
      }
    }
  }

  /**
   * Returns where the next incremental run starts reading again if this run covers up to `coveredToMs`. A run on a
   * machine whose clock is behind moves neither the furthest covered point nor the lookback before it.
   */
  #readAgainFrom(coveredToMs: EpochMs): EpochMs {
    const furthestMs = this.#checkpoint.incremental?.toMs ?? Number.NEGATIVE_INFINITY;
    return Math.max(coveredToMs - this.#revisitedMs, furthestMs - this.#run.settings.lookbackMs);
  }

  /**
   * Drops the windows that are not committed yet, because their proof was revoked, and returns them: they must be read
   * again. Their rows are still written.
   */
  forgetWindows(): readonly Window[] {
    const { windows, unproven } = this.#pending.change;
    const forgotten = unionOf([...windows.map(({ window }) => window), ...unproven, ...this.#reread]);
    this.#pending.change.windows = [];
    this.#pending.change.unproven = [];
    this.#pending.change.moved = [];
    this.#reread.length = 0;
    return forgotten;
  }

  /** Returns the parts of a window that are not proven yet; in a re-read, those that this run has not proven. */
  unreadIn(window: Window): readonly Window[] {
    const pending = this.#pending.change.windows.map((proven) => proven.window);
    return gapsIn(window, unionOf(this.rereads === null ? [...this.#checkpoint.coverage, ...pending] : this.#reread));
  }

  /** Records that all of `rereads` was read. */
  endReread(): void {
    this.#reread.push(...(this.rereads === null ? [] : [this.rereads]));
  }

  /** Records an execution that was re-checked. */
  addReobserved(key: string, seen: Seen): void {
    this.#noteSourceLag();
    this.#observe(key, seen, true);
  }

  /**
   * Records rows of unproven windows that are covered, because they may leave the source before a later run reads those
   * again. Ignores a row if a later state of its execution is known.
   */
  addUnproven(windows: readonly Window[], seen: ReadonlyMap<string, Seen>): void {
    for (const [key, row] of seen) {
      const { startTimeMs } = row.execution;
      const isLater = row.receivedAtMs >= (this.#known.get(key)?.observedAtMs ?? 0);
      if (isLater && containsAny(windows, startTimeMs) && containsAny(this.checkpoint.coverage, startTimeMs)) {
        this.addReobserved(key, row);
      }
    }
  }

  /** Quarantines unreadable rows, each once. */
  addUnreadable({ unreadable }: Pick<Collected, 'unreadable'>): void {
    for (const row of unreadable.values()) {
      const fingerprint = hash64(row.rawText);
      if (!this.#quarantined.has(fingerprint)) {
        this.#quarantined.add(fingerprint);
        this.#pending.unreadable.push(row);
      }
      this.#pending.change.quarantined.push(fingerprint);
    }
  }

  /**
   * Stops following an execution that could not be re-checked and may still exist, if it is older than `maxOpenDays`. An
   * open one expires. One whose notification may have changed is looked for until then.
   */
  expireIfOld(execution: Execution): void {
    this.#noteSourceLag();
    const nowMs = this.#run.clock.now() - this.#sourceLagMs;
    const { settings } = this.#run;
    const isOld = nowMs - execution.startTimeMs > settings.maxOpenMs;
    if (isOld && followUpOf(execution, nowMs, this.#recentFromMs, settings) === null) {
      this.#expireIfOpen(execution, this.close(executionKey(execution)), true);
    }
  }

  /**
   * Writes an observation of an open execution that the source no longer lists, noted in `extra`. It is dated right
   * after the state that it repeats, so an outcome that another run has written since stays the latest, even if that run
   * was killed before its commit. The next run looks for the execution once more, in case the source left it out by
   * mistake.
   */
  addVanished({ execution, observedAtMs: knownAtMs, statedAtMs = knownAtMs }: OpenEntry, vanishedAtMs: EpochMs): void {
    const key = executionKey(execution);
    const noted = { ...execution, extra: vanishedExtra(execution.extra, isoTime(vanishedAtMs)) };
    this.#write(noted, statedAtMs + 1);
    // The entry replaces the one before.
    const observedAtMs = knownAtMs + 1;
    this.#known.set(key, { fingerprint: fingerprintOf(noted), observedAtMs });
    const entry = { execution: noted, observedAtMs, lookedAtMs: vanishedAtMs };
    this.#pending.change.opened.push({ ...entry, awaits: 'notification' });
  }

  /**
   * Stops re-checking an execution without writing to the table. Returns the time of the observation that closed it.
   */
  close(key: string): EpochMs {
    const observedAtMs = this.#known.laterThan(this.#known.get(key), this.#run.clock.now());
    this.#pending.change.closed.push({ key, observedAtMs });
    this.#known.followed.delete(key);
    return observedAtMs;
  }

  /** Returns what waits for a commit, rows in the order of the table, and removes it. */
  take(): PendingCommit {
    const pending = this.#pending;
    this.#pending = new PendingCommit();
    pending.rows.sort(compareExecutions);
    return pending;
  }

  /** Returns which parts of `rereads` the run has read so far; null without a re-read. */
  rereadingAt(readAtMs: EpochMs): Rereading | null {
    return this.rereads === null ? null : { ...this.rereads, read: unionOf(this.#reread), readAtMs };
  }

  /** Takes over a checkpoint that was loaded or committed at `nowMs` by our clock. */
  remember(checkpoint: Checkpoint, nowMs: EpochMs): void {
    this.#checkpoint = checkpoint;
    this.#known.remember(checkpoint, nowMs);
    this.#quarantined = new Set(checkpoint.quarantined.map(({ fingerprint }) => fingerprint));
  }

  /** Records one observation. `isKept` says whether the checkpoint may keep its state. */
  #observe(key: string, { execution, receivedAtMs }: Seen, isKept: boolean): void {
    const before = this.#known.get(key);
    const wasFollowed = this.#known.followed.has(key);
    const wasExpired = this.#known.expired.has(key);
    // The next run reads a recent execution again, unless a concurrent run has moved the lookback past it. A
    // followed execution stays followed, because closing it would also drop what that run has recorded of it.
    const recentFromMs = wasFollowed ? Number.POSITIVE_INFINITY : this.#recentFromMs;
    const awaits = followUpOf(execution, receivedAtMs - this.#sourceLagMs, recentFromMs, this.#run.settings);
    // Most rows are new and settled, and this run does not see them again: their fingerprints are not needed.
    const isCompared = before !== undefined || awaits !== null || wasExpired;
    const fingerprint = isCompared ? fingerprintOf(execution) : '';
    const isChanged = before === undefined || before.fingerprint !== fingerprint;
    const observedAtMs = isChanged ? this.#known.laterThan(before, receivedAtMs) : before.observedAtMs;
    // A known execution that is written is marked (PROTOCOL.md, I22), which its new state ends.
    if (isKept || before !== undefined) {
      this.#pending.change.seen.push({ execution, observedAtMs });
    }
    if (isChanged) {
      this.#write(execution, observedAtMs);
    }
    if (isCompared) {
      this.#known.set(key, { fingerprint, observedAtMs });
    }
    if (awaits !== null) {
      this.#pending.change.opened.push({ execution, observedAtMs, lookedAtMs: receivedAtMs, awaits });
      this.#known.followed.add(key);
      return;
    }
    if (wasFollowed || wasExpired) {
      this.#pending.change.closed.push({ key, observedAtMs });
      this.#known.followed.delete(key);
    }
    if (isChanged || wasFollowed) {
      this.#expireIfOpen(execution, observedAtMs, wasFollowed);
    }
  }

  #noteSourceLag(): void {
    this.#sourceLagMs = Math.max(0, -(this.#run.source.stats().clockSkewMs ?? 0));
  }

  #write(execution: Execution, observedAtMs: EpochMs): void {
    const { target, runId } = this.#run;
    const { workspace, projectId } = target;
    this.#pending.rows.push({ ...execution, workspace, projectId, observedAtMs, runId });
  }

  #expireIfOpen(execution: Execution, observedAtMs: EpochMs, wasFollowed: boolean): void {
    if (isOpen(execution)) {
      const { id, startTimeMs } = execution;
      this.#pending.change.expired.push({ id, startTimeMs, observedAtMs });
      this.#options.counters.expired += 1;
      // An execution that was too old when first seen is not reported.
      if (wasFollowed) {
        this.#pending.expired.push(execution);
      }
    }
  }
}
