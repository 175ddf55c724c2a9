/** Commits what a run has recorded: data files, then the quarantine, then the checkpoint (PROTOCOL.md). */
import type { Change } from '../checkpoint/change.ts';
import type { LastRun } from '../checkpoint/checkpoint.ts';
import { commitChange, type LoadedCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { newToken } from '../clock.ts';
import { InternalError } from '../errors.ts';
import { gapsIn, lengthOf, spanMs } from '../intervals.ts';
import type { EpochMs, Observation, UnreadableRow } from '../model.ts';
import { writeObservations } from '../warehouse/data-files.ts';
import { writeQuarantine } from '../warehouse/quarantine.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';
import type { TargetRun } from './target-run.ts';

/** A commit is due from so many rows on: with the slice that tips it over and the one read ahead, no kill costs more than 50,000. */
const commitRows = 10_000;
/** The first commits come sooner, each after twice as many rows: a run that is killed soon after its start, again and again, gets on. */
const firstCommitRows = 2_500;
/** A commit is due after so long, however few rows were read. */
const commitAfterMs = 60_000;

/** How to make a `Committer`. */
export interface CommitterOptions extends RecorderOptions {
  readonly mode: LastRun['mode'];
  /** Where an incremental run sets out if it is the first; null for a backfill. */
  readonly incrementalFromMs: EpochMs | null;
  /** The longest span that the source accepts, as far as the run has learned. */
  readonly maxSpanMs: () => number;
}

/** What a commit found out about other runs. */
export interface CommitResult {
  /** Another run committed meanwhile. */
  readonly conflicted: boolean;
  /** The other run had already covered some of the windows of this commit. */
  readonly isReadTwice: boolean;
}

/** Commits for one run of one target. */
export class Committer {
  /** Records what the next commit holds. */
  readonly recorder: Recorder;
  readonly #run: TargetRun;
  readonly #options: CommitterOptions;
  readonly #startedAtMs: EpochMs;
  #loaded: LoadedCheckpoint;
  #committedAtMs: EpochMs;
  #nextPart = 0;
  #isBroken = false;

  constructor(run: TargetRun, loaded: LoadedCheckpoint, options: CommitterOptions) {
    this.#run = run;
    this.#options = options;
    this.#loaded = loaded;
    this.#startedAtMs = run.clock.now();
    this.#committedAtMs = this.#startedAtMs;
    this.recorder = new Recorder(run, loaded.checkpoint, options);
  }

  /** Whether a commit has failed. Its rows may be in the table or not, so there must be no other commit. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether enough is recorded to commit. */
  get isDue(): boolean {
    const dueRows = Math.min(commitRows, firstCommitRows * 2 ** this.#options.counters.commits);
    return this.recorder.pendingRows >= dueRows || this.#run.clock.now() - this.#committedAtMs >= commitAfterMs;
  }

  /**
   * Commits what was recorded since the last commit. If nothing was, commits how the run went.
   *
   * @throws StorageError, ConflictError, StateError: then nothing of this commit is in the checkpoint, and the next run writes its rows again
   */
  async commit(outcome: LastRun['outcome'], error: string | null): Promise<CommitResult> {
    if (this.#isBroken) {
      throw new InternalError('a commit was tried after one that failed', { remedy: 'Please report this defect.' });
    }
    this.#isBroken = true;
    const { rows, unreadable, change: recorded } = this.recorder.take();
    await this.#writeRows(rows);
    await this.#quarantine(unreadable);
    const { clock, runId } = this.#run;
    const { mode, incrementalFromMs, counters } = this.#options;
    const committedAtMs = clock.now();
    const { rowsWritten } = counters;
    const maxSpanMs = this.#options.maxSpanMs();
    const change: Change = {
      ...recorded,
      incrementalFromMs,
      rereading: this.recorder.rereadingAt(committedAtMs),
      maxSpanMs: Number.isFinite(maxSpanMs) ? maxSpanMs : null,
      commitId: newToken(),
      run: { runId, mode, startedAtMs: this.#startedAtMs, committedAtMs, outcome, rowsWritten, error },
    };
    const committed = await commitChange(this.#run, this.#loaded, change);
    const conflicted = committed.theirs !== null;
    counters.commits += 1;
    counters.commitConflicts += conflicted ? 1 : 0;
    counters.lateRows += change.lateStartTimesMs.length;
    this.#loaded = committed;
    this.#committedAtMs = committedAtMs;
    this.recorder.remember(committed.checkpoint, committedAtMs);
    this.#isBroken = false;
    this.recorder.expired.report(this.#run);
    const theirs = committed.theirs ?? [];
    const isReadTwice = change.windows.some(({ window }) => lengthOf(gapsIn(window, theirs)) < spanMs(window));
    return { conflicted, isReadTwice };
  }

  async #writeRows(rows: readonly Observation[]): Promise<void> {
    if (rows.length === 0) {
      return;
    }
    const written = await writeObservations(this.#run, rows, this.#nextPart);
    const { counters } = this.#options;
    this.#nextPart += written.files;
    counters.files += written.files;
    counters.bytes += written.bytes;
    counters.rowsWritten += rows.length;
  }

  async #quarantine(rows: readonly UnreadableRow[]): Promise<void> {
    if (rows.length > 0) {
      await writeQuarantine(this.#run, rows);
      this.#options.counters.quarantined += rows.length;
    }
  }
}
