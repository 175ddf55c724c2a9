/** The views beside `quality_instances`: tasks, rules, results, and what failed. Pure. */
import { instanceTable } from '../warehouse/columns.ts';
import { viewName } from '../warehouse/layout.ts';
import { resultTable } from '../warehouse/result-table.ts';
import { columnNames, type TableFacts } from '../warehouse/table.ts';
import { taskTable } from '../warehouse/task-table.ts';
import { columnsOf, instanceView, latestSql, type View } from './view.ts';

/** The tables beside the observations of executions. */
export const furtherTables: readonly TableFacts[] = [taskTable, resultTable];

/** All tables. */
export const allTables: readonly TableFacts[] = [instanceTable, ...furtherTables];

const taskNames = [
  ...['task_id', 'task_type', 'task_name', 'level', 'alarm_condition', 'category_id', 'schedule_status'],
  ...['schedule_period', 'schedule_interval', 'create_time', 'last_run_time', 'creator', 'description', 'deleted_at'],
  ...['extra', 'project_id', 'observed_at', 'run_id', 'workspace'],
];

const ruleNames = [
  ...['task_id', 'task_type', 'task_name', 'rule_id', 'rule_part', 'rule_position', 'rule_name', 'rule_type'],
  ...['template_id', 'dimension', 'connection', 'connection_type', 'databases', 'tables', 'columns', 'sql'],
  ...['alarm_condition', 'weight', 'level', 'deleted_at', 'extra', 'project_id', 'observed_at', 'run_id', 'workspace'],
];

const resultNames = columnNames(resultTable);

const rulesSql = (table: string): string =>
  latestSql(ruleNames, 'workspace, project_id, task_id, rule_id, rule_part', `${table}\n  WHERE rule_part IS NOT NULL`);

/** Returns SQL: whether a row only records that an execution has no results, for `reason` or for any reason. */
function isNote(reason = ''): string {
  return `coalesce(starts_with(extra, '{"_dqsync":{"no_results":"${reason}'), false)`;
}

/**
 * All rows of the latest fetch of each execution that had results. The source may have forgotten them by the next
 * fetch. If the instance has started again, results that were fetched after that may be those of its new execution, and
 * are left out. A row that is in two files, because a compaction has replaced one of them, shows once.
 */
function resultsSql(table: string): string {
  const columns = resultNames.join(', ');
  const execution = 'workspace, dt, project_id, instance_id, start_time';
  return `SELECT DISTINCT ${columns}
FROM (
  SELECT ${columns},
    rank() OVER (
      PARTITION BY ${execution}
      ORDER BY observed_at DESC, run_id DESC
    ) AS recency
  FROM (
    SELECT ${columns},
      min(CASE WHEN ${isNote('rerun')} THEN observed_at END) OVER (PARTITION BY ${execution}) AS doubted_from
    FROM ${table}
  ) AS noted
  WHERE NOT ${isNote()} AND (doubted_from IS NULL OR observed_at < doubted_from)
) AS ranked
WHERE recency = 1`;
}

/** Columns of `quality_failures`, with the relation that each comes from. */
const failureColumns: readonly (readonly [name: string, sql: string])[] = [
  ['instance_id', 'i.id'],
  ['start_time', 'i.start_time'],
  ['end_time', 'i.end_time'],
  ['task_id', 'i.task_id'],
  ['task_name', 'coalesce(u.task_name, i.name)'],
  ['task_type', 'i.task_type'],
  ['run_status', 'i.run_status'],
  ['notify_status', 'i.notify_status'],
  ['rule_id', 'r.rule_id'],
  ['rule_name', 'u.rule_name'],
  ['dimension', 'u.dimension'],
  ['level', 'u.level'],
  ['databases', 'u.databases'],
  ['tables', 'u.tables'],
  ['columns', 'u.columns'],
  ['alarm_condition', 'u.alarm_condition'],
  ['alarmed', 'r.alarmed'],
  ['object_name', 'r.object_name'],
  ['metrics', 'r.metrics'],
  ['abnormal_table_status', 'r.abnormal_table_status'],
  ['project_id', 'i.project_id'],
  ['workspace', 'i.workspace'],
  ['dt', 'i.dt'],
];

/**
 * Executions that failed or raised an alarm, with the results that are not known to be good, and the rules. One without
 * results, or whose results are not fetched, has one row.
 */
function failuresSql(relation: (name: string) => string): string {
  return `SELECT ${failureColumns.map(([name, sql]) => `${sql} AS ${name}`).join(',\n  ')}
FROM ${relation(viewName)} AS i
LEFT JOIN (
${resultsSql(relation(resultTable.name))}
) AS r
  ON r.workspace = i.workspace AND r.dt = i.dt AND r.project_id = i.project_id
  AND r.instance_id = i.id AND r.start_time = i.start_time AND coalesce(r.alarmed, true)
LEFT JOIN (
${rulesSql(relation(taskTable.name))}
) AS u
  ON u.workspace = r.workspace AND u.project_id = r.project_id AND u.task_id = r.task_id
  AND u.rule_id = r.rule_id AND u.rule_part = 0
WHERE i.run_status IN ('FAILED', 'ALARMING')`;
}

/** The views, in the order in which they are explained. */
export const furtherViews: readonly View[] = [
  {
    name: 'quality_tasks',
    columns: columnsOf([taskTable], taskNames),
    sql: (relation) =>
      latestSql(taskNames, 'workspace, project_id, task_id', `${relation(taskTable.name)}\n  WHERE rule_part IS NULL`),
  },
  {
    name: 'quality_rules',
    columns: columnsOf([taskTable], ruleNames),
    sql: (relation) => rulesSql(relation(taskTable.name)),
  },
  {
    name: 'quality_results',
    columns: columnsOf([resultTable], resultNames),
    sql: (relation) => resultsSql(relation(resultTable.name)),
  },
  {
    name: 'quality_failures',
    columns: columnsOf(
      [resultTable, taskTable, instanceTable],
      failureColumns.map(([name]) => name),
    ),
    sql: failuresSql,
  },
];

/** All views. */
export const allViews: readonly View[] = [instanceView, ...furtherViews];
