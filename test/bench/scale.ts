/** Costs that grow with use: open executions, targets, files of the warehouse. */

import { globSync } from 'node:fs';
import { link, mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, told, wholeNumber } from './figures.ts';

const openExecutions = 10_000;
const targets = 100;
const files = 5_000;
const dayMs = 86_400_000;

/** Measures large open sets, many targets, and a warehouse of many files. */
export async function measureScale(): Promise<Figure[]> {
  return [...(await measureOpenSets()), ...(await measureTargets()), ...(await measureFiles())];
}

async function measureOpenSets(): Promise<Figure[]> {
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
    told(part, `requests when ${wholeNumber(openExecutions)} end at once`, wholeNumber(requests)),
    judged(part, 'seconds of CPU for them, beyond a quiet run', (cpuMs - quietCpuMs) / 1000, { atMost: 3 }, (value) =>
      value.toFixed(1),
    ),
  ];
}

async function measureTargets(): Promise<Figure[]> {
  const toMs = Date.now() - 60_000;
  const { requests, cpuMs, wallMs } = await withBench(
    sourceOf(1_000, { fromMs: toMs - 10 * dayMs, toMs, targets }),
    async (bench) => {
      await bench.sync();
      await bench.measurements();
      const report = await bench.sync();
      return { ...report, ...(await bench.measurements()) };
    },
  );
  const part = `${targets} targets with nothing new`;
  return [
    judged(part, 'requests each', requests / targets, { atMost: 3 }, (value) => value.toFixed(1)),
    told(part, 'seconds, of CPU / by the clock', `${(cpuMs / 1000).toFixed(1)} / ${(wallMs / 1000).toFixed(1)}`),
  ];
}

async function measureFiles(): Promise<Figure[]> {
  return await withBench(
    sourceOf(5_000, { fromMs: Date.now() - dayMs, toMs: Date.now() - 3_600_000 }),
    async (bench) => {
      await bench.sync();
      const [file = ''] = globSync('quality_instance_observations/**/*.parquet', { cwd: bench.warehouse });
      const workspace = dirname(dirname(file));
      for (let index = 0; index < files; index += 1) {
        const dt = new Date(Date.UTC(2020, 0, 1) + Math.floor(index / 24) * dayMs).toISOString().slice(0, 10);
        const folder = join(bench.warehouse, workspace, `dt=${dt}`);
        await mkdir(folder, { recursive: true });
        await link(join(bench.warehouse, file), join(folder, `${String(index).padStart(6, '0')}-${basename(file)}`));
      }
      const part = `a warehouse of ${wholeNumber(files)} hourly files`;
      const dayTook = await bench.run(['query', "SELECT count(*) FROM quality_instances WHERE dt = '2020-03-01'"]);
      const allTook = await bench.run(['query', 'SELECT count(*) FROM quality_instances']);
      return [
        told(part, 'seconds of a query of one day', (dayTook / 1000).toFixed(1)),
        told(part, 'seconds of a query of everything', (allTook / 1000).toFixed(1)),
      ];
    },
  );
}
