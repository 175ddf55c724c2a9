/**
 * Which partitions a query needs, so that only their files are listed, fetched and opened.
 *
 * DuckDB decides: it plans the query over one empty file per partition, pushes the conditions on `workspace` and `dt` down to
 * the files as it always does, and the plan lists the files that are left. Conditions that DuckDB cannot push down, and
 * statements that it cannot plan this way, need all partitions.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observationColumns } from '../warehouse/columns.ts';
import type { PartitionParts } from '../warehouse/layout.ts';
import {
  allowOnly,
  type DuckdbSession,
  defineTable,
  noRowsSql,
  openDuckdb,
  pathList,
  quoted,
} from './duckdb-session.ts';

/** Knows all partitions of a warehouse. */
export interface PartitionPlanner {
  /** Returns the partitions that may hold rows of the query: all where it cannot be known. */
  neededBy(sql: string): Promise<readonly PartitionParts[]>;
  /** Runs a statement that creates a table which later queries name. */
  define(createTable: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Optimizers that must not run. The first two would drop a scan because of what the empty files say about their values; with
 * the others, some plans cannot be written as JSON (DuckDB 1.5: "Failed to bind column reference").
 */
const disabledOptimizers = [
  'statistics_propagation',
  'empty_result_pullup',
  'late_materialization',
  'unused_columns',
  'column_lifetime',
  'common_aggregate',
];

/** Opens a planner. Costs an empty file per partition, in the folder for temporary files, until it is closed. */
export async function openPartitionPlanner(partitions: readonly PartitionParts[]): Promise<PartitionPlanner> {
  if (partitions.length <= 1) {
    return { neededBy: async () => partitions, define: async () => undefined, close: async () => undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-plan-'));
  const session = await openDuckdb();
  const close = async (): Promise<void> => {
    await session.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const byPath = new Map(partitions.map((partition) => [placeholderPath(folder, partition), partition]));
    await prepare(session, folder, [...byPath.keys()]);
    return {
      neededBy: (sql) => neededBy(session, byPath, sql),
      define: async (createTable) => {
        await session.connection.run(createTable);
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

const dayLength = 'YYYY-MM-DD'.length;

function placeholderPath(folder: string, { workspace, dt }: PartitionParts): string {
  return join(folder, `${dt}=${workspace}`);
}

async function prepare({ connection }: DuckdbSession, folder: string, paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => writeFile(path, '')));
  // DuckDB takes the columns from the first file, and opens no other.
  await connection.run(`COPY (${noRowsSql}) TO ${quoted(paths[0] ?? '')} (FORMAT parquet)`);
  await connection.run(`SET disabled_optimizers = ${quoted(disabledOptimizers.join(','))}`);
  const name = 'parse_path(filename)[-1]';
  await defineTable(
    connection,
    `SELECT ${observationColumns.map((column) => column.name).join(', ')},
      substr(${name}, ${dayLength + 2}) AS workspace, substr(${name}, 1, ${dayLength}) AS dt
    FROM read_parquet(${pathList(paths)}, filename = true, hive_partitioning = false)`,
  );
  await allowOnly(connection, folder);
}

async function neededBy(
  { connection }: DuckdbSession,
  byPath: ReadonlyMap<string, PartitionParts>,
  sql: string,
): Promise<readonly PartitionParts[]> {
  const explained = sql.replace(/^\s*explain(\s+analyze)?\b/i, '');
  const reader = await connection.runAndReadAll(`SELECT json_serialize_plan(${quoted(explained)}, optimize := true)`);
  const plan: unknown = JSON.parse(String(reader.getRows()[0]?.[0]));
  if (typeof plan !== 'object' || plan === null || !('error' in plan) || plan.error !== false) {
    return [...byPath.values()];
  }
  const needed = new Set<PartitionParts>();
  for (const text of textsIn(plan)) {
    const partition = byPath.get(text);
    if (partition !== undefined) {
      needed.add(partition);
    }
  }
  return [...needed];
}

/** All texts of a JSON document. A scan lists its files among them. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) {
      yield* textsIn(part);
    }
  }
}
