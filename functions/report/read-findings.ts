/** Reads the last executions of each task, and what rules found in those that did not pass. */
import type { PartitionSql } from '../query/duckdb.ts';
import type { SqlValue } from '../query/sql-value.ts';
import type { FindingData, RunData } from './report-data.ts';
import { findingsSql, lastRunsSql, type ReportScope, resultPartitions } from './report-sql.ts';
import { type Definitions, ruleOfFinding, shortened, type TaskPlace } from './task-definitions.ts';

/** Longest text of what a rule measured that is kept: a few figures with their labels. */
const maxMetricsText = 200;

/** Returns the last executions by number of the task, oldest first. */
export async function readRuns(sql: PartitionSql): Promise<Map<number, RunData[]>> {
  const { rows } = await sql.run(lastRunsSql);
  const byTask = Map.groupBy(rows, (row) => Number(row[0]));
  const runOf = ([, id, startMs, durationMs, status, notified]: readonly SqlValue[]): RunData => ({
    id: String(id),
    startMs: Number(startMs),
    durationMs: durationMs === null || durationMs === undefined ? null : Number(durationMs),
    status: String(status),
    notified: String(notified),
  });
  return new Map([...byTask].map(([task, ofTask]) => [task, ofTask.map(runOf)]));
}

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

/** @param row as `findingsSql` returns it */
function findingOf(
  [, id, startMs, ruleId, objectName, metrics]: readonly SqlValue[],
  definitions: Definitions,
  task: TaskPlace,
): FindingData {
  const { tables, ...rule } = ruleOfFinding(definitions, task, String(ruleId));
  const object = String(objectName ?? '');
  return {
    ...{ id: String(id), startMs: Number(startMs), ...rule },
    object: tables === '' ? shortened(object) : tables,
    metrics: metricsText(String(metrics ?? ''), object),
  };
}

/**
 * Formats a result's JSON text as `label: value` pairs, joined by ` · `. Returns the text itself if it is not an
 * object. The page shows elsewhere whether there was an alarm and on which object; labels are in any language, so these
 * two are recognized and left out by their values.
 *
 * @param objectName what was checked, as the result calls it
 */
function metricsText(json: string, objectName: string): string {
  const shownElsewhere = ['true', 'false', objectName];
  const pairs = pairsOf(json)
    .filter(([, value]) => !shownElsewhere.includes(value))
    .map(([label, value]) => (label === '' ? value : `${label}: ${value}`));
  return shortened(pairs.join(' · '), maxMetricsText);
}

function pairsOf(json: string): (readonly [label: string, value: string])[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return [['', json]];
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    return [['', json]];
  }
  return Object.entries(parsed).map(([label, value]) => [
    label,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}
