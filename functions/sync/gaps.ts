/** Which gaps in coverage are filled without a range: by a backfill, and by a sync that has time left. Pure. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { knownSpan } from '../checkpoint/coverage.ts';
import { waitingAt } from '../checkpoint/unproven.ts';
import { gapsIn } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import { lateRowsFrom } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

/**
 * Returns the span that should have no gaps: to the furthest point that an incremental run has proven, beyond a window at the
 * watermark that could not be proven. Null without coverage.
 */
export function spanOfGaps(checkpoint: Checkpoint, initialFromMs: EpochMs): Window | null {
  const known = knownSpan(checkpoint, initialFromMs);
  const furthestMs = checkpoint.incremental?.toMs ?? Number.NEGATIVE_INFINITY;
  return known === null ? null : { fromMs: known.fromMs, toMs: Math.max(known.toMs, furthestMs) };
}

/**
 * Returns the gaps between `initialFrom` (or the start of coverage) and the furthest point that an incremental run has
 * proven, without windows whose next attempt is not due. Only settled times: a backfill covers nothing younger.
 */
export function gapsToFill(
  run: Pick<TargetRun, 'source' | 'settings' | 'clock'>,
  checkpoint: Checkpoint | null,
): Window[] {
  const { settings, clock } = run;
  const span = checkpoint === null ? null : spanOfGaps(checkpoint, settings.initialFromMs);
  if (checkpoint === null || span === null || checkpoint.incremental === null) {
    return [];
  }
  const finalMs = lateRowsFrom(run, clock.now() - settings.settleMs);
  const window = { fromMs: span.fromMs, toMs: Math.min(checkpoint.incremental.toMs, finalMs) };
  const waiting = waitingAt(checkpoint.unproven, clock.now());
  return gapsIn(window, checkpoint.coverage).flatMap((gap) => gapsIn(gap, waiting));
}
