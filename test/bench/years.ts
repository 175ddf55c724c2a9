/** The cost of queries over three years of hourly syncs, before and after a compaction. */
import { globSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultWorkspace } from '../simulator/server.ts';
import { sourceOf, withBench } from './children.ts';
import { type Figure, judged, megabytes, told, wholeNumber } from './figures.ts';
import { writeHourlyWarehouse } from './hourly-warehouse.ts';

const dayMs = 86_400_000;
const days = 1_096;
const fromMs = Date.UTC(2023, 0, 1);

const dayQuery = ['query', "SELECT count(*), count(extra) FROM quality_instances WHERE dt = '2024-03-01'"];
const everyQuery = ['query', 'SELECT run_status, count(*), max(end_time) FROM quality_instances GROUP BY 1'];

/** Measures a warehouse of 26,304 files. Takes ten minutes. */
export async function measureYears(): Promise<Figure[]> {
  return await withBench(sourceOf(1, { fromMs, toMs: fromMs + dayMs }), async (bench) => {
    const { workspace } = defaultWorkspace;
    await writeHourlyWarehouse(bench.warehouse, { workspace, fromMs, days, rowsPerFile: 417 });
    const before = contentOf(bench.warehouse);
    const dayBeforeMs = await bench.run(dayQuery);
    const everyBeforeMs = await bench.run(everyQuery);
    const compactMs = await bench.run(['compact']);
    await rm(join(bench.warehouse, '.replaced'), { recursive: true, force: true });
    const after = contentOf(bench.warehouse);
    const dayAfterMs = await bench.run(dayQuery);
    const everyAfterMs = await bench.run(everyQuery);
    const part = 'three years of hourly files';
    const seconds = (ms: number): string => (ms / 1000).toFixed(2);
    return [
      told(part, 'files / bytes before', `${wholeNumber(before.files)} / ${megabytes(before.bytes)}`),
      told(part, 'files / bytes after compaction', `${wholeNumber(after.files)} / ${megabytes(after.bytes)}`),
      told(part, 'seconds of the compaction', seconds(compactMs)),
      judged(part, 'seconds of a query of one day, before', dayBeforeMs / 1000, { atMost: 1.5 }, (s) => s.toFixed(2)),
      told(part, '… after', seconds(dayAfterMs)),
      told(
        part,
        'seconds of a query of everything, before / after',
        `${seconds(everyBeforeMs)} / ${seconds(everyAfterMs)}`,
      ),
      judged(part, '… times faster', everyBeforeMs / everyAfterMs, { atLeast: 5 }, (times) => times.toFixed(1)),
    ];
  });
}

function contentOf(warehouse: string): { readonly files: number; readonly bytes: number } {
  const paths = globSync('quality_instance_observations/**/*.parquet', { cwd: warehouse });
  return {
    files: paths.length,
    bytes: paths.reduce((sum, path) => sum + statSync(join(warehouse, path)).size, 0),
  };
}
