/** What a run reads. Pure. */
import type { EpochMs, Window } from '../../model.ts';
import { type Covered, type CoveredWindow, gapsIn, watermarkOf } from './coverage.ts';

/** The settings that say what an incremental run reads. */
export interface ReadSettings {
  readonly initialFromMs: EpochMs;
  readonly lookbackMs: number;
}

/**
 * `[watermark - lookback, until)`, from `initialFrom` where no incremental run has covered anything yet. Where the watermark
 * lies beyond `until` (a longer settle, a clock put back), just the lookback before `until`.
 *
 * @param untilMs now less settle
 */
export function nextWindow(covered: Covered, { initialFromMs, lookbackMs }: ReadSettings, untilMs: EpochMs): Window {
  const watermarkMs = watermarkOf(covered);
  const fromMs = watermarkMs === null ? initialFromMs : Math.min(watermarkMs, untilMs) - lookbackMs;
  return { fromMs, toMs: Math.max(fromMs, untilMs) };
}

/** `window` without what is covered from `fromMs` on: what lies before is read again in any case. */
export function spansToRead(window: Window, fromMs: EpochMs, coverage: readonly CoveredWindow[]): Window[] {
  const again = { fromMs: window.fromMs, toMs: Math.min(fromMs, window.toMs) };
  const rest = gapsIn({ fromMs: Math.max(fromMs, window.fromMs), toMs: window.toMs }, coverage);
  if (again.fromMs >= again.toMs) {
    return rest;
  }
  const [first, ...others] = rest;
  return first?.fromMs === again.toMs ? [{ ...again, toMs: first.toMs }, ...others] : [again, ...rest];
}

/** `spans` from `ms` on. */
export function spansFrom(spans: readonly Window[], ms: EpochMs): Window[] {
  return spans.filter(({ toMs }) => toMs > ms).map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, ms), toMs }));
}

/** Milliseconds in `spans`. */
export function lengthOf(spans: readonly Window[]): number {
  return spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
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
