/** A warehouse opened for SQL by a command. DuckDB is loaded when it is needed. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { WarehouseSql } from '../query/duckdb.ts';
import type { Store } from '../warehouse/store.ts';

/**
 * Opens it as it is now. Whoever opens it closes it.
 *
 * @throws StorageError
 */
export async function openSql(store: Store): Promise<WarehouseSql> {
  const { openWarehouseSql } = await import('../query/duckdb.ts');
  return await openWarehouseSql(store, cacheFolderOf(store.url));
}

/** Where copies of the data files of a warehouse in S3 are kept from one query to the next. */
function cacheFolderOf(url: string): string {
  const name = url.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80);
  return join('.dqsync', 'cache', `${name}-${createHash('sha256').update(url).digest('hex').slice(0, 8)}`);
}
