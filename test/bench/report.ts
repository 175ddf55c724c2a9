/** The cost of a report of 30 days after 30 days of syncs and after three years. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anObservation } from '../support/builders.ts';
import { runMeasured } from './children.ts';
import { type Figure, judged, told } from './figures.ts';
import { writeReportWarehouse } from './report-warehouse.ts';

const dayMs = 86_400_000;
const histories = [30, 1_096] as const;
/** The least CPU time of this many reports counts, because other work on the machine only adds to it. */
const reports = 6;
const workspaces = ['sales', 'stock', 'crm', 'finance'];
const tasks = 50;

/** Measures reports of 4 workspaces with hourly tasks, of which a third fail. Takes a minute. */
export async function measureReport(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-bench-'));
  try {
    const toMs = Math.floor(Date.now() / dayMs) * dayMs;
    for (const days of histories) {
      await writeReportWarehouse(warehouseOf(folder, days), { workspaces, tasks, days, toMs });
    }
    const least = histories.map(() => Number.POSITIVE_INFINITY);
    // In turn, so that other work on the machine affects both.
    for (let round = 0; round < reports; round += 1) {
      for (const [index, days] of histories.entries()) {
        const out = join(folder, 'report.html');
        const { cpuMs } = await runMeasured(folder, configOf(folder, days), ['report', '--out', out]);
        least[index] = Math.min(least[index] ?? cpuMs, cpuMs);
      }
    }
    const [short = 0, long = 0] = least;
    const part = `a report of 30 days, ${workspaces.length * tasks} tasks`;
    return [
      told(part, 'ms of CPU after 30 days / after three years', `${Math.round(short)} / ${Math.round(long)}`),
      judged(part, '… the second divided by the first', long / short, { atMost: 1.2 }, (times) => times.toFixed(2)),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function warehouseOf(folder: string, days: number): string {
  return join(folder, `warehouse-${days}`);
}

function configOf(folder: string, days: number): object {
  return {
    warehouse: `file:${warehouseOf(folder, days)}`,
    source: { endpoint: 'https://dayu.ap-southeast-3.myhuaweicloud.com' },
    targets: workspaces.map((workspace) => ({
      ...{ name: workspace, workspace, projectId: anObservation().projectId, credentials: 'env:DQSYNC_BENCH_SECRET' },
    })),
    initialFrom: '2020-01-01T00:00:00Z',
  };
}
