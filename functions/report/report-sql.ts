/**
 * The queries of a report as SQL for DuckDB. Pure. The table is read once, into `report_runs`; all other queries use
 * that. A result has at most one row per task and day, streak, or one of the last executions of a task.
 */
import type { PartitionFilter } from '../query/duckdb.ts';
import { stoppedAfterSql } from '../query/named-queries.ts';
import { quoted, viewSql } from '../query/view.ts';
import { resultTableName, tableName, viewName } from '../warehouse/layout.ts';
import { hasVanishedSql } from '../warehouse/vanished.ts';

/** The target whose executions are read. */
export interface Source {
  readonly workspace: string;
  readonly projectId: string;
}

/** The range of a report. */
export interface ReportScope {
  /** First and last day read for the page, `YYYY-MM-DD`. */
  readonly fromDay: string;
  readonly toDay: string;
  /** First day read to find out since when a task fails. */
  readonly readFromDay: string;
  /** Start of the days that count as recent when durations are compared. */
  readonly recentDay: string;
  readonly timeZone: string;
  readonly sources: readonly Source[];
}

/** Streaks read at most, the newest: as many as 500 tasks make that change at every execution, 100 times. */
const maxStreaks = 50_000;

const isSettled = `status IN ('SUCCESS', 'ALARMING', 'FAILED')`;
const isBad = `status IN ('ALARMING', 'FAILED')`;
const isSilent = `status = 'ALARMING' AND notified <> 'SUCCESS'`;

const outcomeCounts = `count_if(status = 'SUCCESS') AS passed, count_if(status = 'ALARMING') AS alarms,
  count_if(status = 'FAILED') AS failed`;

/** The tasks of `report_runs`, numbered, which are kept as the table `report_tasks`. */
export const numberedTasksSql = `SELECT row_number() OVER (ORDER BY workspace, project_id, task_key) AS task, *
FROM (
  SELECT workspace, project_id, task_key,
    max(task_id) AS task_id,
    arg_max(name, ROW(start_ms, id)) AS name,
    arg_max(task_type, ROW(start_ms, id)) AS task_type
  FROM report_runs GROUP BY workspace, project_id, task_key
)`;

/** Returns the partitions of executions of some days, both ends included. */
export function runsPartitions(sources: readonly Source[], fromDay: string, toDay: string): PartitionFilter {
  return partitionsOf(sources, tableName, (dt) => dt >= fromDay && dt <= toDay);
}

function partitionsOf(sources: readonly Source[], ofTable: string, isIn: (dt: string) => boolean): PartitionFilter {
  const workspaces = new Set(sources.map(({ workspace }) => workspace));
  return ({ table, workspace, dt }) => table === ofTable && workspaces.has(workspace) && isIn(dt);
}

/**
 * The executions of some days, both ends included, which are kept as the table `report_runs`.
 *
 * @param relation where they are
 */
export function runsSql(sources: readonly Source[], fromDay: string, toDay: string, relation = viewName): string {
  const places = sources.map(
    ({ workspace, projectId }) => `(workspace = ${quoted(workspace)} AND project_id = ${quoted(projectId)})`,
  );
  return `SELECT workspace, project_id,
  ${taskKeySql} AS task_key,
  task_id, name, task_type, dt, id,
  epoch_ms(start_time) AS start_ms,
  epoch_ms(end_time) AS end_ms,
  CASE WHEN run_status IN ('SUCCESS', 'ALARMING', 'FAILED') THEN run_status
    WHEN run_status IN ('RUNNING', 'SUSPENDING') AND NOT ${hasVanishedSql} THEN run_status
    ELSE 'UNKNOWN' END AS status,
  coalesce(notify_status, '') AS notified
FROM ${relation}
WHERE dt >= ${quoted(fromDay)} AND dt <= ${quoted(toDay)} AND (${places.join(' OR ')})`;
}

/** Identifies a task: by its id, or by its name if it has none. */
const taskKeySql = `coalesce(CAST(task_id AS varchar), concat('name:', name))`;

