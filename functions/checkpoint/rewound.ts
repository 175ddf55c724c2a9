/** Rewinds a checkpoint, and detects a rewind that happened during a run (PROTOCOL.md, I15). Pure. */
import { gapsIn } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import { type Checkpoint, withCommitId } from './checkpoint.ts';
import { cutOut } from './coverage.ts';

/**
 * Returns the checkpoint without coverage from `toMs` on, so that the next incremental run reads that span again and
 * writes every row of it. Open executions in the span stay open until they end or vanish. Coverage before `toMs` and
 * the last run's result stay.
 */
export function rewindTo(checkpoint: Checkpoint, toMs: EpochMs, commitId: string): Checkpoint {
  const { incremental, lookbackMs } = checkpoint;
  const removedMs = (incremental?.toMs ?? toMs) - toMs;
  return {
    ...checkpoint,
    coverage: cutOut(checkpoint.coverage, { fromMs: toMs, toMs: Number.POSITIVE_INFINITY }),
    incremental: incremental === null ? null : { fromMs: Math.min(incremental.fromMs, toMs), toMs },
    // Only this much before `toMs` was still to be read again. What is older is not known one by one any more.
    lookbackMs: lookbackMs === null ? null : Math.max(0, lookbackMs - removedMs),
    rereading: null,
    unproven: checkpoint.unproven.filter((window) => window.toMs <= toMs),
    open: checkpoint.open.map((entry) => (entry.execution.startTimeMs < toMs ? entry : { ...entry, lookedAtMs: 0 })),
    recent: checkpoint.recent.filter(({ startTimeMs }) => startTimeMs < toMs),
    newestStarts: checkpoint.newestStarts.filter(({ startTimeMs }) => startTimeMs < toMs),
    commitIds: withCommitId(checkpoint.commitIds, commitId),
  };
}

/**
 * Returns whether a rewind removed coverage since the run began. A run writes only what changed since the checkpoint
 * that it began with, so after a rewind nothing it has gathered may be committed.
 *
 * @param base coverage when the run began
 * @param current coverage in the store
 */
export function isRewound(base: readonly Window[], current: readonly Window[]): boolean {
  return base.some((window) => gapsIn(window, current).length > 0);
}
