/** Records what a run reads: turns it into the rows and the change of the checkpoint that the next commit holds. */
import { emptyPendingChange, type PendingChange } from '../checkpoint/change.ts';
import { type Checkpoint, edgeToleranceMs, type Rereading } from '../checkpoint/checkpoint.ts';
import { fingerprintOf } from '../checkpoint/fingerprint.ts';
import { contains, containsAny, gapsIn, lengthOf, spanMs, unionOf } from '../intervals.ts';
import {
  type EpochMs,
  type Execution,
  executionKey,
  isOpen,
  type Observation,
  type UnreadableRow,
  type Window,
} from '../model.ts';
import type { Collected, Seen } from '../reading/collected.ts';
import type { RunCounters } from './counters.ts';
import { ExpiredExecutions } from './expired-executions.ts';
import { followUpOf } from './follow-up.ts';
import { type Known, KnownExecutions } from './known-executions.ts';
import { PendingObservations, vanishedExtra } from './pending-observations.ts';
import { PendingQuarantine } from './pending-quarantine.ts';
import type { ReadSlice } from './slice-reader.ts';
import type { TargetRun } from './target-run.ts';

/** How to make a `Recorder`. */
export interface RecorderOptions {
  readonly counters: RunCounters;
  /** Where the run means to end. */
  readonly untilMs: EpochMs;
  /** How far behind its own end of coverage the next incremental run reads again: the lookback, or 0 after a backfill. */
  readonly revisitedMs: number;
  /** The span of coverage that is read once more, and written whether known or not; null where none is. */
  readonly rereads: Window | null;
}

type RecordedSlice = Pick<ReadSlice, 'window' | 'proven' | 'collected'>;

/** What a commit writes. */
export interface PendingCommit {
  readonly rows: Observation[];
  readonly unreadable: UnreadableRow[];
  readonly change: PendingChange;
}

/** Records what one run of one target reads. Holds at most one commit's worth of rows. */
export class Recorder {
  /** Executions that expired in this run and were not reported yet. */
  readonly expired = new ExpiredExecutions();
  readonly #run: TargetRun;
  readonly #options: RecorderOptions;
  #checkpoint: Checkpoint;
  #recentFromMs: EpochMs;
  /** What starts from here on will be shown again to an incremental run: what was written of it goes into the checkpoint. */
  #keptFromMs = Number.POSITIVE_INFINITY;
  /** How far the source's clock, which tells ends, is behind ours. */
  #sourceLagMs = 0;
  readonly #known: KnownExecutions;
  readonly #observations: PendingObservations;
  readonly #quarantine = new PendingQuarantine();
  #change: PendingChange = emptyPendingChange();
  /** Parts of `rereads` that were read. */
  readonly #reread: Window[] = [];

  constructor(run: TargetRun, checkpoint: Checkpoint, options: RecorderOptions) {
    this.#run = run;
    this.#recentFromMs = options.untilMs - options.revisitedMs;
    this.#options = options;
    this.#checkpoint = checkpoint;
    const { workspace, projectId } = run.target;
    this.#observations = new PendingObservations({ workspace, projectId, runId: run.runId });
    this.#known = new KnownExecutions(options.rereads !== null);
    this.remember(checkpoint, run.clock.now());
  }

  /** The checkpoint as last loaded or committed. */
  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  /** Whether windows are read that are covered already. */
  get isRereading(): boolean {
    return this.#options.rereads !== null;
  }

  /** Rows that wait for the next commit, quarantined ones included. */
  get pendingRows(): number {
    return this.#observations.count + this.#quarantine.count;
  }

