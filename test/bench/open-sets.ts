/** The cost of open executions: of one, and of many that end at the same time. */
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, told, wholeNumber } from './figures.ts';

const openExecutions = 10_000;
const dayMs = 86_400_000;

/** Measures a quiet run with one open execution, and a run in which all of many have ended. */
export async function measureOpenSets(): Promise<Figure[]> {
  const toMs = Date.now() - 60_000;
  const spec = sourceOf(10_000, { fromMs: toMs - 10 * dayMs, toMs });
  const one = await withBench(spec, async (bench) => {
    await bench.open(1, Date.now() - dayMs);
    await bench.sync();
    await bench.measurements();
    await bench.sync();
    return bench.measurements();
  });
  const { cpuMs, requests, quietCpuMs } = await withBench(spec, async (bench) => {
    await bench.sync();
    const quiet = await bench.sync();
    await bench.open(openExecutions, Date.now() - dayMs);
    await bench.run([
      'backfill',
      '--again',
      '--from',
      new Date(toMs - 2 * dayMs).toISOString(),
      '--to',
      new Date().toISOString(),
    ]);
    await bench.finish();
    await bench.measurements();
    const report = await bench.sync();
    return { cpuMs: report.cpuMs, requests: (await bench.measurements()).requests, quietCpuMs: quiet.cpuMs };
  });
  const part = 'open executions';
  return [
    judged(part, 'requests of a quiet run with one', one.requests, { atMost: 4 }),
    told(part, `requests when ${wholeNumber(openExecutions)} end at the same time`, wholeNumber(requests)),
    judged(part, 'seconds of CPU for them, beyond a quiet run', (cpuMs - quietCpuMs) / 1000, { atMost: 3 }, (value) =>
      value.toFixed(1),
    ),
  ];
}
