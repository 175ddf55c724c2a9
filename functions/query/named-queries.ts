/** Common questions about the table, as SQL that both DuckDB and Athena (Trino) accept. Pure. */

import { hasVanishedSql } from '../warehouse/vanished.ts';
import { type NamedQuery, taskQueries } from './task-queries.ts';

/** The view and period that the questions are about. */
interface NamedQueryOptions {
  /** The view `quality_instances`, quoted if necessary. */
  readonly view: string;
  /** Number of days to look back, which limits the partitions that Athena reads; null for all. */
  readonly lastDays: number | null;
  /** Quotes the name of another view. Default: unchanged. */
  readonly further?: (view: string) => string;
}

/**
 * Returns the questions, most common first.
 *
 * Start times are often whole seconds and therefore often equal. So every ordering ends in a column that is unique
 * (`id`, or the key of the groups). Otherwise two loads of the same data could give different answers.
 */
export function namedQueries({ view, lastDays, further = (name) => name }: NamedQueryOptions): readonly NamedQuery[] {
  const since = sinceDay(lastDays);
  const period = lastDays === null ? 'over all days' : `over the last ${lastDays} days`;
  return [
    {
      title: 'Pass rate by day',
      description: `Share of executions that succeeded, per day and workspace, ${period}. Running ones are not counted.`,
      sql: passRateByDay(view, since),
    },
    {
      title: 'Rules failing most',
      description: `Tasks by number of failures and alarms, ${period}.`,
      sql: rulesFailingMost(view, since),
    },
    {
      title: 'Alarms nobody was notified of',
      description: `Executions that raised an alarm without a successful notification, newest first, ${period}.`,
      sql: silentAlarms(view, since),
    },
    {
      title: 'Slowest rules',
      description: `Duration of tasks in seconds, median (p50) and 95th percentile (p95), ${period}.`,
      sql: slowestRules(view, since),
    },
    {
      title: 'Rules that stopped running',
      description: `Tasks without a run for more than twice their longest pause (and for at least three days if all their runs are within a week), compared with the newest execution of their workspace, ${period}. Empty if the whole workspace has stopped: the report compares with the watermark instead. If tasks are synced, deleted tasks are left out.`,
      sql: stoppedRules(view, further('quality_tasks'), since),
    },
    {
      title: 'Status changes between two days',
      description: `Tasks whose last outcome yesterday differs from that of the day before (UTC; change the days as needed). Only tasks that ran on both days, ${period}.`,
      sql: statusChanges(view, since),
    },
    {
      title: 'Freshness of the table',
      description: `Per workspace and project: the newest execution, the last observation, and the number of open executions, expired ones included, ${period}.`,
      sql: freshness(view, since),
    },
    ...taskQueries({ view, further, since, sinceWeek: sinceDay(7), period }),
  ];
}

/**
 * Returns a condition on `dt`. It compares text with text, because a cast of `dt` would keep Athena from pruning
 * partitions.
 */
function sinceDay(lastDays: number | null): string {
  return lastDays === null ? 'TRUE' : `dt >= ${daysAgo(lastDays)}`;
}

/** Returns a day in the format of `dt`. */
function daysAgo(days: number): string {
  return `CAST(CAST(current_date - INTERVAL '${Math.trunc(days)}' DAY AS date) AS varchar)`;
}

const dayMs = 86_400_000;

/** The name of a task that was renamed is that of its newest execution. Trino, unlike DuckDB, would return null ones. */
const newestName = 'max_by(name, ROW(start_time, id)) FILTER (WHERE name IS NOT NULL)';

/** Identifies a task: by its id, or by its name if it has none. */
const taskKey = 'workspace, task_id, CASE WHEN task_id IS NULL THEN name END';

function passRateByDay(view: string, since: string): string {
  return `SELECT dt, workspace,
  count(*) AS finished,
  count_if(run_status = 'SUCCESS') AS passed,
  count_if(run_status = 'ALARMING') AS alarms,
  count_if(run_status = 'FAILED') AS failed,
  round(1e2 * count_if(run_status = 'SUCCESS') / count(*), 3) AS pass_percent
FROM ${view}
WHERE ${since} AND run_status IN ('SUCCESS', 'ALARMING', 'FAILED')
GROUP BY dt, workspace
ORDER BY dt DESC, workspace`;
}

function rulesFailingMost(view: string, since: string): string {
  return `SELECT workspace, task_id, ${newestName} AS name,
  count_if(run_status IN ('ALARMING', 'FAILED')) AS bad,
  count(*) AS finished,
  round(1e2 * count_if(run_status IN ('ALARMING', 'FAILED')) / count(*), 3) AS bad_percent,
  max(CASE WHEN run_status IN ('ALARMING', 'FAILED') THEN start_time END) AS last_bad
FROM ${view}
WHERE ${since} AND run_status IN ('SUCCESS', 'ALARMING', 'FAILED')
GROUP BY ${taskKey}
HAVING count_if(run_status IN ('ALARMING', 'FAILED')) > 0
ORDER BY bad DESC, bad_percent DESC, workspace, task_id, name
LIMIT 20`;
}

function silentAlarms(view: string, since: string): string {
  return `SELECT start_time, workspace, name, id, task_id, notify_status
FROM ${view}
WHERE ${since} AND run_status = 'ALARMING' AND (notify_status IS NULL OR notify_status <> 'SUCCESS')
ORDER BY start_time DESC, id, workspace, project_id
LIMIT 100`;
}

