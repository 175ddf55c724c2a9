/** What the table of tasks shows against what the source lists, by code that shares nothing with the product. */
import { taskTableName } from '../../functions/warehouse/layout.ts';
import type { Simulator } from '../simulator/server.ts';
import { hyparquetRows } from './referee.ts';

/** One row of the table, as hyparquet reads it. */
type Row = Record<string, unknown>;

const keyColumns = ['task_id', 'rule_id', 'rule_part', 'observed_at', 'run_id', 'deleted_at'];
const taskColumns = ['task_id', 'task_type', 'task_name', 'level', 'schedule_status', 'last_run_time'];
const ruleColumns = [
  ...['task_id', 'rule_id', 'rule_name', 'alarm_condition', 'weight'],
  ...['dimension', 'databases', 'tables', 'columns'],
];
const readColumns = new Set([...keyColumns, ...taskColumns, ...ruleColumns]);

/**
 * Returns, as text, the tasks and rules that only the table shows or only the source lists, each in its latest state
 * and with exact ids.
 *
 * @param files of the table, of one workspace
 * @param workspace default: the first of the simulator
 */
export async function taskProblems(
  files: Iterable<Uint8Array>,
  simulator: Simulator,
  workspace?: string,
): Promise<string[]> {
  const rows: Row[] = [];
  for (const bytes of files) {
    rows.push(...(await hyparquetRows(bytes, ...readColumns)));
  }
  const shown = new Set(latest(rows).map(textOf));
  const listed = new Set(simulator.tasks(workspace).flatMap(trueTexts));
  return [
    ...[...listed.difference(shown)].map((text) => `missing: ${text}`),
    ...[...shown.difference(listed)].map((text) => `not at the source: ${text}`),
  ];
}

function trueTexts({ definition, lastRunMs }: ReturnType<Simulator['tasks']>[number]): string[] {
  const { task, level, scheduleStatus, rules } = definition;
  return [
    [task.taskId, task.taskType, task.name, level, scheduleStatus, lastRunMs],
    ...rules
      .flat()
      .map((rule) => [
        ...[task.taskId, rule.idText, rule.name, rule.alarmCondition, rule.weight],
        ...[rule.dimension, rule.databases, rule.tables, rule.columns],
      ]),
  ].map((values) => values.map(String).join(' '));
}

function textOf(row: Row): string {
  const names = row['rule_id'] === null ? taskColumns : ruleColumns;
  return names.map((name) => String(plain(row[name]))).join(' ');
}

/** Of each task and each rule the row that was observed last, unless it says that it was deleted. */
function latest(rows: readonly Row[]): Row[] {
  const byKey = Map.groupBy(rows, (row) => `${row['task_id']}/${row['rule_id']}/${row['rule_part']}`);
  const order = (row: Row): string => `${plain(row['observed_at'])} ${row['run_id']}`;
  return [...byKey.values()]
    .map((ofKey) => ofKey.reduce((last, row) => (order(row) > order(last) ? row : last)))
    .filter((row) => row['deleted_at'] === null);
}

function plain(value: unknown): unknown {
  return value instanceof Date ? value.getTime() : value;
}

/** Whether an object of the warehouse has rows of tasks. */
export function isTaskRow(key: string): boolean {
  return key.startsWith(`${taskTableName}/`);
}

/** Changes properties of a task or a rule of the simulator. Returns what changes them back. */
export function assigned<T extends object>(object: T, change: Partial<T>): () => unknown {
  const before = { ...object };
  Object.assign(object, change);
  return () => Object.assign(object, before);
}
