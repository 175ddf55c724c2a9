/**
 * What a run has read and not yet committed, and the commit of it. Holds at most one commit's worth of rows.
 */
import { type Change, type Draft, emptyDraft } from '../checkpoint/change.ts';
import { type Checkpoint, edgeMs, type LastRun } from '../checkpoint/checkpoint.ts';
import { commitChange, type LoadedCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { fingerprintOf } from '../checkpoint/fingerprint.ts';
import { newToken } from '../clock.ts';
import { InternalError } from '../errors.ts';
import { contains, containsAny, gapsIn, lengthOf, spanMs, unionOf } from '../intervals.ts';
import { type EpochMs, type Execution, executionKey, isOpen, type Window } from '../model.ts';
import type { Collected, Seen } from '../reading/collected.ts';
import { writeObservations } from '../warehouse/data-files.ts';
import { writeQuarantine } from '../warehouse/quarantine.ts';
import { noTotals, type Totals } from './counters.ts';
import { awaitedOf } from './follow-up.ts';
import { GivenUp } from './given-up.ts';
import { type Known, KnownExecutions } from './known-executions.ts';
import { PendingObservations, vanishedExtra } from './pending-observations.ts';
import { PendingQuarantine } from './pending-quarantine.ts';
import type { ReadSlice } from './slice-reader.ts';
import type { TargetRun } from './target-run.ts';

/** A commit is due from so many rows on: with the slice that tips it over and the one read ahead, no kill costs more than 50,000. */
const commitRows = 10_000;
/** The first commits come sooner, each after twice as many rows: a run that is killed soon after its start, again and again, gets on. */
const firstCommitRows = 2_500;
/** … or after so long. */
const commitAfterMs = 60_000;

/** What kind of run it is that records. */
export interface RecorderOptions {
  readonly mode: LastRun['mode'];
  /** Where the run means to end. */
  readonly untilMs: EpochMs;
  /** How far behind its own end of coverage the next incremental run reads again: the lookback, or 0 after a backfill. */
  readonly revisitedMs: number;
  /** Where an incremental run sets out if it is the first; null for a backfill. */
  readonly incrementalFromMs: EpochMs | null;
  /** The span of coverage that is read once more, and written whether known or not; null where none is. */
  readonly rereads: Window | null;
  /** The longest span that the source accepts, as far as the run has learned. */
  readonly maxSpanMs: () => number;
}

type RecordedSlice = Pick<ReadSlice, 'window' | 'proven' | 'collected'>;

/** How a commit met others. */
export interface CommitResult {
  /** Another run committed meanwhile. */
  readonly conflicted: boolean;
  /** … and had covered some of the windows of this commit before. */
  readonly isReadTwice: boolean;
}

/** Gathers and commits what one run of one target reads. */
export class Recorder {
  readonly totals: Totals = noTotals();
  readonly givenUp = new GivenUp();
  readonly #run: TargetRun;
  readonly #options: RecorderOptions;
  readonly #startedAtMs: EpochMs;
  #recentFromMs: EpochMs;
  /** What starts from here on will be shown again to an incremental run: what was written of it goes into the checkpoint. */
  #keptFromMs = Number.POSITIVE_INFINITY;
  /** How far the source's clock, which tells ends, is behind ours. */
  #sourceLagMs = 0;
  #loaded: LoadedCheckpoint;
  readonly #known: KnownExecutions;
  readonly #observations: PendingObservations;
  readonly #quarantine = new PendingQuarantine();
  #draft: Draft = emptyDraft();
  /** Parts of `rereads` that were read. */
  readonly #reread: Window[] = [];
  #committedAtMs: EpochMs;
  #nextPart = 0;
  #isBroken = false;

  constructor(run: TargetRun, loaded: LoadedCheckpoint, options: RecorderOptions) {
    this.#run = run;
    this.#recentFromMs = options.untilMs - options.revisitedMs;
    this.#options = options;
    this.#loaded = loaded;
    const { workspace, projectId } = run.target;
    this.#observations = new PendingObservations({ workspace, projectId, runId: run.runId });
    this.#startedAtMs = run.clock.now();
    this.#committedAtMs = this.#startedAtMs;
    this.#known = new KnownExecutions(options.rereads !== null);
    this.#remember(loaded.checkpoint, this.#startedAtMs);
  }

  /** The checkpoint as last loaded or committed. */
  get checkpoint(): Checkpoint {
    return this.#loaded.checkpoint;
  }

  /** Whether a commit has failed. What it held is neither in the table for sure nor here any more: there must be no other. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether windows are read that are covered already. */
  get isRereading(): boolean {
    return this.#options.rereads !== null;
  }

  /** Whether enough is gathered to commit. */
  get isDue(): boolean {
    const dueRows = Math.min(commitRows, firstCommitRows * 2 ** this.totals.commits);
    return (
      this.#observations.count + this.#quarantine.count >= dueRows ||
      this.#run.clock.now() - this.#committedAtMs >= commitAfterMs
    );
  }

  /** Records the proven parts of a slice, up to `provenToMs`, and every row that was shown of them. */
  addSlice({ window, proven, collected }: RecordedSlice, provenToMs: EpochMs): void {
    // The watermark may come to stand before what is not proven, and the next run reads the lookback before it again.
    const endMs = gapsIn(window, proven)[0]?.fromMs ?? window.toMs;
    const recentFromMs = Math.min(endMs, provenToMs) - this.#options.revisitedMs - edgeMs;
    if (provenToMs < window.toMs) {
      this.#recentFromMs = Math.min(this.#recentFromMs, recentFromMs);
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
        this.#draft.lateStartTimesMs.push(startTimeMs);
      }
      const isAtEnd = endsMs.some((ms) => Math.abs(ms - startTimeMs) <= edgeMs);
      const known = this.#observe(key, before, seen, startTimeMs >= recentFromMs, isAtEnd);
      if (known !== null && isAtEnd) {
        this.#known.keepAtEdge(key, known);
      }
    }
    this.addUnreadable(collected);
    for (const { fromMs, toMs } of proven.filter((part) => part.fromMs < provenToMs)) {
      this.#reread.push({ fromMs, toMs: Math.min(toMs, provenToMs) });
      this.#draft.windows.push({ window: { fromMs, toMs: Math.min(toMs, provenToMs) }, startTimesMs });
    }
  }

  /** Forgets the windows that are not committed yet: what proved them was revoked. Their rows are written all the same. */
  forgetWindows(): void {
    this.#draft.windows = [];
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
      this.#draft.quarantined.push(this.#quarantine.add(row));
    }
  }

  /** Stops looking at an open execution that can't be seen, and may be there, once it is older than `maxOpenDays`. */
  giveUpIfOld(execution: Execution): void {
    this.#noteSourceLag();
    const nowMs = this.#run.clock.now() - this.#sourceLagMs;
    if (awaitedOf(execution, nowMs, this.#recentFromMs, this.#run.settings) === null) {
      this.close(executionKey(execution));
      this.#giveUpIfOpen(execution, true);
    }
  }

  /** Writes an execution once more that the source no longer has, saying so in `extra`, and closes it. */
  addVanished(execution: Execution, vanishedAt: string): void {
    const extra = vanishedExtra(execution.extra, vanishedAt);
    const key = executionKey(execution);
    const observedAtMs = this.#known.laterThan(this.#known.get(key), this.#run.clock.now());
    this.#write({ ...execution, extra }, observedAtMs);
    this.#draft.closed.push({ key, observedAtMs });
    this.#known.setAwaited(key, false);
  }

  /** Stops looking at an execution, without a word in the table. */
  close(key: string): void {
    this.#draft.closed.push({ key, observedAtMs: this.#known.laterThan(this.#known.get(key), this.#run.clock.now()) });
    this.#known.setAwaited(key, false);
  }

  /**
   * Writes data files, quarantine and then the checkpoint. Commits also when nothing was read: how the run went.
   *
   * @returns whether another run committed meanwhile, and whether it had read some of the same windows
   * @throws StorageError, ConflictError, StateError; then nothing of the draft is in the checkpoint, and its rows are written again by the next run
   */
  async commit(outcome: LastRun['outcome'], error: string | null): Promise<CommitResult> {
    if (this.#isBroken) {
      throw new InternalError('a commit was tried after one that failed', { remedy: 'Please report this defect.' });
    }
    this.#isBroken = true;
    const rows = this.#observations.take();
    if (rows.length > 0) {
      const written = await writeObservations(this.#run, rows, this.#nextPart);
      this.#nextPart += written.files;
      this.totals.files += written.files;
      this.totals.bytes += written.bytes;
      this.totals.rowsWritten += rows.length;
    }
    const unreadable = this.#quarantine.take();
    if (unreadable.length > 0) {
      await writeQuarantine(this.#run, unreadable);
      this.totals.quarantined += unreadable.length;
    }
    const committedAtMs = this.#run.clock.now();
    const { runId } = this.#run;
    const { rowsWritten } = this.totals;
    const { mode, incrementalFromMs } = this.#options;
    const change: Change = {
      ...this.#draft,
      incrementalFromMs,
      rereading: this.#rereadingAt(committedAtMs),
      maxSpanMs: Number.isFinite(this.#options.maxSpanMs()) ? this.#options.maxSpanMs() : null,
      commitId: newToken(),
      run: { runId, mode, startedAtMs: this.#startedAtMs, committedAtMs, outcome, rowsWritten, error },
    };
    this.#draft = emptyDraft();
    const committed = await commitChange(this.#run, this.#loaded, change);
    this.#loaded = committed;
    this.totals.commits += 1;
    const conflicted = committed.theirs !== null;
    this.totals.conflicts += conflicted ? 1 : 0;
    this.#committedAtMs = committedAtMs;
    this.#remember(committed.checkpoint, committedAtMs);
    this.#isBroken = false;
    this.givenUp.tell(this.#run);
    const theirs = committed.theirs ?? [];
    const isReadTwice = change.windows.some(({ window }) => lengthOf(gapsIn(window, theirs)) < spanMs(window));
    return { conflicted, isReadTwice };
  }

  #rereadingAt(readAtMs: EpochMs): Change['rereading'] {
    const { rereads } = this.#options;
    return rereads === null ? null : { ...rereads, read: unionOf(this.#reread), readAtMs };
  }

  /** Records one sighting. Returns what is known of the execution now, or null where that is not kept. */
  #observe(key: string, before: Known | undefined, seen: Seen, isRecent: boolean, isAtEnd: boolean): Known | null {
    const { execution, receivedAtMs } = seen;
    const awaits = awaitedOf(execution, receivedAtMs - this.#sourceLagMs, this.#recentFromMs, this.#run.settings);
    if (before !== undefined || awaits !== null || isAtEnd) {
      return this.#observeKept(key, before, seen, awaits, isRecent);
    }
    const observedAtMs = this.#known.laterThan(undefined, receivedAtMs);
    this.#write(execution, observedAtMs);
    if (isRecent && execution.startTimeMs >= this.#keptFromMs) {
      this.#draft.seen.push({ execution, observedAtMs });
    }
    this.#giveUpIfOpen(execution, false);
    return null;
  }

  #observeKept(
    key: string,
    before: Known | undefined,
    { execution, receivedAtMs }: Seen,
    awaits: ReturnType<typeof awaitedOf>,
    isRecent: boolean,
  ): Known {
    const wasAwaited = this.#known.isAwaited(key);
    const fingerprint = fingerprintOf(execution);
    const isChanged = before?.fingerprint !== fingerprint;
    const observedAtMs =
      isChanged || before === undefined ? this.#known.laterThan(before, receivedAtMs) : before.observedAtMs;
    const known = { fingerprint, observedAtMs };
    // A backfill's window may have shown a row beyond its end, where nothing is kept; the next one shows it, unchanged.
    if (execution.startTimeMs >= this.#keptFromMs && (isChanged || this.#options.revisitedMs === 0)) {
      this.#draft.seen.push({ execution, observedAtMs });
    }
    if (isChanged) {
      this.#write(execution, observedAtMs);
      this.#known.setWritten(key, known);
    }
    if (awaits !== null && (isChanged || !wasAwaited || !isRecent)) {
      this.#draft.opened.push({ execution, observedAtMs, lookedAtMs: receivedAtMs, awaits });
      this.#known.setAwaited(key, true);
    }
    if (awaits === null && wasAwaited) {
      this.#draft.closed.push({ key, observedAtMs });
      this.#known.setAwaited(key, false);
      this.#giveUpIfOpen(execution, true);
    }
    return known;
  }

  #noteSourceLag(): void {
    this.#sourceLagMs = Math.max(0, -(this.#run.source.stats().clockSkewMs ?? 0));
  }

  #write(execution: Execution, observedAtMs: EpochMs): void {
    this.#observations.add(execution, observedAtMs);
    const { latestObservedMs } = this.#draft;
    this.#draft.latestObservedMs = latestObservedMs === null ? observedAtMs : Math.max(latestObservedMs, observedAtMs);
  }

  #giveUpIfOpen(execution: Execution, wasFollowed: boolean): void {
    if (isOpen(execution)) {
      this.givenUp.add(execution, wasFollowed);
    }
  }

  #remember(checkpoint: Checkpoint, nowMs: EpochMs): void {
    this.#known.remember(checkpoint, nowMs);
    this.#quarantine.remember(checkpoint);
  }
}