  /** Records the proven parts of a slice, up to `provenToMs`, and every row that was shown of them. */
  addSlice({ window, proven, collected }: RecordedSlice, provenToMs: EpochMs): void {
    // The watermark may come to stand before what is not proven, and the next run reads the lookback before it again.
    const endMs = gapsIn(window, proven)[0]?.fromMs ?? window.toMs;
    const recentFromMs = Math.min(endMs, provenToMs) - this.#options.revisitedMs - edgeToleranceMs;
    if (provenToMs < window.toMs) {
      // Not from `endMs` on: proven rows behind an unproven part are covered, so the next run need not read them again.
      this.#recentFromMs = Math.min(this.#recentFromMs, provenToMs - this.#options.revisitedMs);
    }
    const isKept = this.#options.revisitedMs > 0 || provenToMs < window.toMs;
    this.#keptFromMs = isKept ? recentFromMs : Number.POSITIVE_INFINITY;
    const startTimesMs: EpochMs[] = [];
    this.#noteSourceLag();
    const gaps = this.isRereading ? [window] : gapsIn(window, this.checkpoint.coverage);
    const isAllNew = lengthOf(gaps) === spanMs(window);
    const endsMs = [window, ...proven].flatMap(({ fromMs, toMs }) => [fromMs, toMs]);
    for (const [key, seen] of collected.seen) {
      const { startTimeMs } = seen.execution;
      startTimesMs.push(startTimeMs);
      const before = this.#known.get(key);
      if (!isAllNew && before === undefined && contains(window, startTimeMs) && !containsAny(gaps, startTimeMs)) {
        this.#change.lateStartTimesMs.push(startTimeMs);
      }
      const isAtEnd = endsMs.some((ms) => Math.abs(ms - startTimeMs) <= edgeToleranceMs);
      const known = this.#observe(key, before, seen, startTimeMs >= recentFromMs, isAtEnd);
      if (known !== null && isAtEnd) {
        this.#known.keepAtEdge(key, known);
      }
    }
    this.addUnreadable(collected);
    for (const { fromMs, toMs } of proven.filter((part) => part.fromMs < provenToMs)) {
      this.#reread.push({ fromMs, toMs: Math.min(toMs, provenToMs) });
      this.#change.windows.push({ window: { fromMs, toMs: Math.min(toMs, provenToMs) }, startTimesMs });
    }
  }

  /** Forgets the windows that are not committed yet: what proved them was revoked. Their rows are written all the same. */
  forgetWindows(): void {
    this.#change.windows = [];
    this.#reread.length = 0;
  }

  /** Records that all of `rereads` was read. */
  endReread(): void {
    this.#reread.push(...(this.#options.rereads === null ? [] : [this.#options.rereads]));
  }

  /** Records an execution that was looked at by itself. */
  addReobserved(key: string, seen: Seen): void {
    this.#noteSourceLag();
    this.#observe(key, this.#known.get(key), seen, false, false);
  }

  /** Quarantines the rows that could not be read, each once. */
  addUnreadable({ unreadable }: Pick<Collected, 'unreadable'>): void {
    for (const row of unreadable.values()) {
      this.#change.quarantined.push(this.#quarantine.add(row));
    }
  }

