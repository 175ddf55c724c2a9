/**
 * What a rewind does to a checkpoint, and to the changes of runs that had begun before it (PROTOCOL.md, I15). Pure.
 *
 * A run reads the lookback again and writes only the rows that changed, because by the checkpoint it began with the others
 * are in the table. A rewind puts that in doubt: windows that were covered then, and are not now, stay uncovered until a
 * run reads and writes them again. Windows that this run was the first to read are written in full, and count.
 */
import { contains, gapsIn } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { Change } from './change.ts';
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
 * Returns `change` as it may be applied to the checkpoint in the store.
 *
 * @param base coverage that the change was made on
 * @param current coverage that it is applied to
 */
export function withoutRewound(change: Change, base: readonly Window[], current: readonly Window[]): Change {
  const rewound = rewoundWindows(base, current);
  if (rewound.length === 0 || change.rereading !== null) {
    return change;
  }
  const stands = (ms: number): boolean => !rewound.some((window) => contains(window, ms));
  return {
    ...change,
    windows: change.windows.flatMap(({ window, startTimesMs }) =>
      gapsIn(window, rewound).map((part) => ({ window: part, startTimesMs })),
    ),
    seen: change.seen.filter(({ execution }) => stands(execution.startTimeMs)),
    opened: change.opened.filter(({ execution }) => stands(execution.startTimeMs)),
  };
}

/** Returns the windows that `base` covers and `current` does not. */
export function rewoundWindows(base: readonly Window[], current: readonly Window[]): Window[] {
  return base.flatMap((window) => gapsIn(window, current));
}
