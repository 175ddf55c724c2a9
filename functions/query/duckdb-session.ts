/** DuckDB as it is used here: in memory, with nothing fetched, and with no file in reach but those of one folder. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { newToken } from '../clock.ts';
import { observationColumns } from '../warehouse/columns.ts';
import { tableName, viewName } from '../warehouse/layout.ts';
import { type ColumnKind, partitionColumns } from '../warehouse/table.ts';
import { viewColumns, viewSql } from './view.ts';

/** A connection, and what closes it. */
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

/** Leaves only files below `folder` in reach, for good. */
export async function allowOnly(connection: DuckDBConnection, folder: string): Promise<void> {
  // Checked against the pattern first, against the path it stands for then.
  await connection.run(`SET allowed_directories = [${quoted(literalGlob(folder))}, ${quoted(folder)}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

/** Defines the table as the rows of `tableSql`, and the view over it; or defines both anew. */
export async function defineTable(connection: DuckDBConnection, tableSql: string): Promise<void> {
  await connection.run(`CREATE OR REPLACE VIEW ${tableName} AS ${tableSql}`);
  await connection.run(`CREATE OR REPLACE VIEW ${viewName} AS ${viewSql(tableName)}`);
}

/** The table without a row: all columns in order, with their types. */
export const noRowsSql: string = `SELECT ${[
  ...observationColumns.map((column) => `CAST(NULL AS ${duckdbTypes[column.kind]}) AS ${column.name}`),
  ...partitionColumns.map((name) => `CAST(NULL AS VARCHAR) AS ${name}`),
].join(', ')} WHERE false`;

/** All rows of the files. The part without rows gives the columns their types, also those that older files do not have. */
export function tableSql(paths: readonly string[]): string {
  if (paths.length === 0) {
    return noRowsSql;
  }
  const rows = `SELECT *, ${partitionsSql()} FROM read_parquet(${pathList(paths)}, filename = true, hive_partitioning = false, union_by_name = true)`;
  return `SELECT ${viewColumns.join(', ')} FROM (${noRowsSql} UNION ALL BY NAME ${rows})`;
}

/**
 * The partition columns, counted from the end of a data file's path (layout.ts). DuckDB's own `hive_partitioning` takes the
 * outermost folder of a name, which may lie above the warehouse. Files are pruned by these too, as long as they are made of
 * `filename` and the option of that name is on; of the virtual column they are not.
 */
function partitionsSql(): string {
  const depth = partitionColumns.length + 1;
  return partitionColumns
    .map((name, index) => `substr(parse_path(filename)[${index - depth}], ${`${name}=`.length + 1}) AS ${name}`)
    .join(', ');
}

/** Paths as DuckDB takes a list of files. */
export function pathList(paths: readonly string[]): string {
  return `[${paths.map((path) => quoted(literalGlob(path))).join(', ')}]`;
}

/** A text as SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path whose `*`, `?` and `[` stand for themselves. */
function literalGlob(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}
