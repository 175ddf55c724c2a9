/**
 * Finds the partitions that a query needs, so that only their files are listed, fetched and opened.
 *
 * DuckDB plans the query over one empty file per partition and, as usual, pushes conditions on `workspace` and `dt`
 * down to the files. The plan then lists the files that are left. If DuckDB cannot push a condition down or cannot plan
 * a statement this way, all partitions are needed.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observationColumns } from '../warehouse/columns.ts';
import type { PartitionParts } from '../warehouse/layout.ts';
import {
  allowOnly,
  type DuckdbSession,
  defineFurther,
  defineTable,
  noRowsSql,
  openDuckdb,
  pathList,
  quoted,
} from './duckdb-session.ts';

/** Plans queries over all partitions of a warehouse. */
export interface PartitionPlanner {
  /** Returns the partitions that may contain rows of the query; all if that is unknown. */
  neededBy(sql: string): Promise<readonly PartitionParts[]>;
  /** Runs a statement that creates a table for later queries. */
  define(createTable: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Optimizers that must be off. The first two would drop a scan because the empty files have no values. With the others,
 * some plans cannot be serialized to JSON (DuckDB 1.5: "Failed to bind column reference").
 */
const disabledOptimizers = [
  'statistics_propagation',
  'empty_result_pullup',
  'late_materialization',
  'unused_columns',
  'column_lifetime',
  'common_aggregate',
];

/** Opens a planner. Creates one empty file per partition in a temporary folder until it is closed. */
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
  // DuckDB reads the columns from the first file, and opens no other.
  await connection.run(`COPY (${noRowsSql}) TO ${quoted(paths[0] ?? '')} (FORMAT parquet)`);
  await connection.run(`SET disabled_optimizers = ${quoted(disabledOptimizers.join(','))}`);
  const name = 'parse_path(filename)[-1]';
  await defineTable(
    connection,
    `SELECT ${observationColumns.map((column) => column.name).join(', ')},
      substr(${name}, ${dayLength + 2}) AS workspace, substr(${name}, 1, ${dayLength}) AS dt
    FROM read_parquet(${pathList(paths)}, filename = true, hive_partitioning = false)`,
  );
  await defineFurther(connection, () => []);
  await allowOnly(connection, [folder]);
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

/** Returns all texts in a JSON document, including the files that a scan lists. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) {
      yield* textsIn(part);
    }
  }
}