/** One row for each task. @param asOfMs end of the last 24 hours */
export function tasksSql({ recentDay }: ReportScope, asOfMs: number): string {
  const recent = `start_ms > ${Math.trunc(asOfMs) - 86_400_000}`;
  const early = `dt < ${quoted(recentDay)}`;
  return `SELECT task, workspace, project_id, CAST(task_id AS varchar), name, task_type, last_ms,
  passed, alarms, failed, open, silent, runs24, bad24, silent24, p50, p95,
  CASE WHEN is_compared THEN recent_p50 / early_p50 END,
  CASE WHEN is_compared THEN recent_p50 - early_p50 END,
  ${stoppedAfterSql('runs', 'longest_pause', '(last_ms - first_ms)')}
FROM (
  SELECT *, recent_runs >= 5 AND early_runs >= 5 AND early_p50 > 0 AS is_compared
  FROM (
    SELECT task, r.workspace, r.project_id, any_value(t.task_id) AS task_id, any_value(t.name) AS name,
      any_value(t.task_type) AS task_type,
      count(*) AS runs, CAST(min(start_ms) AS double) AS first_ms, CAST(max(start_ms) AS double) AS last_ms, CAST(max(pause) AS double) AS longest_pause,
      ${outcomeCounts},
      count_if(NOT ${isSettled}) AS open, count_if(${isSilent}) AS silent,
      count_if(${isSettled} AND ${recent}) AS runs24, count_if(${isBad} AND ${recent}) AS bad24,
      count_if(${isSilent} AND ${recent}) AS silent24,
      CAST(quantile_disc(millis, 0.5) AS double) AS p50, CAST(quantile_disc(millis, 0.95) AS double) AS p95,
      count(millis) FILTER (NOT (${early})) AS recent_runs, count(millis) FILTER (${early}) AS early_runs,
      CAST(quantile_disc(millis, 0.5) FILTER (NOT (${early})) AS double) AS recent_p50,
      CAST(quantile_disc(millis, 0.5) FILTER (${early}) AS double) AS early_p50
    FROM (
      SELECT *, CASE WHEN ${isSettled} THEN end_ms - start_ms END AS millis,
        start_ms - lag(start_ms) OVER (PARTITION BY workspace, project_id, task_key ORDER BY start_ms, id) AS pause
      FROM report_runs
    ) AS r JOIN report_tasks AS t USING (workspace, project_id, task_key)
    GROUP BY task, r.workspace, r.project_id
  )
)
ORDER BY task`;
}

/** Settled executions of each task and day. */
export const taskDaysSql = `SELECT task, dt,
  ${outcomeCounts}
FROM report_runs JOIN report_tasks USING (workspace, project_id, task_key)
WHERE ${isSettled}
GROUP BY task, dt`;

/** Executions of each workspace, day and hour in the report's zone. */
export function hoursSql({ timeZone }: ReportScope): string {
  return `SELECT workspace, project_id, dt,
  extract('hour' FROM (to_timestamp(start_ms / 1e3) AT TIME ZONE ${quoted(timeZone)})) AS hour,
  count(*), count_if(${isBad})
FROM report_runs
GROUP BY ALL
ORDER BY ALL`;
}

/** Executions kept for each task: what its strip shows. */
export const runsPerTask = 30;

/** The last executions of each task, oldest first. */
export const lastRunsSql = `SELECT task, CAST(id AS varchar), CAST(start_ms AS double), CAST(end_ms - start_ms AS double),
  status, notified
FROM report_runs JOIN report_tasks USING (workspace, project_id, task_key)
QUALIFY row_number() OVER (PARTITION BY task ORDER BY start_ms DESC, id DESC) <= ${runsPerTask}
ORDER BY task, start_ms, id`;

/** Executions of a task whose findings are kept, the last ones that did not pass, and findings of each. */
const findingRuns = 3;
const findingsPerRun = 4;
export const maxFindings = findingRuns * findingsPerRun;

/** Rule results of executions of the days shown. */
export function resultPartitions({ sources, fromDay, toDay }: ReportScope): PartitionFilter {
  return partitionsOf(sources, resultTableName, (dt) => dt >= fromDay && dt <= toDay);
}

/** What rules found in the last executions that did not pass. No rows where rule results are not fetched. */
export function findingsSql({ sources, fromDay, toDay }: ReportScope): string {
  const workspaces = sources.map(({ workspace }) => quoted(workspace));
  return `SELECT task, CAST(r.instance_id AS varchar), CAST(bad.start_ms AS double), CAST(r.rule_id AS varchar), r.object_name, r.metrics
FROM (
  SELECT task, t.workspace, t.project_id, dt, id, start_ms
  FROM report_runs JOIN report_tasks AS t USING (workspace, project_id, task_key)
  WHERE ${isBad}
  QUALIFY row_number() OVER (PARTITION BY task ORDER BY start_ms DESC, id DESC) <= ${findingRuns}
) AS bad
JOIN (
  SELECT * FROM quality_results
  WHERE dt >= ${quoted(fromDay)} AND dt <= ${quoted(toDay)} AND workspace IN (${workspaces.join(', ')})
) AS r
  ON r.workspace = bad.workspace AND r.dt = bad.dt AND r.project_id = bad.project_id
  AND r.instance_id = bad.id AND epoch_ms(r.start_time) = bad.start_ms AND coalesce(r.alarmed, true)
QUALIFY row_number() OVER (PARTITION BY task, bad.id, bad.start_ms ORDER BY r.alarmed DESC NULLS LAST, r.rule_id, r.object_name) <= ${findingsPerRun}
ORDER BY task, bad.start_ms DESC, r.alarmed DESC NULLS LAST, r.rule_id, r.object_name`;
}

