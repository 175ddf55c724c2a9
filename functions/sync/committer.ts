/**
 * Commits what a run has recorded: marks known executions, then writes data files, the quarantine and the checkpoint
 * (PROTOCOL.md).
 */
import { type Change, newestStartOfEachTask } from '../checkpoint/change.ts';
import type { Checkpoint, LastRun } from '../checkpoint/checkpoint.ts';
import { type Committed, commitChange, type LoadedCheckpoint, markWriting } from '../checkpoint/checkpoint-store.ts';
import { isUnused } from '../checkpoint/codec.ts';
import { endOf } from '../checkpoint/coverage.ts';
import { claimTimeZone } from '../checkpoint/time-zone.ts';
import { knownAmong } from '../checkpoint/writing.ts';
import { isoTime, newToken } from '../clock.ts';
import { InternalError } from '../errors.ts';
import { gapsIn, lengthOf, spanMs } from '../intervals.ts';
import type { EpochMs, Execution, Observation, UnreadableRow } from '../model.ts';
import { instanceTable } from '../warehouse/columns.ts';
import { writeRows } from '../warehouse/data-files.ts';
import { writeQuarantine } from '../warehouse/quarantine.ts';
import type { OutcomeWatch } from './outcomes/outcome-watch.ts';
import { Recorder, type RecorderOptions } from './recorder.ts';
import type { TargetRun } from './target-run.ts';

/** Rows that trigger a commit. Together with the slices in flight, a kill costs at most 50,000 rows. */
const commitRows = 10_000;
/**
 * The first commit comes earlier, each following one after twice as many rows. So a run that is killed again and again
 * soon after its start still progresses.
 */
const firstCommitRows = 2_500;
/** Time that triggers a commit, with any number of rows. */
const commitAfterMs = 60_000;

/** The arguments of a `Committer`. */
export interface CommitterOptions extends RecorderOptions {
  readonly mode: LastRun['mode'];
  /** Called with the rows of each commit before it; null if changes are not announced. */
  readonly watch: OutcomeWatch | null;
  /** What the run knows of the source. */
  readonly hints: { readonly maxSpanMs: number };
}

/** What a commit showed about other runs. */
export interface CommitResult {
  /** Whether another run committed in the meantime. */
  readonly conflicted: boolean;
  /** Whether another run had already covered some windows of this commit. */
  readonly isReadTwice: boolean;
}

/** Commits for one run of one target. */
export class Committer {
  /** Records the content of the next commit. */
  readonly recorder: Recorder;
  readonly #run: TargetRun;
  readonly #options: CommitterOptions;
  /** The checkpoint at the start of the run. */
  readonly #before: Checkpoint;
  readonly #startedAtMs: EpochMs;
  #loaded: LoadedCheckpoint;
  /** The last commit, as long as no other run has committed since this one began. */
  #afterCommitId: string | null;
  #committedAtMs: EpochMs;
  #nextPart = 0;
  #isBroken = false;

  constructor(run: TargetRun, loaded: LoadedCheckpoint, options: CommitterOptions) {
    this.#run = run;
    this.#options = options;
    this.#loaded = loaded;
    this.#afterCommitId = loaded.checkpoint.commitIds.at(-1) ?? null;
    this.#before = loaded.checkpoint;
    this.#startedAtMs = run.clock.now();
    this.#committedAtMs = this.#startedAtMs;
    this.recorder = new Recorder(run, loaded.checkpoint, options);
  }

