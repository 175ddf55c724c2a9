/** A restricted DuckDB: in memory, without downloads, and with access to the files of one folder only. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { newToken } from '../clock.ts';
import { observationColumns } from '../warehouse/columns.ts';
import { tableName, viewName } from '../warehouse/layout.ts';
import { type ColumnKind, partitionColumns } from '../warehouse/table.ts';
import { viewColumns, viewSql } from './view.ts';

/** A connection, and a function that closes it. */
export interface DuckdbSession {
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

const duckdbTypes: Readonly<Record<ColumnKind, string>> = {
  int64: 'BIGINT',
  text: 'VARCHAR',
  'timestamp-ms-utc': 'TIMESTAMP',
  boolean: 'BOOLEAN',
};

/** Opens DuckDB. Times are UTC. */
export async function openDuckdb(): Promise<DuckdbSession> {
  const spillFolder = join(tmpdir(), `dqsync-sql-${newToken()}`);
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '2',
    memory_limit: '1GB',
    temp_directory: spillFolder,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  });
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  return {
    connection,
    close: async () => {
      connection.closeSync();
      instance.closeSync();
      await rm(spillFolder, { recursive: true, force: true });
    },
  };
}

/** Restricts access to files below `folder`, irrevocably. */
export async function allowOnly(connection: DuckDBConnection, folder: string): Promise<void> {
  // DuckDB checks the pattern first, then the path that it matches.
  await connection.run(`SET allowed_directories = [${quoted(literalGlob(folder))}, ${quoted(folder)}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

/** Defines or redefines the table as the rows of `tableSql`, and the view over it. */
export async function defineTable(connection: DuckDBConnection, tableSql: string): Promise<void> {
  await connection.run(`CREATE OR REPLACE VIEW ${tableName} AS ${tableSql}`);
  await connection.run(`CREATE OR REPLACE VIEW ${viewName} AS ${viewSql(tableName)}`);
}

/** The table without rows: all columns in order, with their types. */
export const noRowsSql: string = `SELECT ${[
  ...observationColumns.map((column) => `CAST(NULL AS ${duckdbTypes[column.kind]}) AS ${column.name}`),
  ...partitionColumns.map((name) => `CAST(NULL AS VARCHAR) AS ${name}`),
].join(', ')} WHERE false`;

/**
 * Returns SQL for all rows of the files. The part without rows sets the types of the columns, including those that
 * older files lack.
 */
export function tableSql(paths: readonly string[]): string {
  if (paths.length === 0) {
    return noRowsSql;
  }
  const rows = `SELECT *, ${partitionsSql()} FROM read_parquet(${pathList(paths)}, filename = true, hive_partitioning = false, union_by_name = true)`;
  return `SELECT ${viewColumns.join(', ')} FROM (${noRowsSql} UNION ALL BY NAME ${rows})`;
}

/**
 * Returns SQL for the partition columns, counted from the end of a data file's path (layout.ts). DuckDB's own
 * `hive_partitioning` uses the outermost folder of a name, which may be above the warehouse. DuckDB also prunes files
 * by these expressions, but only if they use `filename` with the option of that name, and not the virtual column.
 */
function partitionsSql(): string {
  const depth = partitionColumns.length + 1;
  return partitionColumns
    .map((name, index) => `substr(parse_path(filename)[${index - depth}], ${`${name}=`.length + 1}) AS ${name}`)
    .join(', ');
}

/** Returns paths as DuckDB's list of files. */
export function pathList(paths: readonly string[]): string {
  return `[${paths.map((path) => quoted(literalGlob(path))).join(', ')}]`;
}

/** Quotes a text for SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Escapes `*`, `?` and `[` in a path. */
function literalGlob(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}
