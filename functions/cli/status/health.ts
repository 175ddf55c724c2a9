/** Whether a target is well: what `status --check` goes by, in one line. Pure. */
import type { LastRun } from '../../checkpoint/checkpoint.ts';
import type { EpochMs } from '../../model.ts';
import { duration, paragraph, shownAt } from '../terminal/formats.ts';

/** What a target's health depends on. */
export interface HealthFacts {
  readonly watermarkMs: EpochMs | null;
  readonly lastRun: LastRun | null;
  readonly nowMs: EpochMs;
  /** How long ago the watermark may lie. */
  readonly maxAgeMs: number;
}

/** What is wrong: a word for a table, and a line. */
export interface Problem {
  readonly word: 'unreadable' | 'failed' | 'waiting' | 'never run' | 'stale';
  readonly text: string;
}

/** Returns what is wrong with a target; null where it is well. */
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
