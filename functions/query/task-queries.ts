/** Questions about tasks, rules and rule results, as SQL that both DuckDB and Athena (Trino) accept. Pure. */

/** Where the questions look. */
interface TaskQueryOptions {
  /** The view `quality_instances`, quoted if necessary. */
  readonly view: string;
  /** Quotes the name of another view. */
  readonly further: (view: string) => string;
  /** A condition on `dt`. */
  readonly since: string;
  /** The same for the last seven days. */
  readonly sinceWeek: string;
  /** The days, as descriptions name them, for example `over the last 30 days`. */
  readonly period: string;
}

/** One question. */
export interface NamedQuery {
  /** Short and unique; the query's name in Athena. */
  readonly title: string;
  readonly description: string;
  readonly sql: string;
}

/** Returns the questions. Each ordering ends in what is unique. */
export function taskQueries(options: TaskQueryOptions): readonly NamedQuery[] {
  const { period } = options;
  return [
    {
      title: 'Rules failing most, by table and column',
      description: `Rules by number of executions in which they raised an alarm, with the table and column, ${period}.`,
      sql: rulesByTable(options),
    },
    {
      title: 'Values of a rule over time',
      description: `What each rule measured, newest first, ${period}. Add AND rule_id = <number> for one rule. Shows rules that passed only if "results" is "all".`,
      sql: valuesOverTime(options),
    },
    {
      title: 'Tables without any rule run this week',
      description: `Tables that rules check, none of which ran within the last seven days, with their last run, ${period}.`,
      sql: tablesNotChecked(options),
    },
    {
      title: 'Tasks scheduled that did not run',
      description: `Scheduled tasks that have not run for more than twice their interval, compared with the newest execution of their workspace, ${period}. None if the whole workspace has stopped.`,
      sql: tasksNotRun(options),
    },
  ];
}

/** Identifies an execution: an instance that is run again keeps its id. */
const execution = 'ROW(instance_id, start_time)';

function rulesByTable({ further, since }: TaskQueryOptions): string {
  return `SELECT workspace, databases, tables, columns, rule_name, dimension, level, rule_id,
  count(DISTINCT ${execution}) AS alarms,
  max(start_time) AS last_alarm,
  count(DISTINCT CASE WHEN notify_status = 'SUCCESS' THEN ${execution} END) AS notified
FROM ${further('quality_failures')}
WHERE ${since} AND alarmed
GROUP BY workspace, databases, tables, columns, rule_name, dimension, level, rule_id
ORDER BY alarms DESC, last_alarm DESC, workspace, rule_id
LIMIT 50`;
}

function valuesOverTime({ further, since }: TaskQueryOptions): string {
  return `SELECT start_time, workspace, task_id, rule_id, object_name, alarmed, metrics, instance_id
FROM ${further('quality_results')}
WHERE ${since}
ORDER BY workspace, rule_id, object_name, start_time DESC, instance_id
LIMIT 1000`;
}

function tablesNotChecked({ view, further, since, sinceWeek }: TaskQueryOptions): string {
  return `SELECT u.workspace, u.databases, u.tables,
  count(DISTINCT u.rule_id) AS rules,
  count(DISTINCT u.task_id) AS tasks,
  max(r.last_start) AS last_start
FROM ${further('quality_rules')} AS u
LEFT JOIN (
  SELECT workspace, project_id, task_id,
    max(start_time) AS last_start,
    count_if(${sinceWeek}) AS this_week
  FROM ${view}
  WHERE ${since}
  GROUP BY workspace, project_id, task_id
) AS r
  ON r.workspace = u.workspace AND r.project_id = u.project_id AND r.task_id = u.task_id
WHERE u.deleted_at IS NULL AND u.tables IS NOT NULL
GROUP BY u.workspace, u.databases, u.tables
HAVING sum(coalesce(r.this_week, 0)) = 0
ORDER BY last_start, u.workspace, u.databases, u.tables
LIMIT 100`;
}

/** If the interval is not a number, for example a time of day, it counts as one unit. */
function tasksNotRun({ view, further, since }: TaskQueryOptions): string {
  return `SELECT workspace, task_id, task_name, schedule_period, schedule_interval, last_start,
  round(date_diff('second', last_start, newest) / 3.6e3, 1) AS still_for_hours
FROM (
  SELECT t.workspace, t.task_id, t.task_name, t.schedule_period, t.schedule_interval, n.newest,
    CASE WHEN r.last_start IS NULL OR t.last_run_time > r.last_start THEN t.last_run_time ELSE r.last_start END AS last_start,
    coalesce(TRY_CAST(t.schedule_interval AS integer), 1) * CASE upper(t.schedule_period)
      WHEN 'MINUTE' THEN 60 WHEN 'HOUR' THEN 3600 WHEN 'DAY' THEN 86400 WHEN 'WEEK' THEN 604800
      ELSE 2678400 END AS every_seconds
  FROM ${further('quality_tasks')} AS t
  JOIN (SELECT workspace, max(start_time) AS newest FROM ${view} WHERE ${since} GROUP BY workspace) AS n
    ON n.workspace = t.workspace
  LEFT JOIN (
    SELECT workspace, project_id, task_id, max(start_time) AS last_start
    FROM ${view}
    WHERE ${since}
    GROUP BY workspace, project_id, task_id
  ) AS r
    ON r.workspace = t.workspace AND r.project_id = t.project_id AND r.task_id = t.task_id
  WHERE t.schedule_status = 'SCHEDULING' AND t.schedule_period IS NOT NULL AND t.deleted_at IS NULL
) AS scheduled
WHERE last_start IS NULL OR date_diff('second', last_start, newest) > 2 * every_seconds
ORDER BY still_for_hours DESC, workspace, task_id
LIMIT 100`;
}