/**
 * Whether an execution is open, as `isOpen` of the model says, and still at the source. `extra` holds an end time that
 * could not be read.
 */
const isOpen = `(run_status IS NULL OR run_status NOT IN ('SUCCESS', 'ALARMING', 'FAILED')
      OR end_time IS NULL AND coalesce(extra, '') NOT LIKE '%"end_time":%')
    AND NOT ${hasVanishedSql}`;

function freshness(view: string, since: string): string {
  return `SELECT workspace, project_id,
  count(*) AS executions,
  count_if(${isOpen}) AS still_open,
  max(start_time) AS newest_execution,
  max(observed_at) AS last_observed,
  date_diff('minute', max(observed_at), CAST(current_timestamp AT TIME ZONE 'UTC' AS timestamp)) AS minutes_since
FROM ${view}
WHERE ${since}
GROUP BY workspace, project_id
ORDER BY workspace, project_id`;
}

/**
 * Computes percentiles by position, which is exact and the same in both dialects. Their own functions differ in name
 * and method.
 */
function slowestRules(view: string, since: string): string {
  return `SELECT workspace, task_id, ${newestName} AS name,
  max(runs) AS runs,
  max(CASE WHEN place = CAST(ceil(0.5 * runs) AS bigint) THEN millis END) / 1e3 AS p50_seconds,
  max(CASE WHEN place = CAST(ceil(0.95 * runs) AS bigint) THEN millis END) / 1e3 AS p95_seconds
FROM (
  SELECT workspace, task_id, name, start_time, id, millis,
    row_number() OVER (PARTITION BY ${taskKey} ORDER BY millis, start_time, id) AS place,
    count(*) OVER (PARTITION BY ${taskKey}) AS runs
  FROM (
    SELECT workspace, task_id, name, start_time, id,
      date_diff('millisecond', start_time, end_time) AS millis
    FROM ${view}
    WHERE ${since} AND run_status IN ('SUCCESS', 'ALARMING', 'FAILED') AND end_time IS NOT NULL
  ) AS lasting
) AS placed
GROUP BY ${taskKey}
ORDER BY p95_seconds DESC, workspace, task_id, name
LIMIT 20`;
}

/**
 * Returns SQL for the time without a run, in milliseconds, after which a task counts as stopped: twice its longest pause.
 * If its runs span less than a week, which may not include a weekend, at least three days. Null, which is never exceeded,
 * with fewer than three runs. The arguments are SQL too, `longestPause` and `knownFor` in milliseconds.
 */
export function stoppedAfterSql(runs: string, longestPause: string, knownFor: string): string {
  return `CASE WHEN ${runs} >= 3 THEN greatest(2 * ${longestPause}, CASE WHEN ${knownFor} < ${7 * dayMs} THEN ${3 * dayMs} ELSE 0 END) END`;
}

/**
 * Compares with the newest execution of the workspace, not with now. So a table that is behind does not show all rules
 * as stopped. Leaves out deleted tasks, as the report does.
 */
function stoppedRules(view: string, tasks: string, since: string): string {
  return `SELECT workspace, task_id, name, runs, last_run,
  round(longest_pause / 3.6e6, 1) AS longest_pause_hours,
  round(date_diff('millisecond', last_run, newest) / 3.6e6, 1) AS still_for_hours
FROM (
  SELECT workspace, task_id, ${newestName} AS name,
    count(*) AS runs,
    max(start_time) AS last_run,
    date_diff('millisecond', min(start_time), max(start_time)) AS known_for,
    max(date_diff('millisecond', previous, start_time)) AS longest_pause,
    max(max(start_time)) OVER (PARTITION BY workspace) AS newest
  FROM (
    SELECT workspace, task_id, name, start_time, id,
      lag(start_time) OVER (PARTITION BY ${taskKey} ORDER BY start_time, id) AS previous
    FROM ${view}
    WHERE ${since}
  ) AS runs_in_order
  GROUP BY ${taskKey}
) AS rules
WHERE date_diff('millisecond', last_run, newest) > ${stoppedAfterSql('runs', 'longest_pause', 'known_for')}
  AND NOT EXISTS (
    SELECT 1 FROM ${tasks} AS t
    WHERE t.workspace = rules.workspace AND t.task_id = rules.task_id AND t.deleted_at IS NOT NULL
  )
ORDER BY still_for_hours DESC, workspace, task_id, name
LIMIT 100`;
}

function statusChanges(view: string, since: string): string {
  const [before, after] = [daysAgo(2), daysAgo(1)];
  const lastOf = (day: string) => `max_by(run_status, ROW(start_time, id)) FILTER (WHERE dt = ${day})`;
  return `SELECT workspace, task_id, name, status_before, status_after
FROM (
  SELECT workspace, task_id, ${newestName} AS name,
    ${lastOf(before)} AS status_before,
    ${lastOf(after)} AS status_after
  FROM ${view}
  WHERE ${since} AND dt IN (${before}, ${after}) AND run_status IN ('SUCCESS', 'ALARMING', 'FAILED')
  GROUP BY ${taskKey}
) AS both_days
WHERE status_before <> status_after
ORDER BY workspace, status_after, task_id, name`;
}
