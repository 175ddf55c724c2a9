/**
 * Writes the warehouse of a report: workspaces whose tasks run each hour, with the files that hourly runs, daily
 * maintenance and compactions leave.
 */
import { link, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type KnownTask, knownTasksKind } from '../../functions/checkpoint/known-tasks.ts';
import type { Observation, Rule } from '../../functions/model.ts';
import { changedRows } from '../../functions/sync/tasks/task-rows.ts';
import { instanceTable } from '../../functions/warehouse/columns.ts';
import { compactedKey, dataKey, tasksKey } from '../../functions/warehouse/layout.ts';
import { encodeParquet } from '../../functions/warehouse/parquet.ts';
import { type ResultRow, resultTable } from '../../functions/warehouse/result-table.ts';
import type { Table } from '../../functions/warehouse/table.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';
import { taskTable } from '../../functions/warehouse/task-table.ts';
import { seededRandom } from '../simulator/random.ts';
import { anObservation } from '../support/builders.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Days with content of their own. No report reads older ones, which share the files of one day. */
const daysWritten = 90;
/** The last days have a file per hour, because no compaction has been there yet. */
const daysOfRuns = 2;

/** The size of the warehouse. */
export interface ReportWarehouse {
  /** The names of the targets, which are those of their workspaces too. */
  readonly workspaces: readonly string[];
  readonly tasks: number;
  /** Days of history, up to `toMs`, which is a midnight, UTC. */
  readonly days: number;
  readonly toMs: number;
}

/** A third of the tasks fail since some day of the last 90; the others fail once in 50 executions. */
export async function writeReportWarehouse(folder: string, warehouse: ReportWarehouse): Promise<void> {
  for (const [number, workspace] of warehouse.workspaces.entries()) {
    await writeWorkspace(folder, workspace, number, warehouse);
  }
}

async function writeWorkspace(
  folder: string,
  workspace: string,
  seed: number,
  { tasks, days, toMs }: ReportWarehouse,
): Promise<void> {
  const random = seededRandom(7, seed);
  const known = Array.from({ length: tasks }, (_, task) => aKnownTask(task, toMs));
  const failingSince = known.map((_, task) => (task % 3 === 0 ? random.between(0, daysWritten) : -1));
  const { projectId } = anObservation();
  const place = { workspace, projectId };
  await write(join(folder, tasksKey(place)), knownTasksKind(place).encode(known));
  let shared: readonly (readonly [path: string, pathOf: (dt: string) => string])[] = [];
  for (let ago = 1; ago <= days; ago += 1) {
    const fromMs = toMs - ago * dayMs;
    const dt = new Date(fromMs).toISOString().slice(0, 10);
    if (ago > daysWritten) {
      for (const [path, pathOf] of shared) {
        await mkdir(dirname(pathOf(dt)), { recursive: true });
        await link(path, pathOf(dt));
      }
      continue;
    }
    const runIdOf = (hour: number): string =>
      `${dt.replaceAll('-', '')}T${String(hour).padStart(2, '0')}3000Z-00000001`;
    const rows = Array.from({ length: 24 * tasks }, (_, index): Observation => {
      const [hour, task] = [Math.floor(index / tasks), index % tasks];
      const isBad = ago <= (failingSince[task] ?? -1) || random.chance(0.02);
      return anObservation({
        workspace,
        id: 1_180_000_000_000_000_000n + BigInt(((days - ago) * 24 + hour) * 10_000 + task),
        name: `rule_${task}_not_null`,
        taskId: taskIdOf(task),
        runStatus: !isBad ? 'SUCCESS' : random.chance(0.05) ? 'FAILED' : 'ALARMING',
        startTimeMs: fromMs + hour * hourMs + random.between(0, 600) * 1000,
        runId: runIdOf(hour),
      });
    });
    const settledFile = (day: string): string =>
      join(
        folder,
        compactedKey(`${dirname(dataKey({ workspace, dt: day, runId: 'x', part: 0 }))}/`, [day], rows.length),
      );
    const fileOf = (table: Table<never>, day: string, hour = 0): string =>
      join(folder, dataKey({ workspace, dt: day, runId: runIdOf(hour), part: 0 }, table.name));
    if (ago <= daysOfRuns) {
      for (const [hour, ofHour] of Map.groupBy(rows, ({ runId }) => Number(runId.slice(9, 11)))) {
        await write(fileOf(instanceTable, dt, hour), await fileBytes(instanceTable, ofHour));
      }
    } else {
      await write(settledFile(dt), await fileBytes(instanceTable, rows));
    }
    const results = rows.filter(({ runStatus }) => runStatus !== 'SUCCESS').map(aResult);
    await write(fileOf(resultTable, dt), await fileBytes(resultTable, results));
    // The maintenance of each day writes a row for each task that has run, and all rules once.
    const origin = { workspace, projectId, runId: runIdOf(0) };
    const seen = known.flatMap((task) => changedRows(null, { ...task, seenAtMs: fromMs + hourMs }, origin));
    const changed = ago === Math.min(days, daysWritten) ? seen : seen.filter(({ rule }) => rule === null);
    await write(fileOf(taskTable, dt), await fileBytes(taskTable, changed));
    const sharedTasks = fileOf(taskTable, dt);
    shared = [
      [settledFile(dt), settledFile],
      [fileOf(resultTable, dt), (day) => fileOf(resultTable, day)],
      [sharedTasks, (day) => fileOf(taskTable, day)],
    ];
  }
}