  /** Whether a commit has failed. Its rows may or may not be in the table, so no other commit may follow. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether a commit is due. */
  get isDue(): boolean {
    const dueRows = Math.min(commitRows, firstCommitRows * 2 ** this.#options.counters.commits);
    return this.recorder.pendingRows >= dueRows || this.#run.clock.now() - this.#committedAtMs >= commitAfterMs;
  }

  /**
   * Commits what was recorded since the last commit, and the result of the run so far.
   *
   * @throws StorageError, ConflictError, StateError: the checkpoint then contains nothing of this commit, and the next
   * run writes its rows again
   */
  async commit(outcome: LastRun['outcome'], error: string | null): Promise<CommitResult> {
    if (this.#isBroken) {
      throw new InternalError('a commit was attempted after a failed one');
    }
    this.#isBroken = true;
    const { rows, unreadable, change: recorded, expired } = this.recorder.take();
    if (isUnused(this.#loaded.checkpoint) && rows.length + recorded.windows.length > 0) {
      await claimTimeZone(this.#run);
    }
    await this.#options.watch?.note(rows);
    const beside = await this.#markWriting(rows);
    const filesBefore = this.#options.counters.files;
    await this.#writeRows(rows);
    await this.#quarantine(unreadable);
    await this.#run.beforeCheckpoint?.(rows, this.#before);
    const { clock, runId, settings } = this.#run;
    const { mode, isIncremental, counters, hints } = this.#options;
    const committedAtMs = clock.now();
    const { rowsWritten } = counters;
    const change: Change = {
      ...recorded,
      newestStarts: newestStartOfEachTask(rows),
      latestObservedMs: rows.reduce<EpochMs | null>((latest, row) => Math.max(latest ?? 0, row.observedAtMs), null),
      afterCommitId: this.#afterCommitId,
      incrementalFromMs: isIncremental ? settings.initialFromMs : null,
      rereading: this.recorder.rereadingAt(committedAtMs),
      maxSpanMs: Number.isFinite(hints.maxSpanMs) ? hints.maxSpanMs : null,
      commitId: newToken(),
      // A sync that fills gaps has ended already.
      keepsLastRun: mode === 'incremental' && !isIncremental,
      run: { runId, mode, startedAtMs: this.#startedAtMs, committedAtMs, outcome, rowsWritten, error },
    };
    const committed = await commitChange(this.#run, this.#loaded, change);
    const theirs = committed.theirs ?? beside;
    const conflicted = theirs !== null;
    counters.commits += 1;
    counters.commitConflicts += conflicted ? 1 : 0;
    counters.lateRows += change.lateStartTimesMs.length;
    this.#loaded = committed;
    this.#afterCommitId = conflicted ? this.#afterCommitId : change.commitId;
    this.#committedAtMs = committedAtMs;
    this.recorder.remember(committed.checkpoint, committedAtMs);
    this.#isBroken = false;
    this.#run.log('info', 'committed', {
      target: this.#run.target.name,
      rows: rows.length,
      files: counters.files - filesBefore,
      until: isoTime(endOf(committed.checkpoint.coverage) ?? settings.initialFromMs),
    });
    this.#reportExpired(expired);
    const isReadTwice = change.windows.some(({ window }) => lengthOf(gapsIn(window, theirs ?? [])) < spanMs(window));
    return { conflicted, isReadTwice };
  }

  /**
   * Marks executions that the checkpoint knows before it writes rows of them (PROTOCOL.md, I22). Returns the coverage
   * that another run committed in the meantime; null without such a run.
   */
  async #markWriting(rows: readonly Observation[]): Promise<Committed['theirs']> {
    const writing = knownAmong(this.#loaded.checkpoint, rows);
    if (writing.size === 0) {
      return null;
    }
    const commitId = newToken();
    const marked = await markWriting(this.#run, this.#loaded, writing, commitId);
    this.#loaded = marked;
    this.#afterCommitId = marked.theirs === null ? commitId : this.#afterCommitId;
    return marked.theirs;
  }

  #reportExpired(executions: readonly Execution[]): void {
    const { log, target } = this.#run;
    const [first] = executions;
    if (first !== undefined) {
      log(
        'warn',
        'executions expired: they were open for longer than maxOpenDays and are not checked again, so the table keeps their last state. If they end after all, read their days again: dqsync backfill --again --from <day> --to <day>',
        {
          target: target.name,
          executions: executions.length,
          firstId: String(first.id),
          firstStart: isoTime(first.startTimeMs),
        },
      );
    }
  }

  async #writeRows(rows: readonly Observation[]): Promise<void> {
    if (rows.length === 0) {
      return;
    }
    const written = await writeRows(this.#run, instanceTable, rows, this.#nextPart);
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
