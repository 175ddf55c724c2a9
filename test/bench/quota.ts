/** How much of the real quota, 40 requests per 10 s, is used while there is work, and whether it is ever overrun. */
import type { EpochMs } from '../../functions/model.ts';
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, percent, told } from './figures.ts';

const quotaRequests = 40;
const quotaMs = 10_000;
/** With the margin that a run keeps for its last commit, more than 60 s of reading. */
const maxRunSeconds = 85;

/** Measures at each latency, all at once: each has a source and a quota of its own, and hardly any CPU is used. */
export async function measureQuota(latenciesMs: readonly number[]): Promise<Figure[]> {
  return (await Promise.all(latenciesMs.map(measureAt))).flat();
}

async function measureAt(latencyMs: number): Promise<Figure[]> {
  const spec = sourceOf(100_000, { throttled: true, traps: { latencyMs } });
  const { arrivalsMs, throttled } = await withBench(spec, async (bench) => {
    await bench.sync(maxRunSeconds);
    return bench.sightings();
  });
  const part = `quota at ${latencyMs} ms latency`;
  const seconds = ((arrivalsMs.at(-1) ?? 0) - (arrivalsMs[0] ?? 0)) / 1000;
  return [
    judged(part, `used, over ${seconds.toFixed(0)} s`, shareUsed(arrivalsMs), { atLeast: 0.93 }, percent),
    judged(part, 'replies 429', throttled, { atMost: 0 }),
    told(part, 'requests', String(arrivalsMs.length)),
  ];
}

/** The quota's span by the mean time from a request to the 40th after it: unlike a count, it has no lucky ends. */
function shareUsed(arrivalsMs: readonly EpochMs[]): number {
  const spans = arrivalsMs.slice(quotaRequests).map((ms, index) => ms - (arrivalsMs[index] ?? ms));
  return quotaMs / (spans.reduce((sum, span) => sum + span, 0) / spans.length);
}
