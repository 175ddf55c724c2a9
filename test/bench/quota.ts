/** The share of the real quota, 40 requests per 10 s, that a busy run uses, and whether it exceeds the quota. */
import type { EpochMs } from '../../functions/model.ts';
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, percent, told } from './figures.ts';

const quotaRequests = 40;
const quotaMs = 10_000;
/** The measured time is the first 65 s of reading, because the slices of a run become smaller towards its end. */
const measuredMs = 65_000;
const maxRunSeconds = 100;

/** Measures all latencies in parallel, each with its own source and quota. They use hardly any CPU. */
export async function measureQuota(latenciesMs: readonly number[]): Promise<Figure[]> {
  return (await Promise.all(latenciesMs.map(measureAt))).flat();
}

async function measureAt(latencyMs: number): Promise<Figure[]> {
  const spec = sourceOf(100_000, { throttled: true, traps: { latencyMs } });
  const measurements = await withBench(spec, async (bench) => {
    await bench.sync(maxRunSeconds);
    return bench.measurements();
  });
  const startMs = measurements.arrivalsMs[0] ?? 0;
  const arrivalsMs = measurements.arrivalsMs.filter((ms) => ms < startMs + measuredMs);
  const part = `quota at ${latencyMs} ms latency`;
  return [
    judged(part, `used, over ${measuredMs / 1000} s`, shareUsed(arrivalsMs), { atLeast: 0.93 }, percent),
    judged(part, 'replies 429', measurements.throttled, { atMost: 0 }),
    told(part, 'requests', String(arrivalsMs.length)),
  ];
}

/**
 * Returns the used share as the quota's span divided by the mean time from a request to the 40th after it, which,
 * unlike a count, does not depend on where the measurement begins and ends. The first 40, which are sent immediately, are
 * left out.
 */
function shareUsed(arrivalsMs: readonly EpochMs[]): number {
  const steady = arrivalsMs.slice(quotaRequests);
  const spans = steady.slice(quotaRequests).map((ms, index) => ms - (steady[index] ?? ms));
  return quotaMs / (spans.reduce((sum, span) => sum + span, 0) / spans.length);
}
