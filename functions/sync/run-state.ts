/** A run of one target under way: its state, its progress, and its end. Whatever ends it, what is proven complete is committed. */
import { type DqsyncError, StoppedError, toDqsyncError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
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
  done: boolean;
  error: DqsyncError | null;
}

/** Returns the state of a run that has done nothing yet. */
export function newRunState(): RunState {
  const at = { atMs: 0, doneMs: 0, totalMs: 0 };
  return { recorder: null, window: null, at, counters: newCounters(), done: false, error: null };
}

/**
 * Runs `read` and commits at its end. A run that was stopped commits and is not done. A run that failed commits and throws,
 * and so does one whose time ran out while the source was failing.
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
  } catch (thrown) {
    if (committer.isBroken) {
      throw thrown;
    }
    const { failing } = run.source.stats();
    if (failing !== null && run.budget.remainingMs() === 0) {
      await committer.commit('failed', failing.message);
      throw failing;
    }
    if (thrown instanceof StoppedError) {
      await committer.commit('stopped', null);
      run.log('info', thrown.message, { target: run.target.name });
      return;
    }
    const error = toDqsyncError(thrown, run.target.name);
    await committer.commit('failed', error.message);
    throw error;
  }
  await committer.commit('done', null);
  state.done = true;
}

/** Reports progress: `doneMs` of the `totalMs` to read, now at `atMs`. `at` is null where only rows have come. */
export function reportProgress(run: TargetRun, state: RunState, at: RunState['at'] | null): void {
  state.at = at ?? state.at;
  run.onProgress({ target: run.target.name, ...state.at, rowsRead: state.counters.rowsRead });
}
