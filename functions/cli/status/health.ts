/** Decides whether a target is healthy, for `status --check`. Pure. */
import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { watermarkOf } from '../../checkpoint/coverage.ts';
import type { EpochMs } from '../../model.ts';
import { duration, paragraph, shownAt } from '../terminal/formats.ts';

/** A problem: one word for a table, and a sentence. */
export interface Problem {
  readonly word: 'unreadable' | 'failed' | 'waiting' | 'never run' | 'stale';
  readonly text: string;
}

/**
 * Returns the problem of a target; null if it is healthy.
 *
 * @param maxAgeMs maximum age of the watermark
 */
export function problemOf(checkpoint: Checkpoint, nowMs: EpochMs, maxAgeMs: number): Problem | null {
  const { lastRun } = checkpoint;
  const watermarkMs = watermarkOf(checkpoint);
  const ago = lastRun === null ? '' : `${duration(nowMs - lastRun.committedAtMs)} ago`;
  if (lastRun?.outcome === 'failed') {
    return {
      word: 'failed',
      text: `the last run failed ${ago}: ${paragraph(lastRun.error ?? 'no reason was recorded')}`,
    };
  }
  if (watermarkMs === null) {
    return lastRun?.error == null
      ? { word: 'never run', text: 'no sync has covered anything yet: run dqsync sync' }
      : { word: 'waiting', text: paragraph(lastRun.error) };
  }
  if (nowMs - watermarkMs > maxAgeMs) {
    const age = duration(nowMs - watermarkMs);
    return {
      word: 'stale',
      text: `complete only up to ${shownAt(watermarkMs)}, ${age} ago (limit ${duration(maxAgeMs)})`,
    };
  }
  return null;
}
