/** Writes the warehouse of years of hourly syncs, with the product's writer. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Observation } from '../../functions/model.ts';
import { instanceTable, observationColumns } from '../../functions/warehouse/columns.ts';
import { dataKey } from '../../functions/warehouse/layout.ts';
import { encodeParquet } from '../../functions/warehouse/parquet.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';
import { seededRandom } from '../simulator/random.ts';
import { anObservation } from '../support/builders.ts';

const hourMs = 3_600_000;
const tasks = 400;

/** The size of the warehouse. */
export interface HourlyWarehouse {
  readonly workspace: string;
  /** First midnight, UTC. */
  readonly fromMs: number;
  readonly days: number;
  readonly rowsPerFile: number;
}

/** Writes 24 files a day. A tenth of the executions have an additional observation as running, an hour earlier. */
export async function writeHourlyWarehouse(folder: string, warehouse: HourlyWarehouse): Promise<void> {
  const random = seededRandom(1, 1);
  let running: Observation[] = [];
  for (let hour = 0; hour < warehouse.days * 24; hour += 1) {
    const startMs = warehouse.fromMs + hour * hourMs;
    const runId = `${new Date(startMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z-${String(hour).padStart(8, '0')}`;
    const seen = { observedAtMs: startMs + hourMs, runId };
    const rows = Array.from({ length: warehouse.rowsPerFile }, (_, n) => {
      const task = random.between(1, tasks);
      return anObservation({
        ...seen,
        workspace: warehouse.workspace,
        id: 1_180_000_000_000_000_000n + BigInt(hour * 100_000 + n * 7 + random.between(0, 6)),
        name: `rule_${task}_not_null`,
        taskId: 1_170_000_000_000_000_000n + BigInt(task),
        runStatus: random.pick(['SUCCESS', 'SUCCESS', 'SUCCESS', 'ALARMING', 'FAILED']),
        startTimeMs: startMs + Math.floor(random.between(0, 3_599_999) / 1000) * 1000,
      });
    });
    // At midnight, these executions belong to the day before. Their end is omitted, which does not matter for the
    // bench.
    const ended = hour % 24 === 0 ? [] : running.map((row) => ({ ...row, ...seen, runStatus: 'SUCCESS' }));
    const open = rows.slice(0, Math.floor(rows.length / 10));
    running = open.map((row) => ({ ...row, runStatus: 'RUNNING', endTimeMs: null }));
    const all = [...ended, ...running, ...rows.slice(open.length)].sort(instanceTable.compare);
    const dt = new Date(startMs).toISOString().slice(0, 10);
    const path = join(folder, dataKey({ workspace: warehouse.workspace, dt, runId, part: 0 }));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, encodeParquet(observationColumns, tableBatch(instanceTable, all)));
  }
}
