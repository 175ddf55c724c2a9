/** A run of one target under way: its state, its progress, and its end. Whatever ends it, what is proven complete is committed. */
import { type DqsyncError, SourceError, StoppedError, toDqsyncError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
import { isOverQuota } from '../source/source-errors.ts';
import type { Committer } from './committer.ts';
import { newCounters, type RunCounters } from './counters.ts';
import type { Recorder } from './recorder.ts';
import type { TargetRun } from './target-run.ts';

/** A run under way. */
export interface RunState {
  /** Null until the checkpoint was loaded. */
  recorder: Recorder | null;
  /** What the run set out to read; null until it is known. */
  window: Window | null;
  /** How far reading is proven. */
  at: { readonly atMs: EpochMs; readonly doneMs: number; readonly totalMs: number };
  readonly counters: RunCounters;
  /** Whether any row of the source could be read. */
  hasReadable: boolean;
  /** Why the first row that could not be read was none; null where there was no such row. */
  unreadableReason: string | null;
  done: boolean;
  error: DqsyncError | null;
  /** What somebody has to supply before the first run can begin; null where nothing is missing. */
  waitingFor: 'credentials' | null;
}

/** Returns the state of a run that has done nothing yet. */
export function newRunState(): RunState {
  const at = { atMs: 0, doneMs: 0, totalMs: 0 };
  return {
    recorder: null,
    window: null,
    at,
    counters: newCounters(),
    hasReadable: false,
    unreadableReason: null,
    done: false,
    error: null,
    waitingFor: null,
  };
}

/**
 * Runs `read` and commits at its end. A run that was stopped commits and is not done. A run that failed commits and throws,
 * and so does one whose time ran out while the source was failing, or before any of it was read.
 *
 * @throws DqsyncError of `read`, or of the commit
 */
export async function readAndCommit(
  run: TargetRun,
  state: RunState,
  committer: Committer,
  read: () => Promise<void>,
): Promise<void> {
  try {
    await read();
    requireReadable(state, committer);
  } catch (thrown) {
    if (committer.isBroken) {
      throw thrown;
    }
    const failure = run.budget.remainingMs() === 0 ? failureOf(run, state, thrown) : null;
    if (failure !== null) {
      await committer.commit('failed', failure.message);
      throw failure;
    }
    if (thrown instanceof StoppedError) {
      const isWaiting = state.waitingFor !== null;
      await committer.commit('stopped', isWaiting ? thrown.message : null);
      run.log(isWaiting ? 'warn' : 'info', thrown.message, { target: run.target.name });
      return;
    }
    const error = toDqsyncError(thrown, run.target.name);
    await committer.commit('failed', error.message);
    throw error;
  }
  await committer.commit('done', null);
  state.done = true;
}

/**
 * Whether enough is gathered to commit.
 *
 * @throws SourceError if nothing of it could be read
 */
export function isCommitDue(state: RunState, committer: Committer): boolean {
  if (committer.isDue) {
    requireReadable(state, committer);
  }
  return committer.isDue;
}

/**
 * Refuses to cover anything where no row could be read: the API has changed, and windows would be complete without a row of
 * theirs in the table.
 *
 * @throws SourceError
 */
function requireReadable({ hasReadable, unreadableReason }: RunState, { recorder }: Committer): void {
  if (!hasReadable && unreadableReason !== null) {
    recorder.forgetWindows();
    throw new SourceError(`no row that the source shows can be read: ${unreadableReason}`, {
      remedy: 'The API may have changed: look for a newer version of dqsync. Nothing was covered, so nothing is lost.',
    });
  }
}

/** Why a run whose time is spent has failed; null where it got on, and the next one goes on from there. */
function failureOf({ source, target }: TargetRun, state: RunState, thrown: unknown): DqsyncError | null {
  const { failing } = source.stats();
  const hasProgress = state.at.doneMs > 0;
  const isThrottled = failing instanceof SourceError && isOverQuota(failing.httpStatus, failing.code);
  if (failing !== null && !(hasProgress && isThrottled)) {
    return failing;
  }
  if (hasProgress || !(thrown instanceof StoppedError) || state.waitingFor !== null) {
    return null;
  }
  return new SourceError('the time of this run was spent before any window was read to its end', {
    target: target.name,
    remedy: 'Give it more time with maxRunSeconds. Coverage did not grow; run again to continue.',
    retryable: true,
  });
}

/** Reports progress: `doneMs` of the `totalMs` to read, now at `atMs`. `at` is null where only rows have come. */
export function reportProgress(run: TargetRun, state: RunState, at: RunState['at'] | null): void {
  state.at = at ?? state.at;
  run.onProgress({ target: run.target.name, ...state.at, rowsRead: state.counters.rowsRead });
}
