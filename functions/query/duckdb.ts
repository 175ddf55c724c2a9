/**
 * Runs SQL over a warehouse on this machine with DuckDB.
 *
 * Reads only: runs nothing but SELECT and similar statements, opens no file outside of the table, and downloads no
 * extension. (DuckDB could also write to its allowed folder, so the kind of statement is checked too.)
 */
import { type Clock, systemClock } from '../clock.ts';
import { StorageError } from '../errors.ts';
import { type TablePartition, tableName } from '../warehouse/layout.ts';
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
import { type DataFiles, firstGone, openDataFiles } from './local-copies.ts';
import { openPartitionPlanner, type PartitionPlanner, tablesNamedIn } from './partition-planner.ts';
import { translated } from './sql-errors.ts';
import { refuseWriting, runAll, type SqlResult } from './statements.ts';

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
  /** Whether the table of executions had data in any partition when the warehouse was opened. */
  readonly hasExecutions: boolean;
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
export async function openWarehouseSql(
  store: Store,
  cacheFolder: string,
  clock: Clock = systemClock,
): Promise<WarehouseSql> {
  const opened = await openWarehouse(store, cacheFolder, clock);
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
export async function openPartitionSql(
  store: Store,
  cacheFolder: string,
  clock: Clock = systemClock,
): Promise<PartitionSql> {
  const opened = await openWarehouse(store, cacheFolder, clock);
  const run = inTurn((sql: string, isNeeded?: PartitionFilter) => runKnown(opened, sql, isNeeded));
  return {
    hasExecutions: opened.partitions.some(({ table }) => table === tableName),
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
  readonly clock: Clock;
}

async function openWarehouse(store: Store, cacheFolder: string, clock: Clock): Promise<OpenWarehouse> {
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
  return { session, files, partitions, clock };
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
    if (statements.count === 1) {
      // Wrong SQL fails here, before files are copied for it. Files of the last query may be gone, and need not be
      // opened.
      await defineFiles(session.connection, new Map());
      refuseWriting(await statements.prepare(0), sql);
    }
    return await runOverPartitions(opened, await planner.neededBy(sql), sql);
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
    return await runOverPartitions(opened, opened.partitions.filter(isNeeded), sql);
  } catch (thrown) {
    throw translated(thrown, opened.files);
  }
}

/** Tries of a query whose files disappear. With a doubling wait between them, they take at least 51 s. */
const maxTries = 10;
const firstWaitMs = 100;

/**
 * Runs SQL over the current files of some partitions. A compaction of a folder moves files aside, one day after the
 * other, while they are read. Their rows are then in other files, so the files are listed again.
 */
async function runOverPartitions(
  { session: { connection }, files, clock }: OpenWarehouse,
  partitions: readonly TablePartition[],
  sql: string,
): Promise<SqlResult> {
  for (let tries = 1; ; tries += 1) {
    const paths = await files.of(partitions);
    try {
      await defineFiles(connection, paths);
      return await runAll(connection, sql);
    } catch (thrown) {
      const gone = await firstGone(paths);
      if (gone === undefined) {
        throw thrown;
      }
      if (tries === maxTries) {
        throw replacedTooFast(gone, thrown);
      }
    }
    await clock.sleep(firstWaitMs * 2 ** (tries - 1));
  }
}

function replacedTooFast(gone: string, cause: unknown): StorageError {
  return new StorageError(
    `a compaction is replacing the data files of the query: ${maxTries} times in a row, one was moved away before it was read, last ${gone}`,
    {
      remedy:
        'No rows are lost. Run the command again when the compaction has ended. If none is running, find out what moves or deletes files of the warehouse.',
      retryable: true,
      cause,
    },
  );
}
