/** What an incremental run reads. Pure. */
import type { EpochMs, Window } from '../../model.ts';

/**
 * `[watermark - lookback, until)`, from `initialFrom` where nothing is covered yet. Where the watermark lies beyond
 * `until` (a longer settle, a clock put back), just the lookback before `until`.
 *
 * @param untilMs now less settle
 */
export function nextWindow(
  watermarkMs: EpochMs | null,
  { initialFromMs, lookbackMs }: { readonly initialFromMs: EpochMs; readonly lookbackMs: number },
  untilMs: EpochMs,
): Window {
  const fromMs = watermarkMs === null ? initialFromMs : Math.min(watermarkMs, untilMs) - lookbackMs;
  return { fromMs, toMs: Math.max(fromMs, untilMs) };
}
