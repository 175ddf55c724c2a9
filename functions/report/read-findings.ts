/** Reads the last executions of each task, and what rules found in those that did not pass. */
import { noPartitions, type WarehouseSql } from '../query/duckdb.ts';
import { metricPairs } from '../query/metric-pairs.ts';
import type { SqlValue } from '../query/sql-value.ts';
import type { FindingData, RunData } from './report-data.ts';
import { findingsSql, lastRunsSql, type ReportScope, resultPartitions } from './report-sql.ts';
import { rowsOfTasks } from './rows-of-tasks.ts';
import { type Definitions, ruleOfFinding, shortened, type TaskPlace } from './task-definitions.ts';

/** Longest text of what a rule measured that is kept: a few figures with their labels. */
const maxMetricsText = 200;

/** Returns the last executions by number of the task, oldest first. */
export async function readRuns(sql: WarehouseSql): Promise<Map<number, RunData[]>> {
  return rowsOfTasks(await sql.run(lastRunsSql, noPartitions), ([, id, startMs, durationMs, status, notified]) => ({
    id: String(id),
    startMs: Number(startMs),
    durationMs: durationMs === null || durationMs === undefined ? null : Number(durationMs),
    status: String(status),
    notified: String(notified),
  }));
}

/**
 * Returns rows of findings by number of the task, newest execution first.
 *
 * @throws StorageError if a data file cannot be read
 */
export async function readFindings(sql: WarehouseSql, scope: ReportScope): Promise<Map<number, SqlValue[][]>> {
  return rowsOfTasks(await sql.run(findingsSql(scope), resultPartitions(scope)), (row) => [...row]);
}

/** Returns the finding of such a row. */
export function findingOf(
  [, id, startMs, ruleId, objectName, metrics]: readonly SqlValue[],
  definitions: Definitions,
  task: TaskPlace,
): FindingData {
  const { tables, ...rule } = ruleOfFinding(definitions, task, String(ruleId));
  const object = String(objectName ?? '');
  return {
    ...{ id: String(id), startMs: Number(startMs), ...rule },
    object: tables === '' ? shortened(object) : tables,
    metrics: shortened(metricPairs(String(metrics ?? ''), object).join(' · '), maxMetricsText),
  };
}