/**
 * The streaks in `report_runs`, which are kept as the table `report_streaks`. Finds the first execution of each; the
 * next one of these ends it. So all executions are sorted only once.
 */
export const streaksSql = `SELECT task, status, start_ms AS first_ms,
  coalesce(lead(before_ms) OVER streaks, newest_ms) AS last_ms,
  runs_left - coalesce(lead(runs_left) OVER streaks, 0) AS runs, id AS first_id, runs_before
FROM (
  SELECT task, status, start_ms, id, lag(start_ms) OVER of_task AS before_ms,
    row_number() OVER of_task - 1 AS runs_before,
    count(*) OVER (of_task ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS runs_left,
    last_value(start_ms) OVER (of_task ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS newest_ms
  FROM report_runs JOIN report_tasks USING (workspace, project_id, task_key)
  WHERE ${isSettled}
  WINDOW of_task AS (PARTITION BY task ORDER BY start_ms, id)
  QUALIFY lag(status) OVER of_task IS DISTINCT FROM status
)
WINDOW streaks AS (PARTITION BY task ORDER BY runs_before)`;

/** Tasks that were failing when the days shown begin: earlier days are read only for these. */
const failingAtFirst = `SELECT task FROM report_streaks WHERE runs_before = 0 AND status <> 'SUCCESS'`;
export const failingAtFirstSql = `SELECT count(*) FROM (${failingAtFirst})`;

/** The days before those shown. */
export function earlierPartitions({ sources, readFromDay, fromDay }: ReportScope): PartitionFilter {
  return partitionsOf(sources, tableName, (dt) => dt >= readFromDay && dt < fromDay);
}

/**
 * The last execution before the days shown that passed, and the bad ones after it, as two streaks of each task that was
 * failing when these days begin. They are kept as the table `report_earlier`.
 */
export function earlierStreaksSql({ sources, readFromDay, fromDay }: ReportScope): string {
  // Filtered before the view is computed, which otherwise takes most of the time.
  const observations = `(SELECT * FROM ${tableName}
    WHERE (workspace, project_id, ${taskKeySql}) IN (
      SELECT (workspace, project_id, task_key) FROM report_tasks WHERE task IN (${failingAtFirst})))`;
  return `SELECT task, any_value(status) AS status, min(start_ms) AS first_ms, max(start_ms) AS last_ms,
    count(*) AS runs, first(id ORDER BY start_ms, id) AS first_id
  FROM (
    SELECT task, status, start_ms, id, count_if(status = 'SUCCESS') OVER (
      PARTITION BY task ORDER BY start_ms, id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    ) AS passes
    FROM (${runsSql(sources, readFromDay, fromDay, `(${viewSql(observations)})`)})
    JOIN report_tasks USING (workspace, project_id, task_key)
    WHERE dt < ${quoted(fromDay)} AND ${isSettled}
  )
  WHERE passes = 0 OR (passes = 1 AND status = 'SUCCESS')
  GROUP BY task, passes`;
}

/**
 * Returns the newest streaks of each task, in order of time.
 *
 * @param tables of streaks
 */
export function newestStreaksSql(tables: readonly string[]): string {
  return `SELECT ${streakColumns} FROM (
  ${tables.map((table) => `SELECT task, status, first_ms, last_ms, runs, first_id FROM ${table}`).join(' UNION ALL ')}
  ORDER BY last_ms DESC
  LIMIT ${maxStreaks}
)
ORDER BY task, first_ms, first_id`;
}

/** Streaks that began since a time, and of each task the one before these. */
export function changeStreaksSql(sinceMs: number): string {
  const since = String(Math.trunc(sinceMs));
  return `SELECT ${streakColumns} FROM (${streaksSql})
QUALIFY first_ms >= ${since} OR lead(first_ms) OVER (PARTITION BY task ORDER BY runs_before) >= ${since}
ORDER BY task, runs_before`;
}

/** What `streaksByTask` reads. */
const streakColumns =
  'task, status, CAST(first_ms AS double), CAST(last_ms AS double), runs, CAST(first_id AS varchar)';
