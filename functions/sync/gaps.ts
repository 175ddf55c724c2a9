/** Which gaps in coverage are filled without a range: by a backfill, and by a sync that has time left. Pure. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { knownSpan } from '../checkpoint/coverage.ts';
import { waitingAt } from '../checkpoint/unproven.ts';
import { gapsIn } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import { lateRowsFrom } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

/** Returns all gaps in coverage, from `initialFrom` or the start of coverage on. */
export function knownGaps(checkpoint: Checkpoint, initialFromMs: EpochMs): Window[] {
  const known = knownSpan(checkpoint, initialFromMs);
  return known === null ? [] : gapsIn(known, checkpoint.coverage);
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
  const known = checkpoint === null ? null : knownSpan(checkpoint, settings.initialFromMs);
  if (checkpoint === null || known === null || checkpoint.incremental === null) {
    return [];
  }
  const finalMs = lateRowsFrom(run, clock.now() - settings.settleMs);
  const window = { fromMs: known.fromMs, toMs: Math.min(known.toMs, finalMs) };
  const waiting = waitingAt(checkpoint.unproven, clock.now());
  return gapsIn(window, checkpoint.coverage).flatMap((gap) => gapsIn(gap, waiting));
}
