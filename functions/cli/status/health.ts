/** Decides whether a target is healthy, for `status --check`. Pure. */
import type { LastRun } from '../../checkpoint/checkpoint.ts';
import type { EpochMs } from '../../model.ts';
import { duration, paragraph, shownAt } from '../terminal/formats.ts';

/** The data on which a target's health depends. */
export interface HealthFacts {
  readonly watermarkMs: EpochMs | null;
  readonly lastRun: LastRun | null;
  readonly nowMs: EpochMs;
  /** Maximum age of the watermark. */
  readonly maxAgeMs: number;
}

/** A problem: one word for a table, and a sentence. */
export interface Problem {
  readonly word: 'unreadable' | 'failed' | 'waiting' | 'never run' | 'stale';
  readonly text: string;
}

/** Returns the problem of a target; null if it is healthy. */
export function problemOf({ watermarkMs, lastRun, nowMs, maxAgeMs }: HealthFacts): Problem | null {
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
