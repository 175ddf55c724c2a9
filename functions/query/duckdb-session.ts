/** A restricted DuckDB: in memory, without downloads, and with access to the files of one folder only. */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { textDecoder } from '@duckdb/node-api/lib/vectors/dataAccessors.js';
import { newToken } from '../clock.ts';
import { instanceTable } from '../warehouse/columns.ts';
import { latestRowsOf, viewName } from '../warehouse/layout.ts';
import { type ColumnKind, columnNames, partitionColumns, type TableFacts } from '../warehouse/table.ts';
import { allTables, allViews, furtherTables } from './further-views.ts';
import type { PathsByTable } from './local-copies.ts';
import { quoted, viewColumns, viewSql } from './view.ts';

/** A connection, and a function that closes it. */
export interface DuckdbSession {
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

// DuckDB's package decodes each text with this object, which drops a byte order mark at the start. A name that begins
// with one would then differ from the same name at the source.
const exactDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
textDecoder.decode = exactDecoder.decode.bind(exactDecoder);

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

/** Restricts access to files below some folders, irrevocably. */
export async function allowOnly(connection: DuckDBConnection, folders: readonly string[]): Promise<void> {
  // DuckDB checks the pattern first, then the path that it matches.
  const allowed = folders.flatMap((folder) => [quoted(literalGlob(folder)), quoted(folder)]);
  await connection.run(`SET allowed_directories = [${allowed.join(', ')}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

/** Defines all tables, without rows, and the views over them. */
export async function defineTables(connection: DuckDBConnection): Promise<void> {
  await redefineTables(connection, emptyTableSql);
  for (const { name, sql } of allViews) {
    await connection.run(`CREATE VIEW ${name} AS ${sql((table) => table)}`);
  }
}

/**
 * The rows of days whose only file is a compacted one that states which rows are the latest (PROTOCOL.md, I20), with
 * the column `is_latest`, and all other observations. In a separate schema, because users do not need them.
 */
const parts = { schema: 'parts', settled: 'parts.settled', others: 'parts.others' } as const;
const isLatest = { name: 'is_latest', kind: 'boolean', nullable: false, description: '' } as const;
const settledFacts: TableFacts = { ...instanceTable, columns: [...instanceTable.columns, isLatest] };

/**
 * Defines `quality_instances` so that only days with several files need a window function. With 11 million rows, that
 * function takes most of a query's time and memory.
 */
export async function splitObservations(connection: DuckDBConnection): Promise<void> {
  await connection.run(`CREATE SCHEMA ${parts.schema}`);
  await defineFiles(connection, new Map());
  const columns = viewColumns.join(', ');
  await connection.run(`CREATE OR REPLACE VIEW ${instanceTable.name} AS
    SELECT ${columns} FROM ${parts.settled} UNION ALL SELECT ${columns} FROM ${parts.others}`);
  await connection.run(`CREATE OR REPLACE VIEW ${viewName} AS
    SELECT ${columns} FROM ${parts.settled} WHERE ${isLatest.name} UNION ALL ${viewSql(parts.others)}`);
}

/** Sets the files that the tables consist of. Call it after `splitObservations`. */
export async function defineFiles(connection: DuckDBConnection, paths: PathsByTable): Promise<void> {
  await redefineTables(connection, (table) => tableSql(paths.get(table.name) ?? [], table), furtherTables);
  const byDay = Map.groupBy(paths.get(instanceTable.name) ?? [], dirname);
  const isSettled = ([path, ...more]: readonly string[]): boolean =>
    path !== undefined && more.length === 0 && (latestRowsOf(path) ?? 0) > 0;
  const [settled, others] = [true, false].map((is) =>
    [...byDay.values()].filter((day) => isSettled(day) === is).flat(),
  );
  await connection.run(`CREATE OR REPLACE VIEW ${parts.settled} AS ${tableSql(settled ?? [], settledFacts)}`);
  await connection.run(`CREATE OR REPLACE VIEW ${parts.others} AS ${tableSql(others ?? [], instanceTable)}`);
}

/**
 * Redefines the tables only: the views name them, and DuckDB would open every file once more to define a view again.
 */
export async function redefineTables(
  connection: DuckDBConnection,
  sqlOf: (table: TableFacts) => string,
  tables: readonly TableFacts[] = allTables,
): Promise<void> {
  for (const table of tables) {
    await connection.run(`CREATE OR REPLACE VIEW ${table.name} AS ${sqlOf(table)}`);
  }
}

/** Returns SQL for a table without rows: all columns in order, with their types. */
export function emptyTableSql({ columns }: TableFacts): string {
  const types = [
    ...columns.map(({ name, kind }) => `CAST(NULL AS ${duckdbTypes[kind]}) AS ${name}`),
    ...partitionColumns.map((name) => `CAST(NULL AS VARCHAR) AS ${name}`),
  ];
  return `SELECT ${types.join(', ')} WHERE false`;
}

/**
 * Returns SQL for all rows of the files. The part without rows sets the types of the columns, including those that
 * older files lack.
 */
function tableSql(paths: readonly string[], table: TableFacts): string {
  const noRows = emptyTableSql(table);
  if (paths.length === 0) {
    return noRows;
  }
  const latestRows = String.raw`regexp_extract(filename, '-(\d+)\.parquet$', 1)`;
  const rows = `SELECT *, ${partitionsSql()}, file_row_number < ${latestRows}::BIGINT AS ${isLatest.name}
    FROM read_parquet(${pathList(paths)}, filename = true, file_row_number = true, hive_partitioning = false, union_by_name = true)`;
  return `SELECT ${columnNames(table).join(', ')} FROM (${noRows} UNION ALL BY NAME ${rows})`;
}

/**
 * Returns SQL for the partition columns, from the end of a data file's path (layout.ts). DuckDB's own
 * `hive_partitioning` uses the outermost folder of a name, which may be above the warehouse. DuckDB also prunes files
 * by these expressions, but only if they use `filename` with the option of that name, and not the virtual column.
 * These functions of one argument are computed once for the rows of a chunk; `parse_path` would be for each row, and
 * would take as long as reading the columns.
 */
function partitionsSql(): string {
  return partitionColumns
    .map((name, index) => {
      const levelsUp = partitionColumns.length - index;
      const folder = `${'parse_dirpath('.repeat(levelsUp)}filename${')'.repeat(levelsUp)}`;
      return `substr(parse_filename(${folder}), ${`${name}=`.length + 1}) AS ${name}`;
    })
    .join(', ');
}

/** Returns paths as DuckDB's list of files. */
export function pathList(paths: readonly string[]): string {
  return `[${paths.map((path) => quoted(literalGlob(path))).join(', ')}]`;
}

/** Escapes `*`, `?` and `[` in a path. */
function literalGlob(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}
