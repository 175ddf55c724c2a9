/** A run of one target: state, progress and end. However it ends, everything proven complete is committed. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { isoTime } from '../clock.ts';
import { type DqsyncError, SourceError, StoppedError, toDqsyncError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
import { isOverQuota } from '../source/source-errors.ts';
import type { Committer } from './committer.ts';
import { CountCheck } from './count-check.ts';
import { newCounters, type RunCounters } from './counters.ts';
import type { Quality } from './outcomes/outcome-changes.ts';
import type { TargetRun } from './target-run.ts';

/** The state of a run in progress. */
export class RunState {
  /** Has the checkpoint as last loaded or committed; null until it is loaded. */
  holder: { readonly checkpoint: Checkpoint } | null = null;
  /** The window that the run is to read; null until it is known. */
  window: Window | null = null;
  /** The progress of reading. */
  at: { readonly atMs: EpochMs; readonly doneMs: number; readonly totalMs: number } = {
    atMs: 0,
    doneMs: 0,
    totalMs: 0,
  };
  /** Rows of the windows proven so far. */
  provenRows = 0;
  /** Executions in a window that was read again; null unless this run has read all of it. */
  foundAgain: number | null = null;
  /** Rows that the run has to read, from the source's count; null if that is not a total. */
  expectedRows: number | null = null;
  readonly countCheck = new CountCheck();
  readonly counters: RunCounters = newCounters();
  /** What the run's executions say about the data; null if changes are not announced. */
  quality: Quality | null = null;
  /** Whether any row of the source could be read. */
  hasReadable = false;
  /** The reason of the first unreadable row; null without one. */
  unreadableReason: string | null = null;
  done = false;
  error: DqsyncError | null = null;
  /** What must be supplied before the first run can begin; null if nothing is missing. */
  waitingFor: 'credentials' | null = null;
}

/**
 * Runs `read`, then commits. A stopped run commits and is not done. A failed run commits and throws; so does a run
 * whose time ended while the source was failing or before anything new was covered.
 *
 * @throws DqsyncError of `read` or of the commit
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
    const failure = run.budget.remainingMs() === 0 ? failureOf(run, state, committer, thrown) : null;
    if (failure === null && thrown instanceof StoppedError) {
      const isWaiting = state.waitingFor !== null;
      await committer.commit('stopped', isWaiting ? thrown.message : null);
      run.log(isWaiting ? 'warn' : 'info', thrown.message, { target: run.target.name });
      return;
    }
    const error = failure ?? toDqsyncError(thrown, run.target.name);
    await committer.commit('failed', error.message);
    throw error;
  }
  await committer.commit('done', null);
  state.done = true;
}

/**
 * Returns whether a commit is due.
 *
 * @throws SourceError if no row could be read
 */
export function isCommitDue(state: RunState, committer: Committer): boolean {
  if (committer.isDue) {
    requireReadable(state, committer);
  }
  return committer.isDue;
}

/**
 * Refuses to cover anything if no row could be read: the API may have changed, and windows would be complete without
 * any row in the table.
 *
 * @throws SourceError
 */
function requireReadable({ hasReadable, unreadableReason }: RunState, { recorder }: Committer): void {
  if (!hasReadable && unreadableReason !== null) {
    recorder.forgetWindows();
    throw new SourceError(`none of the source's rows can be read: ${unreadableReason}`, {
      remedy:
        'Nothing was covered, so a later run reads these rows again. The API may have changed: look for a newer version of dqsync.',
    });
  }
}

/** Returns why a run that ran out of time has failed; null if it made progress and the next run continues. */
function failureOf(
  { source, target, clock }: TargetRun,
  { waitingFor }: RunState,
  { recorder: { hasProgress } }: Committer,
  thrown: unknown,
): DqsyncError | null {
  const { failing, quotaOpensAtMs } = source.stats();
  const isThrottled = failing instanceof SourceError && isOverQuota(failing.httpStatus, failing.code);
  if (failing !== null && !(hasProgress && isThrottled)) {
    return failing;
  }
  if (hasProgress || !(thrown instanceof StoppedError) || waitingFor !== null) {
    return null;
  }
  const isWaiting = quotaOpensAtMs > clock.now();
  const why = isWaiting ? `, because source.quota allows no request before ${isoTime(quotaOpensAtMs)}` : '';
  const more = isWaiting ? 'Raise source.quota if the source allows more requests, or give' : 'Give';
  return new SourceError(`the time limit of this run was reached before it covered anything new${why}`, {
    target: target.name,
    remedy: `Coverage did not grow. ${more} the run more time with maxRunSeconds, then run again.`,
  });
}

/**
 * Reports progress: `doneMs` of the `totalMs` to read, now at `atMs`. `at` is null if only the number of rows has
 * changed.
 */
export function reportProgress(run: TargetRun, state: RunState, at: RunState['at'] | null): void {
  state.at = at ?? state.at;
  run.onProgress({
    target: run.target.name,
    ...state.at,
    rowsRead: state.counters.rowsRead,
    rows: { proven: state.provenRows, expected: state.countCheck.isCapped ? null : state.expectedRows },
    paceMs: (1000 * run.source.stats().requests) / run.settings.requestsPerSecond,
  });
}