  /** Stops following an open execution that could not be read, and may still be there, if it is older than `maxOpenDays`. */
  expireIfOld(execution: Execution): void {
    this.#noteSourceLag();
    const nowMs = this.#run.clock.now() - this.#sourceLagMs;
    if (followUpOf(execution, nowMs, this.#recentFromMs, this.#run.settings) === null) {
      this.close(executionKey(execution));
      this.#expireIfOpen(execution, true);
    }
  }

  /** Writes an execution once more that the source no longer has, saying so in `extra`, and closes it. */
  addVanished(execution: Execution, vanishedAt: string): void {
    const extra = vanishedExtra(execution.extra, vanishedAt);
    const key = executionKey(execution);
    const observedAtMs = this.#known.laterThan(this.#known.get(key), this.#run.clock.now());
    this.#write({ ...execution, extra }, observedAtMs);
    this.#change.closed.push({ key, observedAtMs });
    this.#known.setFollowed(key, false);
  }

  /** Stops looking at an execution, without a word in the table. */
  close(key: string): void {
    this.#change.closed.push({ key, observedAtMs: this.#known.laterThan(this.#known.get(key), this.#run.clock.now()) });
    this.#known.setFollowed(key, false);
  }

  /** Returns what waits for a commit, and forgets it. */
  take(): PendingCommit {
    const change = this.#change;
    this.#change = emptyPendingChange();
    return { rows: this.#observations.take(), unreadable: this.#quarantine.take(), change };
  }

  /** Returns which parts of `rereads` the run has read so far; null where it reads nothing again. */
  rereadingAt(readAtMs: EpochMs): Rereading | null {
    const { rereads } = this.#options;
    return rereads === null ? null : { ...rereads, read: unionOf(this.#reread), readAtMs };
  }

  /** Takes over a checkpoint that was loaded or committed at `nowMs` by our clock. */
  remember(checkpoint: Checkpoint, nowMs: EpochMs): void {
    this.#checkpoint = checkpoint;
    this.#known.remember(checkpoint, nowMs);
    this.#quarantine.remember(checkpoint);
  }

  /** Records one sighting. Returns what is known of the execution now, or null where that is not kept. */
  #observe(key: string, before: Known | undefined, seen: Seen, isRecent: boolean, isAtEnd: boolean): Known | null {
    const { execution, receivedAtMs } = seen;
    const awaits = followUpOf(execution, receivedAtMs - this.#sourceLagMs, this.#recentFromMs, this.#run.settings);
    if (before !== undefined || awaits !== null || isAtEnd) {
      return this.#observeKept(key, before, seen, awaits, isRecent);
    }
    const observedAtMs = this.#known.laterThan(undefined, receivedAtMs);
    this.#write(execution, observedAtMs);
    if (isRecent && execution.startTimeMs >= this.#keptFromMs) {
      this.#change.seen.push({ execution, observedAtMs });
    }
    this.#expireIfOpen(execution, false);
    return null;
  }

  #observeKept(
    key: string,
    before: Known | undefined,
    { execution, receivedAtMs }: Seen,
    awaits: ReturnType<typeof followUpOf>,
    isRecent: boolean,
  ): Known {
    const wasFollowed = this.#known.isFollowed(key);
    const fingerprint = fingerprintOf(execution);
    const isChanged = before?.fingerprint !== fingerprint;
    const observedAtMs =
      isChanged || before === undefined ? this.#known.laterThan(before, receivedAtMs) : before.observedAtMs;
    const known = { fingerprint, observedAtMs };
    // A backfill's window may have shown a row beyond its end, where nothing is kept; the next one shows it, unchanged.
    if (execution.startTimeMs >= this.#keptFromMs && (isChanged || this.#options.revisitedMs === 0)) {
      this.#change.seen.push({ execution, observedAtMs });
    }
    if (isChanged) {
      this.#write(execution, observedAtMs);
      this.#known.setWritten(key, known);
    }
    if (awaits !== null && (isChanged || !wasFollowed || !isRecent)) {
      this.#change.opened.push({ execution, observedAtMs, lookedAtMs: receivedAtMs, awaits });
      this.#known.setFollowed(key, true);
    }
    if (awaits === null && wasFollowed) {
      this.#change.closed.push({ key, observedAtMs });
      this.#known.setFollowed(key, false);
      this.#expireIfOpen(execution, true);
    }
    return known;
  }

  #noteSourceLag(): void {
    this.#sourceLagMs = Math.max(0, -(this.#run.source.stats().clockSkewMs ?? 0));
  }

  #write(execution: Execution, observedAtMs: EpochMs): void {
    this.#observations.add(execution, observedAtMs);
    const { latestObservedMs } = this.#change;
    this.#change.latestObservedMs = latestObservedMs === null ? observedAtMs : Math.max(latestObservedMs, observedAtMs);
  }

  #expireIfOpen(execution: Execution, wasFollowed: boolean): void {
    if (isOpen(execution)) {
      this.#options.counters.expired += 1;
      // One that was too old when it was first seen is no news.
      if (wasFollowed) {
        this.expired.add(execution);
      }
    }
  }
}
