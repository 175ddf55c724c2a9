/** How much of the real quota, 40 requests per 10 s, is used while there is work, and whether it is ever overrun. */
import type { EpochMs } from '../../functions/model.ts';
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, percent, told } from './figures.ts';

const quotaRequests = 40;
const quotaMs = 10_000;
/** What is measured: the first 65 s of reading. Towards its end a run takes smaller and smaller steps, so it takes longer. */
const measuredMs = 65_000;
const maxRunSeconds = 100;

/** Measures at each latency, all at once: each has a source and a quota of its own, and hardly any CPU is used. */
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
 * The quota's span by the mean time from a request to the 40th after it: unlike a count, it has no lucky ends. The first
 * 40, which come at once, are left out.
 */
function shareUsed(arrivalsMs: readonly EpochMs[]): number {
  const steady = arrivalsMs.slice(quotaRequests);
  const spans = steady.slice(quotaRequests).map((ms, index) => ms - (steady[index] ?? ms));
  return quotaMs / (spans.reduce((sum, span) => sum + span, 0) / spans.length);
}
