/** Reads the rule results of the latest fetch of each execution, by SQL that is independent of the product's. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { duckdb } from './referee.ts';

/** Returns the rows of `<folder>/warehouse`, with ids and times (epoch ms) as text. */
export async function resultsView(folder: string): Promise<Record<string, unknown>[]> {
  const table = join(folder, 'warehouse', 'quality_rule_results');
  const files = await readdir(table, { recursive: true }).catch(() => []);
  if (!files.some((file) => file.endsWith('.parquet'))) {
    return [];
  }
  return await duckdb(`SELECT * EXCLUDE (n) REPLACE (epoch_ms(start_time) AS start_time, epoch_ms(observed_at) AS observed_at) FROM (
    SELECT *, rank() OVER (PARTITION BY workspace, dt, project_id, instance_id, start_time ORDER BY observed_at DESC, run_id DESC) AS n
    FROM read_parquet('${join(table, '**', '*.parquet')}', hive_partitioning = true, hive_types = {'workspace': VARCHAR, 'dt': VARCHAR})
  ) WHERE n = 1 ORDER BY instance_id, start_time, rule_id, object_name`);
}
