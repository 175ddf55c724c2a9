/** Asks a warehouse by SQL, for as long as a test lasts. */
import { onTestFinished } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import { openWarehouseSql, type WarehouseSql } from '../../functions/query/duckdb.ts';
import type { Store } from '../../functions/warehouse/store.ts';

/** Opens a warehouse for SQL; closed when the test is finished. A folder needs no cache. */
export async function opened(store: Store, cacheFolder = '/nowhere', clock?: Clock): Promise<WarehouseSql> {
  const sql = await openWarehouseSql(store, cacheFolder, clock);
  onTestFinished(() => sql.close());
  return sql;
}

/** The rows of a query as objects. */
export async function ask(sql: WarehouseSql, text: string): Promise<Record<string, unknown>[]> {
  const { columns, rows } = await sql.run(text);
  return rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]?.name, value])));
}
