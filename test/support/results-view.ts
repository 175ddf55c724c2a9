/** Reads the rule results of each execution as readers must, by SQL that is independent of the product's. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { duckdb } from './referee.ts';

/**
 * Returns the rows of `<folder>/warehouse`, with ids and times (epoch ms) as text: of each execution the latest fetch
 * that found any before its instance started again, or the last row that says why there are none.
 */
export async function resultsView(folder: string): Promise<Record<string, unknown>[]> {
  const table = join(folder, 'warehouse', 'quality_rule_results');
  const files = await readdir(table, { recursive: true }).catch(() => []);
  if (!files.some((file) => file.endsWith('.parquet'))) {
    return [];
  }
  const key = 'PARTITION BY workspace, dt, project_id, instance_id, start_time';
  return await duckdb(`WITH noted AS (
    SELECT *, coalesce(extra LIKE '%"no_results":%', false) AS is_note,
      min(observed_at) FILTER (extra LIKE '%"no_results":"rerun"%') OVER (${key}) AS doubted_from
    FROM read_parquet('${join(table, '**', '*.parquet')}', hive_partitioning = true, hive_types = {'workspace': VARCHAR, 'dt': VARCHAR})
  ), ranked AS (
    SELECT *, rank() OVER (${key} ORDER BY is_note, observed_at DESC, run_id DESC) AS n
    FROM noted WHERE is_note OR observed_at < coalesce(doubted_from, 'infinity')
  )
  SELECT * EXCLUDE (n, is_note, doubted_from) REPLACE (epoch_ms(start_time) AS start_time, epoch_ms(observed_at) AS observed_at)
  FROM ranked WHERE n = 1 ORDER BY instance_id, start_time, rule_id, object_name`);
}
