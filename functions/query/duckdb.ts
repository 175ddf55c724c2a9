/**
 * Runs SQL over a warehouse on this machine with DuckDB.
 *
 * Reads only: runs nothing but SELECT and similar statements, opens no file outside of the table, and downloads no
 * extension. (DuckDB could also write to its allowed folder, so the kind of statement is checked too.)
 */
import {
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBResultReader,
  StatementType,
} from '@duckdb/node-api';
import { ConfigError } from '../errors.ts';
import type { TablePartition } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { allPartitions } from './data-listing.ts';
import {
  allowOnly,
  type DuckdbSession,
  defineFiles,
  defineTables,
  openDuckdb,
  splitObservations,
} from './duckdb-session.ts';
import { areAllThere, type DataFiles, openDataFiles, type PathsByTable } from './local-copies.ts';
import { openPartitionPlanner, type PartitionPlanner, tablesNamedIn } from './partition-planner.ts';
import { translated } from './sql-errors.ts';
import { plainValue, type SqlValue } from './sql-value.ts';

/** The result of a query. */
export interface SqlResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly SqlValue[])[];
}

/** A warehouse that is open for SQL. */
export interface WarehouseSql {
  /**
   * Runs one or more statements, and returns the rows of the last one. Reads the current files of the partitions that
   * existed when the warehouse was opened. Lists, copies and reads only files of the partitions that the SQL needs.
   *
   * @throws ConfigError with DuckDB's message if the SQL is wrong or would write
   * @throws StorageError if a data file cannot be read
   */
  run(sql: string): Promise<SqlResult>;
  /** Returns the tables that a statement names, and which of them have no data in any partition. */
  tablesOf(sql: string): { readonly named: readonly string[]; readonly empty: readonly string[] };
  close(): Promise<void>;
}

/** A warehouse that is open for SELECTs whose partitions are known, so that nothing is planned for them. */
export interface PartitionSql {
  /**
   * Runs a SELECT over kept tables and the current files of some partitions.
   *
   * @param isNeeded selects the partitions; none unless given
   * @throws ConfigError, StorageError as `WarehouseSql.run`
   */
  run(select: string, isNeeded?: PartitionFilter): Promise<SqlResult>;
  /** Keeps the rows of such a SELECT in memory, as a table that later ones can name. */
  keep(name: string, select: string, isNeeded?: PartitionFilter): Promise<void>;
  close(): Promise<void>;
}

/** Returns whether a partition is needed. */
export type PartitionFilter = (partition: TablePartition) => boolean;

/**
 * Opens a warehouse for SQL, with the table `quality_instance_observations`, the view `quality_instances`, and those of
 * further-views.ts. All exist with all columns even in an empty warehouse. Times are UTC.
 *
 * @param cacheFolder folder for copies of the data files of one S3 warehouse
 * @throws StorageError if the warehouse cannot be read
 */
export async function openWarehouseSql(store: Store, cacheFolder: string): Promise<WarehouseSql> {
  const opened = await openWarehouse(store, cacheFolder);
  const planner = await openPartitionPlanner(opened.partitions).catch(async (thrown: unknown) => {
    await opened.session.close();
    throw thrown;
  });
  const filled = new Set(opened.partitions.map(({ table }) => table));
  return {
    run: inTurn((sql: string) => runPlanned(opened, planner, sql)),
    tablesOf: (sql) => {
      const named = [...tablesNamedIn(sql)];
      return { named, empty: named.filter((table) => !filled.has(table)) };
    },
    close: async () => {
      await opened.session.close();
      await planner.close();
    },
  };
}

/** Opens the same for SELECTs whose partitions are known. */
export async function openPartitionSql(store: Store, cacheFolder: string): Promise<PartitionSql> {
  const opened = await openWarehouse(store, cacheFolder);
  const run = inTurn((sql: string, isNeeded?: PartitionFilter) => runKnown(opened, sql, isNeeded));
  return {
    run,
    keep: async (name, select, isNeeded) => {
      await run(`CREATE TEMP TABLE ${name} AS ${select}`, isNeeded);
    },
    close: opened.session.close,
  };
}

