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
import { type Clock, systemClock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import { type PartitionParts, taskTableName } from '../warehouse/layout.ts';
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
  /**
   * Keeps the rows of one SELECT in memory, as a table that later queries can name. Those queries read no file.
   *
   * @throws ConfigError, StorageError as `run`
   */
  keep(name: string, select: string): Promise<void>;
  /** Returns the tables that a statement names, and which of them have no data in any partition. */
  tablesOf(sql: string): { readonly named: readonly string[]; readonly empty: readonly string[] };
  close(): Promise<void>;
}

/**
 * Opens a warehouse for SQL, with the table `quality_instance_observations`, the view `quality_instances`, and those of
 * further-views.ts. All exist with all columns even in an empty warehouse. Times are UTC.
 *
 * @param cacheFolder folder for copies of the data files of one S3 warehouse
 * @param isWanted leaves out partitions of executions that no query will ask for: planning takes longer with years of
 * them. What is known of tasks may have been observed at any time
 * @throws StorageError if the warehouse cannot be read
 */
export async function openWarehouseSql(
  store: Store,
  cacheFolder: string,
  clock: Clock = systemClock,
  isWanted: (partition: PartitionParts) => boolean = () => true,
): Promise<WarehouseSql> {
  const files = openDataFiles(store, cacheFolder, clock);
  const partitions = await allPartitions(store);
  const planner = await openPartitionPlanner(partitions.filter((one) => one.table === taskTableName || isWanted(one)));
  const session = await openDuckdb();
  const close = async (): Promise<void> => {
    await session.close();
    await planner.close();
  };
  try {
    await defineTables(session.connection);
    await splitObservations(session.connection);
    await allowOnly(session.connection, files.tableFolders);
  } catch (thrown) {
    await close();
    throw translated(thrown, files);
  }
  const opened = { session, planner, files };
  const filled = new Set(partitions.map(({ table }) => table));
  // One at a time, because each query redefines the tables as the files that it needs.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    run: (sql) => inTurn(() => run(opened, sql)),
    keep: (name, select) => inTurn(() => keep(opened, name, select)),
    tablesOf: (sql) => {
      const named = [...tablesNamedIn(sql)];
      return { named, empty: named.filter((table) => !filled.has(table)) };
    },
    close,
  };
}

interface OpenWarehouse {
  readonly session: DuckdbSession;
  readonly planner: PartitionPlanner;
  readonly files: DataFiles;
}

/** Defines an empty table of the same columns in the planner, so that it can plan queries that name it. */
async function keep(opened: OpenWarehouse, name: string, select: string): Promise<void> {
  await run(opened, `CREATE TEMP TABLE ${name} AS ${select}`, select);
  const described = await opened.session.connection.runAndReadAll(`DESCRIBE ${name}`);
  const columns = described.getRows().map(([column, type]) => `${identifier(String(column))} ${String(type)}`);
  await opened.planner.define(`CREATE TEMP TABLE ${name} (${columns.join(', ')})`);
}

/** @param planned the part of the statement that decides which partitions it needs */
async function run(
  { session: { connection }, planner, files }: OpenWarehouse,
  sql: string,
  planned = sql,
): Promise<SqlResult> {
  try {
    const statements = await connection.extractStatements(sql);
    const isOne = statements.count === 1;
    if (isOne) {
      // Wrong SQL fails here, before files are copied for it. Files of the last query may be gone, and need not be
      // opened.
      await defineFiles(connection, new Map());
      refuseWriting(await statements.prepare(0), sql);
    }
    const needed = await planner.neededBy(planned);
    const paths = await files.of(needed);
    try {
      return await runOver(connection, paths, sql);
    } catch (thrown) {
      // A compaction may move files of a folder aside during the read. Their rows are then in another file.
      if (files.areCopies || !isOne || (await areAllThere(paths))) {
        throw thrown;
      }
      return await runOver(connection, await files.of(needed), sql);
    }
  } catch (thrown) {
    throw translated(thrown, files);
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

/** A name as SQL. */
function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
