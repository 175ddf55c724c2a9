/** What the data files of a warehouse say, read without the product's reader or SQL, and what its SQL shows of them. */
import type { WarehouseSql } from '../../functions/query/duckdb.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { hyparquetRows } from './referee.ts';
import { ask } from './warehouse-sql.ts';

/** Returns the content of all files below a prefix. */
export async function storedFiles(store: Store, prefix: string): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for await (const { key } of store.list(prefix)) {
    files.push((await store.get(key))?.bytes ?? new Uint8Array());
  }
  return files;
}

/** Returns all rows of the data files, each as one text that begins with workspace, day, project, id and start time. */
export async function storedRows(store: Store): Promise<string[]> {
  const rows: string[] = [];
  for await (const { key } of store.list('quality_instance_observations/')) {
    const object = await store.get(key);
    const partition = key.slice(0, key.lastIndexOf('/'));
    // A compaction may remove a file between the listing and the reading.
    for (const row of object === null ? [] : await hyparquetRows(object.bytes)) {
      rows.push(rowText(partition, row));
    }
  }
  return rows;
}

/** Returns the view: the sorted latest observations of all executions. */
export async function storedView(store: Store): Promise<string[]> {
  const latest = new Map<string, { readonly order: string; readonly row: string }>();
  for (const row of await storedRows(store)) {
    const [execution = '', order = ''] = row.split('#');
    if (order >= (latest.get(execution)?.order ?? '')) {
      latest.set(execution, { order, row });
    }
  }
  return [...latest.values()].map(({ row }) => row).sort();
}

/** The view as `dqsync query` shows it, in the form of `storedView`. */
export async function shownView(sql: WarehouseSql): Promise<string[]> {
  const rows = await ask(sql, 'FROM quality_instances');
  return rows
    .map(({ workspace, dt, ...row }) => rowText(`quality_instance_observations/workspace=${workspace}/dt=${dt}`, row))
    .sort();
}

function rowText(partition: string, row: Record<string, unknown>): string {
  const { project_id: projectId, id, start_time: startTime, observed_at: observedAt, run_id: runId } = row;
  const text = [partition, projectId, id, startTime].map(textOf).join('|');
  return `${text}#${textOf(observedAt)} ${runId}#${Object.values(row).map(textOf).join('|')}`;
}

function textOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}
