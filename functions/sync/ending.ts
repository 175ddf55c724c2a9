/** How a run of one target ends: whatever the end was, what was proven complete before it is committed. */
import { StoppedError, toDqsyncError } from '../errors.ts';
import type { Recorder } from './recorder.ts';
import type { RunState } from './summarize.ts';
import type { TargetRun } from './target-run.ts';

/**
 * Runs `read` and commits at its end. Stopped: commits, and the run is not done. Failed: commits, and throws; so it does where
 * the time was spent on a source that gave nothing.
 *
 * @throws DqsyncError what `read` threw, or the commit
 */
export async function readAndCommit(
  run: TargetRun,
  state: RunState,
  recorder: Recorder,
  read: () => Promise<void>,
): Promise<void> {
  try {
    await read();
  } catch (thrown) {
    if (recorder.isBroken) {
      throw thrown;
    }
    const { failing } = run.source.stats();
    if (failing !== null && run.budget.remainingMs() === 0) {
      await recorder.commit('failed', failing.message);
      throw failing;
    }
    if (thrown instanceof StoppedError) {
      await recorder.commit('stopped', null);
      run.log('info', thrown.message, { target: run.target.name });
      return;
    }
    const error = toDqsyncError(thrown, run.target.name);
    await recorder.commit('failed', error.message);
    throw error;
  }
  await recorder.commit('done', null);
  state.done = true;
}

/** Tells how far the run is: `doneMs` of the `totalMs` it has to read, now at `atMs`; null where only rows have come. */
export function reportProgress(run: TargetRun, state: RunState, at: RunState['at'] | null): void {
  state.at = at ?? state.at;
  run.onProgress({ target: run.target.name, ...state.at, rowsRead: state.rowsRead });
}
