/** Reads what rules found in the last executions of each task that did not pass. */
import type { PartitionSql } from '../query/duckdb.ts';
import type { SqlValue } from '../query/sql-value.ts';
import { metricsText } from './metrics-text.ts';
import type { FindingData } from './report-data.ts';
import { findingsSql, type ReportScope, resultPartitions } from './report-sql.ts';
import { type Definitions, maxDefinitionText, ruleOfFinding, type TaskPlace } from './task-definitions.ts';

/**
 * Returns the findings by number of the task, newest execution first.
 *
 * @param placeOf tasks by number
 * @throws StorageError if a data file cannot be read
 */
export async function readFindings(
  sql: PartitionSql,
  scope: ReportScope,
  definitions: Definitions,
  placeOf: ReadonlyMap<number, TaskPlace>,
): Promise<Map<number, FindingData[]>> {
  const { rows } = await sql.run(findingsSql(scope), resultPartitions(scope));
  const byTask = Map.groupBy(rows, ([task]) => Number(task));
  return new Map(
    [...byTask].map(([task, ofTask]) => {
      const place = placeOf.get(task);
      return [task, place === undefined ? [] : ofTask.map((row) => findingOf(row, definitions, place))];
    }),
  );
}

/** @param row as `findingsSql` gives it */
function findingOf(
  [, id, startMs, ruleId, objectName, metrics]: readonly SqlValue[],
  definitions: Definitions,
  task: TaskPlace,
): FindingData {
  const { tables, ...rule } = ruleOfFinding(definitions, task, String(ruleId));
  const object = String(objectName ?? '');
  return {
    ...{ id: String(id), startMs: Number(startMs), ...rule },
    object: tables === '' ? [...object].slice(0, maxDefinitionText).join('') : tables,
    metrics: metricsText(String(metrics ?? ''), object),
  };
}