interface OpenWarehouse {
  readonly session: DuckdbSession;
  readonly files: DataFiles;
  readonly partitions: readonly TablePartition[];
}

async function openWarehouse(store: Store, cacheFolder: string): Promise<OpenWarehouse> {
  const files = openDataFiles(store, cacheFolder);
  const partitions = await allPartitions(store);
  const session = await openDuckdb();
  try {
    await defineTables(session.connection);
    await splitObservations(session.connection);
    await allowOnly(session.connection, files.tableFolders);
  } catch (thrown) {
    await session.close();
    throw translated(thrown, files);
  }
  return { session, files, partitions };
}

/** Runs one at a time, because each query redefines the tables as the files that it needs. */
function inTurn<Args extends readonly unknown[], T>(
  work: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const turn = last.then(() => work(...args));
    last = turn.catch(() => undefined);
    return turn;
  };
}

async function runPlanned(opened: OpenWarehouse, planner: PartitionPlanner, sql: string): Promise<SqlResult> {
  const { session, files } = opened;
  try {
    const statements = await session.connection.extractStatements(sql);
    const isOne = statements.count === 1;
    if (isOne) {
      // Wrong SQL fails here, before files are copied for it. Files of the last query may be gone, and need not be
      // opened.
      await defineFiles(session.connection, new Map());
      refuseWriting(await statements.prepare(0), sql);
    }
    return await runOverPartitions(opened, await planner.neededBy(sql), { sql, isOne });
  } catch (thrown) {
    throw translated(thrown, files);
  }
}

async function runKnown(
  opened: OpenWarehouse,
  sql: string,
  isNeeded: PartitionFilter = () => false,
): Promise<SqlResult> {
  try {
    return await runOverPartitions(opened, opened.partitions.filter(isNeeded), { sql, isOne: true });
  } catch (thrown) {
    throw translated(thrown, opened.files);
  }
}

async function runOverPartitions(
  { session: { connection }, files }: OpenWarehouse,
  partitions: readonly TablePartition[],
  { sql, isOne }: { readonly sql: string; readonly isOne: boolean },
): Promise<SqlResult> {
  const paths = await files.of(partitions);
  try {
    return await runOver(connection, paths, sql);
  } catch (thrown) {
    // A compaction may move files of a folder aside during the read. Their rows are then in another file.
    if (files.areCopies || (await areAllThere(paths)) || !isOne) {
      throw thrown;
    }
    return await runOver(connection, await files.of(partitions), sql);
  }
}

async function runOver(connection: DuckDBConnection, paths: PathsByTable, sql: string): Promise<SqlResult> {
  await defineFiles(connection, paths);
  const statements = await connection.extractStatements(sql);
  let result: SqlResult = { columns: [], rows: [] };
  for (let index = 0; index < statements.count; index += 1) {
    const statement = await statements.prepare(index);
    refuseWriting(statement, sql);
    result = plainResult(await statement.runAndReadAll());
  }
  return result;
}

/** CREATE works only in memory, and PIVOT uses it internally. */
const harmlessStatements: ReadonlySet<StatementType> = new Set([
  StatementType.SELECT,
  StatementType.EXPLAIN,
  StatementType.CREATE,
]);

function refuseWriting(statement: DuckDBPreparedStatement, sql: string): void {
  const { statementType } = statement;
  // EXPLAIN ANALYZE runs the statement that it explains.
  const runsCopy = statementType === StatementType.EXPLAIN && /\b(copy|export)\b/i.test(sql);
  if (!harmlessStatements.has(statementType) || runsCopy) {
    throw new ConfigError(`the query is a ${StatementType[statementType]} statement, and queries may only read`, {
      remedy: 'Use SELECT. To write results to a file, use the output options of "dqsync query".',
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
