/** What a rewind does to a checkpoint, and how a run that had begun before it notices (PROTOCOL.md, I15). Pure. */
import { gapsIn } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import { type Checkpoint, withCommitId } from './checkpoint.ts';
import { cutOut } from './coverage.ts';

/**
 * Returns the checkpoint with nothing covered from `toMs` on, so that the next incremental run reads that span again and
 * writes every row of it, known or not. Open executions in it are still followed, until they end or vanish. What lies
 * before `toMs`, and how the last run went, stays.
 */
export function rewindTo(checkpoint: Checkpoint, toMs: EpochMs, commitId: string): Checkpoint {
  const { incremental } = checkpoint;
  return {
    ...checkpoint,
    coverage: cutOut(checkpoint.coverage, { fromMs: toMs, toMs: Number.POSITIVE_INFINITY }),
    incremental: incremental === null ? null : { fromMs: Math.min(incremental.fromMs, toMs), toMs },
    rereading: null,
    open: checkpoint.open.map((entry) => (entry.execution.startTimeMs < toMs ? entry : { ...entry, lookedAtMs: 0 })),
    recent: checkpoint.recent.filter(({ startTimeMs }) => startTimeMs < toMs),
    commitIds: withCommitId(checkpoint.commitIds, commitId),
  };
}

/**
 * Whether a rewind removed coverage. A run writes only what changed since the checkpoint it began with; a rewind puts that in
 * doubt, so nothing that such a run has gathered may be committed on top of it.
 *
 * @param base coverage that the run goes by
 * @param current coverage in the store
 */
export function isRewound(base: readonly Window[], current: readonly Window[]): boolean {
  return base.some((window) => gapsIn(window, current).length > 0);
}