async function fileBytes<Row extends { readonly workspace: string }>(
  table: Table<Row>,
  rows: readonly Row[],
): Promise<Uint8Array> {
  return encodeParquet(table.columns, tableBatch(table, rows.toSorted(table.compare)));
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

function taskIdOf(task: number): bigint {
  return 1_170_000_000_000_000_000n + BigInt(task);
}

const rulesOfTask = 3;

function aKnownTask(task: number, toMs: number): KnownTask {
  const rules = Array.from(
    { length: rulesOfTask },
    (_, rule): Rule => ({
      ...{ id: ruleIdOf(task, rule), part: 0, position: String(rule), name: `rule_${rule}`, type: 'Field Rule' },
      ...{ templateId: 7n, dimension: 'Completeness', connection: 'dws', connectionType: 'DWS', databases: 'sales' },
      ...{ tables: `orders_${task}`, columns: 'id', sql: null, alarmCondition: 'null rows > 0', weight: 5n },
      ...{ level: 'MAJOR', extra: null },
    }),
  );
  return {
    details: {
      ...{ id: taskIdOf(task), type: 'QUALITY_TASK', name: `rule_${task}_not_null`, categoryId: 1n },
      ...{ scheduleStatus: 'SCHEDULING', schedulePeriod: 'HOUR', scheduleInterval: '1', createTimeMs: toMs - dayMs },
      ...{ lastRunTimeMs: toMs - hourMs, creator: 'etl', extra: null, description: null, level: 'MAJOR' },
      ...{ alarmCondition: null, rules },
    },
    detailsReadAtMs: toMs,
    seenAtMs: toMs,
    deletedAtMs: null,
  };
}

function ruleIdOf(task: number, rule: number): bigint {
  return 1_160_000_000_000_000_000n + BigInt(task * 10 + rule);
}

function aResult({ workspace, projectId, id, startTimeMs, taskId, runId }: Observation): ResultRow {
  const task = Number((taskId ?? taskIdOf(0)) - taskIdOf(0));
  return {
    ...{ workspace, projectId, instanceId: id, startTimeMs, taskId, runId, observedAtMs: startTimeMs + hourMs },
    ...{ ruleId: ruleIdOf(task, 0), ruleInstanceId: id, alarmed: true, objectName: `1_sales.orders_${task}` },
    ...{ metrics: '{"Total Rows":"4","Null Rows":"2"}', abnormalTableStatus: 'SUCCESS', extra: null },
  };
}
