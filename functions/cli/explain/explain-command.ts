/** `dqsync explain <instance id>`: everything that the warehouse has on one instance: states, task, rules, results. */
import { ConfigError } from '../../errors.ts';
import { openWarehouseSql, type WarehouseSql } from '../../query/duckdb.ts';
import { rowObjects } from '../../query/statements.ts';
import { cacheFolderOf } from '../terminal/cache-folder.ts';
import { openTargets } from '../terminal/open-targets.ts';
import { type OutputOptions, writeResult } from '../terminal/output.ts';
import { describeExplained, type Explained, type Row } from './explain-report.ts';

interface ExplainOptions extends OutputOptions {
  readonly config: string;
}

/**
 * Prints what the warehouse knows of an instance.
 *
 * @returns 0; 1 if it has no such instance
 * @throws ConfigError, StorageError
 */
export async function explain(idText: string, options: ExplainOptions): Promise<number> {
  if (!/^-?\d{1,19}$/.test(idText)) {
    throw new ConfigError(`"${idText}" is not an instance id`, {
      remedy: 'Give an id that "dqsync list" shows, for example: dqsync explain 1012386207306600400',
    });
  }
  const { store } = await openTargets({ config: options.config, target: [] });
  const sql = await openWarehouseSql(store, cacheFolderOf(store.url, process.env));
  try {
    const explained = await explainOne(sql, idText);
    writeResult(options, explained, () => describeExplained(explained));
    return explained.observations.length === 0 ? 1 : 0;
  } finally {
    await sql.close();
  }
}

async function explainOne(sql: WarehouseSql, id: string): Promise<Explained> {
  // Distinct, because files that a compaction has replaced stay in a bucket until it expires them.
  const observations = await rowsOf(
    sql,
    `SELECT DISTINCT id, workspace, project_id, name, task_id, task_type, start_time, observed_at, run_status, notify_status, end_time, extra, run_id
     FROM quality_instance_observations WHERE id = ${id} ORDER BY start_time, observed_at, run_id`,
  );
  const latest = observations.at(-1);
  const taskId = latest?.['task_id'] ?? null;
  const ofTask = `workspace = '${latest?.['workspace']}' AND task_id = ${taskId}`;
  const isKnown = latest !== undefined && taskId !== null;
  const [task = null] = isKnown ? await rowsOf(sql, `SELECT * FROM quality_tasks WHERE ${ofTask}`) : [];
  const rules = isKnown
    ? await rowsOf(sql, `SELECT * FROM quality_rules WHERE ${ofTask} ORDER BY rule_position, rule_id, rule_part`)
    : [];
  const results = await rowsOf(
    sql,
    `SELECT start_time, rule_id, rule_instance_id, alarmed, object_name, metrics, abnormal_table_status, observed_at
     FROM quality_results WHERE instance_id = ${id} ORDER BY start_time, alarmed DESC NULLS LAST, rule_id, object_name`,
  );
  const withoutResults = await rowsOf(
    sql,
    `SELECT start_time, extra FROM (
       SELECT DISTINCT start_time, extra, observed_at FROM quality_rule_results WHERE instance_id = ${id} AND rule_id IS NULL
     ) ORDER BY start_time, observed_at`,
  );
  return { instanceId: id, observations, task, rules, results, withoutResults };
}

async function rowsOf(sql: WarehouseSql, select: string): Promise<Row[]> {
  return rowObjects(await sql.run(select));
}
