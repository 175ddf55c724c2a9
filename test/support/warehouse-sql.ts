/** Queries a warehouse by SQL. */
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../functions/clock.ts';
import { openWarehouseSql, type WarehouseSql } from '../../functions/query/duckdb.ts';
import type { Store } from '../../functions/warehouse/store.ts';

/** Opens a warehouse for SQL until the test is finished. A folder warehouse does not use the cache. */
export async function opened(
  store: Store,
  cacheFolder = '/nowhere',
  clock: Clock = systemClock,
): Promise<WarehouseSql> {
  const sql = await openWarehouseSql(store, cacheFolder, clock);
  onTestFinished(() => sql.close());
  return sql;
}

/** Returns the rows of a query as objects. */
export async function ask(sql: Pick<WarehouseSql, 'run'>, text: string): Promise<Record<string, unknown>[]> {
  const { columns, rows } = await sql.run(text);
  return rows.map((row) => Object.fromEntries(row.map((value, index) => [columns[index]?.name, value])));
}
