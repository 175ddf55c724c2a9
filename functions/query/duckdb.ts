/**
 * Runs SQL over a warehouse on this machine with DuckDB.
 *
 * Reads only: runs nothing but SELECT and similar statements, opens no file outside of the table, and downloads no
 * extension. (DuckDB could also write to its allowed folder, so the kind of statement is checked too.)
 */
import { type Clock, systemClock } from '../clock.ts';
import { StorageError } from '../errors.ts';
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
import { type DataFiles, firstGone, openDataFiles } from './local-copies.ts';
import { openPartitionPlanner, type PartitionPlanner, tablesNamedIn } from './partition-planner.ts';
import { translated } from './sql-errors.ts';
import { refuseWriting, runAll, type SqlResult } from './statements.ts';

/** A warehouse that is open for SQL. */
export interface WarehouseSql {
  /**
   * Runs one or more statements, and returns the rows of the last one. Reads the current files of some of the partitions
   * that existed when the warehouse was opened: lists, copies and reads no others.
   *
   * @param isNeeded selects these partitions; by default, those that the SQL needs, for which it is planned first
   * @throws ConfigError with DuckDB's message if the SQL is wrong or would write
   * @throws StorageError if a data file cannot be read
   */
  run(sql: string, isNeeded?: PartitionFilter): Promise<SqlResult>;
  /** Keeps the rows of a SELECT in memory, as a table that later ones can name. */
  keep(name: string, select: string, isNeeded: PartitionFilter): Promise<void>;
  /** Returns the tables that a statement names, and which of them have no data in any partition. */
  tablesOf(sql: string): { readonly named: readonly string[]; readonly empty: readonly string[] };
  close(): Promise<void>;
}

/** Returns whether a partition is needed. */
export type PartitionFilter = (partition: TablePartition) => boolean;

/** For SQL that names kept tables only. */
export const noPartitions: PartitionFilter = () => false;

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
  const warehouse = await openWarehouse(store, cacheFolder, clock);
  const { session, files, partitions } = warehouse;
  let planner: PartitionPlanner | null = null;
  /** Opens the planner for the first SQL that needs it. */
  const planning = async () => {
    planner ??= await openPartitionPlanner(partitions);
    const { neededBy } = planner;
    return async (sql: string): Promise<readonly TablePartition[]> => {
      await refuseWrong(session, sql);
      return await neededBy(sql);
    };
  };
  const run = inTurn(async (sql: string, isNeeded?: PartitionFilter) => {
    const find = isNeeded === undefined ? await planning() : async () => partitions.filter(isNeeded);
    try {
      return await runOverPartitions(warehouse, await find(sql), sql);
    } catch (thrown) {
      throw translated(thrown, files);
    }
  });
  const filled = new Set(partitions.map(({ table }) => table));
  return {
    run,
    keep: async (name, select, isNeeded) => {
      await run(`CREATE TEMP TABLE ${name} AS ${select}`, isNeeded);
    },
    tablesOf: (sql) => {
      const named = [...tablesNamedIn(sql)];
      return { named, empty: named.filter((table) => !filled.has(table)) };
    },
    close: async () => {
      await session.close();
      await planner?.close();
    },
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

/** Refuses a statement that is wrong or would write, before files are copied for it. */
async function refuseWrong({ connection }: DuckdbSession, sql: string): Promise<void> {
  const statements = await connection.extractStatements(sql);
  if (statements.count === 1) {
    // Files of the last query may be gone, and need not be opened.
    await defineFiles(connection, new Map());
    refuseWriting(await statements.prepare(0), sql);
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
