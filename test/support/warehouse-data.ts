/** Writes observations into a warehouse as a run does. */
import type { Observation } from '../../functions/model.ts';
import { instanceTable, observationColumns } from '../../functions/warehouse/columns.ts';
import { dataKey } from '../../functions/warehouse/layout.ts';
import { encodeParquet } from '../../functions/warehouse/parquet.ts';
import { partitionRows } from '../../functions/warehouse/partitions.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';

/** Writes one file per workspace, day and run. The run ids must be new to the warehouse. */
export async function writeObservations(
  store: Store,
  rows: readonly Observation[],
  timeZone = 'UTC',
): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const [runId, ofRun] of Map.groupBy(rows, (row) => row.runId)) {
    for (const [part, { workspace, dt, rows: group }] of partitionRows(instanceTable, ofRun, timeZone).entries()) {
      const key = dataKey({ workspace, dt, runId, part });
      const outcome = await store.putIfAbsent(key, encodeParquet(observationColumns, tableBatch(instanceTable, group)));
      if (outcome.kind !== 'won') {
        throw new Error(`${key}: ${outcome.kind}`);
      }
      keys.push(key);
    }
  }
  return keys;
}
