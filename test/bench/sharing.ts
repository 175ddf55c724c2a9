/** The duration of a sync alone and during a backfill of the same user. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, sourceOf, withBench } from './children.ts';
import { type Figure, judged, median, told } from './figures.ts';

const syncs = 4;
/** The pause between syncs is longer than the quota's span, so that a sync alone finds an unused quota. */
const periodMs = 30_000;
const alonePeriodMs = 12_000;
const minuteMs = 60_000;
/** The new rows of each sync, which take about 10 requests with the lookback. */
const rowsPerSync = 300;

/** Measures `syncs` syncs alone, and then as many during a backfill that never ends. */
export async function measureSharing(): Promise<Figure[]> {
  const spec = {
    ...sourceOf(300_000, { throttled: true, traps: { latencyMs: 100 } }),
    initialFromMs: Date.now() - minuteMs,
  };
  return await withBench(spec, async (bench) => {
    await bench.sync();
    const alone = await measureSyncs(bench, alonePeriodMs);
    await bench.measurements();
    const stop = new AbortController();
    const backfilling = bench.backfill(spec.fromMs, spec.toMs, stop.signal);
    await sleep(periodMs);
    const beside = await measureSyncs(bench, periodMs);
    stop.abort();
    const backfill = await backfilling;
    const { throttled } = await bench.measurements();
    const part = 'a sync beside a backfill';
    return [
      told(part, 'time of a sync alone, median', seconds(median(alone.tookMs))),
      told(
        part,
        'time of a sync beside, median / longest',
        `${seconds(median(beside.tookMs))} / ${seconds(Math.max(...beside.tookMs))}`,
      ),
      judged(part, 'watermark behind at the end of a sync, longest', Math.max(...beside.behindMs) / 1000, {
        atMost: 120,
      }),
      told(part, 'rows that the backfill wrote meanwhile', String(backfill.rowsWritten)),
      told(part, 'replies 429 to both', String(throttled)),
    ];
  });
}

async function measureSyncs(bench: Bench, everyMs: number): Promise<{ tookMs: number[]; behindMs: number[] }> {
  const tookMs: number[] = [];
  const behindMs: number[] = [];
  for (let index = 0; index < syncs; index += 1) {
    await bench.add(rowsPerSync, Date.now() - 2 * minuteMs, Date.now() - minuteMs);
    const { summary, wallMs } = await bench.sync();
    tookMs.push(wallMs);
    behindMs.push(Date.now() - Date.parse(summary.watermark ?? ''));
    await sleep(Math.max(0, everyMs - wallMs));
  }
  return { tookMs, behindMs };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
