/** Decides what a run reads. Pure. */

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { type Covered, type CoveredWindow, cutOut, watermarkOf } from '../checkpoint/coverage.ts';
import { isoTime } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import { gapsIn, lengthOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { SyncSettings } from './target-run.ts';

/** The parts of a checkpoint that decide what the next run reads. */
export type LookedBack = Pick<Checkpoint, 'coverage' | 'incremental' | 'lookbackMs'>;

/**
 * Returns how far before the watermark a run reads again: the configured lookback, or the previous run's if that was
 * longer, because it relied on the next run to read that much again.
 */
export function lookbackOf({ lookbackMs }: Pick<LookedBack, 'lookbackMs'>, configuredMs: number): number {
  return Math.max(lookbackMs ?? 0, configuredMs);
}

/**
 * Returns `[watermark - lookback, until)`, or from `initialFrom` if no incremental run has covered anything. If the
 * watermark is after `until` (a longer settle time, a clock set back), only the lookback before `until`.
 *
 * @param untilMs now less settle time
 */
export function nextWindow(
  covered: LookedBack,
  { initialFromMs, lookbackMs }: Pick<SyncSettings, 'initialFromMs' | 'lookbackMs'>,
  untilMs: EpochMs,
): Window {
  const watermarkMs = watermarkOf(covered);
  const fromMs =
    watermarkMs === null ? initialFromMs : Math.min(watermarkMs, untilMs) - lookbackOf(covered, lookbackMs);
  return { fromMs, toMs: Math.max(fromMs, untilMs) };
}

/**
 * Refuses to begin in the future, where there is nothing to read.
 *
 * @throws ConfigError
 */
export function requirePast(initialFromMs: EpochMs, nowMs: EpochMs): void {
  if (initialFromMs > nowMs) {
    throw new ConfigError(`"initialFrom" is ${isoTime(initialFromMs)}, which is in the future: nothing would be read`, {
      remedy: `Set it to the time to sync from, for example "${isoTime(nowMs - 7 * 86_400_000).slice(0, 10)}T00:00:00Z", or correct this machine's clock.`,
      code: 'initialFrom',
    });
  }
}

/**
 * Returns what an incremental run reads even if it is covered, because rows appear late there: the lookback before the
 * watermark. If the watermark is at a gap (after a rewind), also the lookback before the furthest point that any run
 * has proven.
 */
export function lookbacks(window: Window, covered: Covered, lookbackMs: number): Window[] {
  const watermarkMs = watermarkOf(covered);
  return watermarkMs === null
    ? []
    : [{ fromMs: window.fromMs, toMs: watermarkMs }, ...furthestLookback(covered, lookbackMs)];
}

/**
 * Returns the lookback before the furthest point that any run has proven. A run that continues after another run's
 * coverage must read it again, because the other run relied on the next one to do that.
 */
export function furthestLookback({ incremental }: Covered, lookbackMs: number): Window[] {
  return incremental === null ? [] : [{ fromMs: incremental.toMs - lookbackMs, toMs: incremental.toMs }];
}

/** Returns the uncovered parts of `window`, plus what is to be read `again`. */
export function spansToRead(window: Window, again: readonly Window[], coverage: readonly CoveredWindow[]): Window[] {
  return gapsIn(window, again.reduce(cutOut, coverage));
}

/** Returns the later half of `spans`, by length. */
export function upperHalf(spans: readonly Window[]): Window[] {
  let beforeMs = lengthOf(spans) / 2;
  return spans.flatMap(({ fromMs, toMs }) => {
    const skippedMs = Math.floor(Math.min(beforeMs, toMs - fromMs));
    beforeMs -= skippedMs;
    return skippedMs < toMs - fromMs ? [{ fromMs: fromMs + skippedMs, toMs }] : [];
  });
}
