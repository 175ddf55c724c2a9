/**
 * SQL over a warehouse, on this machine, by DuckDB.
 *
 * Reads only: nothing but SELECT and its relatives runs, no file outside the table can be reached, and no extension is
 * fetched. (DuckDB's allowed folder may be written too, so the kind of statement is checked as well.)
 */
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  type DuckDBResultReader,
  StatementType,
} from '@duckdb/node-api';
import { type Clock, newToken, systemClock } from '../clock.ts';
import { ConfigError, StorageError } from '../errors.ts';
import { type ColumnKind, observationColumns, partitionColumns } from '../warehouse/columns.ts';
import { tableName, viewName } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { cacheFolderOf, type LocalDataFiles, localDataFiles } from './local-copies.ts';
import { plainValue, type SqlValue } from './sql-value.ts';
import { viewColumns, viewSql } from './view.ts';

/** What a query gave. */
export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly SqlValue[])[];
}

/** A warehouse one can ask. It shows the files that were there when it was opened. */
export interface WarehouseSql {
  /**
   * Runs one statement (or several; the last one's rows are given).
   *
   * @throws ConfigError with DuckDB's message if the SQL is wrong or would write
   * @throws StorageError if a data file cannot be read
   */
  run(sql: string): Promise<SqlResult>;
  close(): Promise<void>;
}

const duckdbTypes: Readonly<Record<ColumnKind, string>> = {
  int64: 'BIGINT',
  text: 'VARCHAR',
  'timestamp-ms-utc': 'TIMESTAMP',
};

/**
 * Opens a warehouse for SQL, with the table `quality_instance_observations` and the view `quality_instances`. Both are
 * there, with all their columns, in an empty warehouse too. Times are UTC.
 *
 * @param cacheFolder where the data files of a warehouse in S3 are kept, one folder for one warehouse
 * @throws StorageError if the warehouse cannot be read
 */
export async function openWarehouseSql(
  store: Store,
  cacheFolder: string = cacheFolderOf(store.url),
  clock: Clock = systemClock,
): Promise<WarehouseSql> {
  const files = await localDataFiles(store, cacheFolder, clock);
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
  const close = async (): Promise<void> => {
    connection.closeSync();
    instance.closeSync();
    await rm(spillFolder, { recursive: true, force: true });
  };
  try {
    await prepareViews(connection, files);
  } catch (thrown) {
    await close();
    throw translated(thrown, files);
  }
  return { run: (sql) => run(connection, files, sql), close };
}

async function prepareViews(connection: DuckDBConnection, files: LocalDataFiles): Promise<void> {
  await connection.run(`SET TimeZone = 'UTC'`);
  await connection.run(`CREATE VIEW ${tableName} AS ${tableSql(files.paths)}`);
  await connection.run(`CREATE VIEW ${viewName} AS ${viewSql(tableName)}`);
  // Checked against the pattern first, against the path it stands for then.
  await connection.run(`SET allowed_directories = [${quoted(literalGlob(files.folder))}, ${quoted(files.folder)}]`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
}

/** All rows of the files. The part without rows gives the columns their types, also those that older files do not have. */
function tableSql(paths: readonly string[]): string {
  const types = [
    ...observationColumns.map((column) => `CAST(NULL AS ${duckdbTypes[column.kind]}) AS ${column.name}`),
    ...partitionColumns.map((name) => `CAST(NULL AS VARCHAR) AS ${name}`),
  ];
  const noRows = `SELECT ${types.join(', ')} WHERE false`;
  if (paths.length === 0) {
    return noRows;
  }
  const list = paths.map((path) => quoted(literalGlob(path))).join(', ');
  const rows = `SELECT *, ${partitionsSql()} FROM read_parquet([${list}], filename = true, hive_partitioning = false, union_by_name = true)`;
  return `SELECT ${viewColumns.join(', ')} FROM (${noRows} UNION ALL BY NAME ${rows})`;
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

async function run(connection: DuckDBConnection, files: LocalDataFiles, sql: string): Promise<SqlResult> {
  try {
    const statements = await connection.extractStatements(sql);
    let result: SqlResult = { columns: [], rows: [] };
    for (let index = 0; index < statements.count; index += 1) {
      const statement = await statements.prepare(index);
      refuseWriting(statement, sql);
      result = plainResult(await statement.runAndReadAll());
    }
    return result;
  } catch (thrown) {
    throw translated(thrown, files);
  }
}

/** CREATE makes things in memory only, and a PIVOT makes one by itself. */
const harmlessStatements: ReadonlySet<StatementType> = new Set([
  StatementType.SELECT,
  StatementType.EXPLAIN,
  StatementType.CREATE,
]);

function refuseWriting(statement: DuckDBPreparedStatement, sql: string): void {
  const { statementType } = statement;
  // EXPLAIN ANALYZE runs what it explains.
  const runsCopy = statementType === StatementType.EXPLAIN && /\b(copy|export)\b/i.test(sql);
  if (!harmlessStatements.has(statementType) || runsCopy) {
    throw new ConfigError(`the query is a ${StatementType[statementType]} statement, and queries only read`, {
      remedy: 'Ask with SELECT; write results to a file with the output options of "dqsync query".',
    });
  }
}

function plainResult(reader: DuckDBResultReader): SqlResult {
  const types = reader.columnTypes();
  return {
    columns: reader.columnNames().map((name, index) => ({ name, type: String(types[index]) })),
    rows: reader.getRows().map((row) => row.map(plainValue)),
  };
}

/** `Invalid Error` is what a Parquet file gives that is not one inside; wrong SQL gives `Invalid Input Error`. */
const storageKinds: ReadonlySet<string> = new Set(['IO', 'Invalid']);

/** Errors of the SQL, whose messages quote it: that a data file is named in them means nothing. */
const sqlKinds: ReadonlySet<string> = new Set(['Binder', 'Catalog', 'Parser', 'Permission', 'Syntax']);

/** DuckDB's errors start with their kind: `Binder Error: …`, `IO Error: …`. */
function translated(thrown: unknown, files: LocalDataFiles): unknown {
  if (!(thrown instanceof Error) || thrown instanceof ConfigError) {
    return thrown;
  }
  // Its client puts words of its own before what DuckDB says of SQL that cannot be parsed.
  const message = thrown.message.replace(/^Failed to extract statements: /, '');
  const kind = /^([A-Z][A-Za-z ]*?) Error: /.exec(message)?.[1] ?? '';
  if (storageKinds.has(kind) || (!sqlKinds.has(kind) && message.includes(files.folder))) {
    return new StorageError(`DuckDB cannot read the data files: ${message}`, {
      remedy: files.areCopies
        ? `A copy of a data file is damaged or was changed: delete the folder ${files.folder}, and run again. If it happens again, the file is so in the warehouse: find out who touches that, and restore the file.`
        : 'A data file is damaged or was changed; find out who touches the warehouse, and restore the file.',
      cause: thrown,
    });
  }
  return new ConfigError(message, {
    remedy:
      kind === 'Out of Memory'
        ? 'Ask for fewer rows or days: add a WHERE on dt.'
        : `Fix the SQL. The dialect is DuckDB's; ${viewName} has the columns ${viewColumns.join(', ')}.`,
    cause: thrown,
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A path whose `*`, `?` and `[` stand for themselves. */
function literalGlob(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]');
}
