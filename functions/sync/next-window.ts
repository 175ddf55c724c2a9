/** What a run reads. Pure. */

import { type Covered, type CoveredWindow, cutOut, watermarkOf } from '../checkpoint/coverage.ts';
import { gapsIn, lengthOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';

/** The settings that say what an incremental run reads. */
export interface ReadSettings {
  readonly initialFromMs: EpochMs;
  readonly lookbackMs: number;
}

/** What a checkpoint says of how it was read. */
export interface LookedBack extends Covered {
  /** The lookback of the incremental run that committed last; null before the first. */
  readonly lookbackMs: number | null;
}

/**
 * Returns how far behind the watermark a run reads again: the configured lookback, or the one of the run before where that
 * was longer, because that run left it to the next one to read so much again.
 */
export function lookbackOf({ lookbackMs }: Pick<LookedBack, 'lookbackMs'>, configuredMs: number): number {
  return Math.max(lookbackMs ?? 0, configuredMs);
}

/**
 * `[watermark - lookback, until)`, from `initialFrom` where no incremental run has covered anything yet. Where the watermark
 * lies beyond `until` (a longer settle, a clock put back), just the lookback before `until`.
 *
 * @param untilMs now less settle
 */
export function nextWindow(covered: LookedBack, { initialFromMs, lookbackMs }: ReadSettings, untilMs: EpochMs): Window {
  const watermarkMs = watermarkOf(covered);
  const fromMs =
    watermarkMs === null ? initialFromMs : Math.min(watermarkMs, untilMs) - lookbackOf(covered, lookbackMs);
  return { fromMs, toMs: Math.max(fromMs, untilMs) };
}

/**
 * What an incremental run reads whether it is covered or not, because rows appear late there: the lookback before the
 * watermark. And where that stands at a gap (after a rewind), also the lookback before the furthest that any run has proven.
 */
export function lookbacks(window: Window, covered: Covered, lookbackMs: number): Window[] {
  const watermarkMs = watermarkOf(covered);
  return watermarkMs === null
    ? []
    : [{ fromMs: window.fromMs, toMs: watermarkMs }, ...furthestLookback(covered, lookbackMs)];
}

/**
 * The lookback before the furthest that any run has proven. Whoever goes on behind what another run has covered meanwhile has
 * to read it again, too: that run counted on the next to begin there.
 */
export function furthestLookback({ incremental }: Covered, lookbackMs: number): Window[] {
  return incremental === null ? [] : [{ fromMs: incremental.toMs - lookbackMs, toMs: incremental.toMs }];
}

/** `window` without what is covered, but for what is to be read `again`. */
export function spansToRead(window: Window, again: readonly Window[], coverage: readonly CoveredWindow[]): Window[] {
  return gapsIn(window, again.reduce(cutOut, coverage));
}

/** The later half of `spans`, by milliseconds. */
export function upperHalf(spans: readonly Window[]): Window[] {
  let beforeMs = lengthOf(spans) / 2;
  return spans.flatMap(({ fromMs, toMs }) => {
    const skippedMs = Math.floor(Math.min(beforeMs, toMs - fromMs));
    beforeMs -= skippedMs;
    return skippedMs < toMs - fromMs ? [{ fromMs: fromMs + skippedMs, toMs }] : [];
  });
}
