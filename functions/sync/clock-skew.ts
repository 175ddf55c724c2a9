/** Warns if the source's clock differs from this machine's by so much that the table is late. */
import { roundedDuration } from '../clock.ts';
import type { TargetRun } from './target-run.ts';

/**
 * A larger skew is reported. It is the default settle time: a sync always leaves out that much, so a smaller skew at most
 * doubles the delay of rows.
 */
export const maxSkewMs = 60_000;

/** Logs a warning if the run has measured a larger skew than `maxSkewMs`. */
export function warnOfSkew({ source, log, target }: Pick<TargetRun, 'source' | 'log' | 'target'>): void {
  const skewMs = source.stats().clockSkewMs ?? 0;
  if (Math.abs(skewMs) <= maxSkewMs) {
    return;
  }
  const isAhead = skewMs > 0;
  const apart = `${roundedDuration(Math.abs(skewMs))} ${isAhead ? 'ahead of' : 'behind'} this machine's`;
  const effect = isAhead
    ? "executions of that time are not read until this machine's clock reaches their start, so the table is late"
    : 'coverage ends that much earlier, because the source may still add executions of that time';
  log('warn', `the source's clock is ${apart}: ${effect}. To check the clocks, run: dqsync doctor`, {
    target: target.name,
  });
}
