/**
 * Questions people ask of the table, as SQL that DuckDB and Athena (Trino) both understand. Pure.
 */

/** One question. */
export interface NamedQuery {
  /** Short and unique: its name in Athena. */
  readonly title: string;
  readonly description: string;
  readonly sql: string;
}

/** What the questions are asked of. */
export interface NamedQueryOptions {
  /** The view `quality_instances`, quoted where it must be. */
  readonly view: string;
  /** Look back this many days, so that Athena reads no more partitions than that; null: all there is. */
  readonly lastDays: number | null;
}

/** The questions, most asked first. */
export function namedQueries({ view, lastDays }: NamedQueryOptions): readonly NamedQuery[] {
  const since = sinceDay(lastDays);
  const period = lastDays === null ? 'over all days' : `over the last ${lastDays} days`;
  return [
    {
      title: 'Pass rate by day',
      description: `How many executions ended well, per day and workspace, ${period}. Those still running do not count.`,
      sql: passRateByDay(view, since),
    },
    {
      title: 'Rules failing most',
      description: `Tasks by how often they failed or raised an alarm, ${period}.`,
      sql: rulesFailingMost(view, since),
    },
    {
      title: 'Alarms nobody was notified of',
      description: `Executions that raised an alarm without a notification that got through, newest first, ${period}.`,
      sql: silentAlarms(view, since),
    },
    {
      title: 'Freshness of the table',
      description: `Per workspace and project: the newest execution, when dqsync last saw anything new, and what is still running, ${period}.`,
      sql: freshness(view, since),
    },
  ];
}

/** A condition on `dt`: text against text, because a cast of `dt` would keep Athena from pruning partitions. */
function sinceDay(lastDays: number | null): string {
  return lastDays === null
    ? 'TRUE'
    : `dt >= CAST(CAST(current_date - INTERVAL '${Math.trunc(lastDays)}' DAY AS date) AS varchar)`;
}

function passRateByDay(view: string, since: string): string {
  return `SELECT dt, workspace,
  count(*) AS finished,
  count_if(run_status = 'SUCCESS') AS passed,
  count_if(run_status = 'ALARMING') AS alarms,
  count_if(run_status = 'FAILED') AS failed,
  round(1e2 * count_if(run_status = 'SUCCESS') / count(*), 1) AS pass_percent
FROM ${view}
WHERE ${since} AND run_status IN ('SUCCESS', 'ALARMING', 'FAILED')
GROUP BY dt, workspace
ORDER BY dt DESC, workspace`;
}

function rulesFailingMost(view: string, since: string): string {
  return `SELECT workspace, task_id, max(name) AS name,
  count_if(run_status IN ('ALARMING', 'FAILED')) AS bad,
  count(*) AS finished,
  round(1e2 * count_if(run_status IN ('ALARMING', 'FAILED')) / count(*), 1) AS bad_percent,
  max(CASE WHEN run_status IN ('ALARMING', 'FAILED') THEN start_time END) AS last_bad
FROM ${view}
WHERE ${since} AND run_status IN ('SUCCESS', 'ALARMING', 'FAILED')
GROUP BY workspace, task_id
HAVING count_if(run_status IN ('ALARMING', 'FAILED')) > 0
ORDER BY bad DESC, bad_percent DESC, workspace, task_id
LIMIT 20`;
}

function silentAlarms(view: string, since: string): string {
  return `SELECT start_time, workspace, name, id, task_id, notify_status
FROM ${view}
WHERE ${since} AND run_status = 'ALARMING' AND (notify_status IS NULL OR notify_status <> 'SUCCESS')
ORDER BY start_time DESC, id
LIMIT 100`;
}

function freshness(view: string, since: string): string {
  return `SELECT workspace, project_id,
  count(*) AS executions,
  count_if(run_status IS NULL OR run_status NOT IN ('SUCCESS', 'ALARMING', 'FAILED') OR end_time IS NULL) AS still_open,
  max(start_time) AS newest_execution,
  max(observed_at) AS last_observed,
  date_diff('minute', max(observed_at), CAST(current_timestamp AT TIME ZONE 'UTC' AS timestamp)) AS minutes_since
FROM ${view}
WHERE ${since}
GROUP BY workspace, project_id
ORDER BY workspace, project_id`;
}
