/**
 * Finds the partitions that a query needs, so that only their files are listed, fetched and opened.
 *
 * DuckDB plans the query over one empty file per partition and, as usual, pushes conditions on `workspace` and `dt`
 * down to the files. The plan then lists the files that are left. If DuckDB cannot push a condition down or cannot plan
 * a statement this way, all partitions of the tables that it names are needed; of all tables if its text may not show
 * which ones these are. A missing partition would be a silently wrong result.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instanceTable } from '../warehouse/columns.ts';
import { type TablePartition, viewName } from '../warehouse/layout.ts';
import type { TableFacts } from '../warehouse/table.ts';
import {
  allowOnly,
  type DuckdbSession,
  defineTables,
  emptyTableSql,
  openDuckdb,
  pathList,
  redefineTables,
} from './duckdb-session.ts';
import { allTables, allViews, furtherTables, furtherViews } from './further-views.ts';
import { quoted, type View } from './view.ts';

/** Plans queries over all partitions of a warehouse. */
export interface PartitionPlanner {
  /** Returns the partitions that may contain rows of the query; all if that is unknown. */
  neededBy(sql: string): Promise<readonly TablePartition[]>;
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
  'build_side_probe_side',
];

/**
 * Statements that may read tasks or results. Only for these are their empty files created, because that takes as long
 * again. Only DuckDB's functions `query` and `query_table` take names that an expression makes.
 */
const mayReadFurther = new RegExp(
  ['query', ...[...furtherTables, ...furtherViews].map(({ name }) => name)].join('|'),
  'i',
);

/**
 * Statements that may read tables which their text does not name: by `query` and `query_table`, or by the schema that
 * `splitObservations` creates.
 */
const mayHideNames = /\b(query|query_table|parts)\b/i;

/** Statements whose plan shows nothing, because this function has run its query before. Its text may be an expression. */
const isUnplanned = /\bjson_execute_serialized_sql\b/i;

/** Opens a planner. Creates one empty file per partition in a temporary folder until it is closed. */
export async function openPartitionPlanner(partitions: readonly TablePartition[]): Promise<PartitionPlanner> {
  if (partitions.length <= 1) {
    return { neededBy: async () => partitions, close: async () => undefined };
  }
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-plan-'));
  const session = await openDuckdb();
  const close = async (): Promise<void> => {
    await session.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const byPath = new Map(partitions.map((partition) => [placeholderPath(folder, partition), partition]));
    const { connection } = session;
    await connection.run(`SET disabled_optimizers = ${quoted(disabledOptimizers.join(','))}`);
    await defineTables(connection);
    await allowOnly(connection, [folder]);
    await definePlaceholders(session, folder, byPath, [instanceTable]);
    let hasOwnNames = false;
    let hasFurther = false;
    return {
      neededBy: async (sql) => {
        if (isUnplanned.test(sql)) {
          return partitions;
        }
        if (!hasFurther && mayReadFurther.test(sql)) {
          await definePlaceholders(session, folder, byPath, furtherTables);
          hasFurther = true;
        }
        const needed = await plannedFor(session, byPath, sql);
        hasOwnNames ||= /\bcreate\b/i.test(sql);
        if (needed !== null) {
          return needed;
        }
        const named = tablesNamedIn(sql);
        return hasOwnNames || mayHideNames.test(sql) ? partitions : partitions.filter(({ table }) => named.has(table));
      },
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

const dayLength = 'YYYY-MM-DD'.length;

function placeholderPath(folder: string, { table, workspace, dt }: TablePartition): string {
  return join(folder, table, `${dt}=${workspace}`);
}

async function definePlaceholders(
  { connection }: DuckdbSession,
  folder: string,
  byPath: ReadonlyMap<string, TablePartition>,
  tables: readonly TableFacts[],
): Promise<void> {
  const pathsByTable = Map.groupBy(byPath.keys(), (path) => byPath.get(path)?.table);
  for (const table of tables) {
    const paths = pathsByTable.get(table.name) ?? [];
    await mkdir(join(folder, table.name));
    await Promise.all(paths.map((path) => writeFile(path, '')));
    if (paths[0] !== undefined) {
      // DuckDB reads the columns from the first file, and opens no other.
      await connection.run(`COPY (${emptyTableSql(table)}) TO ${quoted(paths[0])} (FORMAT parquet)`);
    }
  }
  await redefineTables(connection, (table) => placeholdersSql(table, pathsByTable.get(table.name) ?? []), tables);
}

function placeholdersSql(table: TableFacts, paths: readonly string[]): string {
  if (paths.length === 0) {
    return emptyTableSql(table);
  }
  const name = 'parse_path(filename)[-1]';
  return `SELECT ${table.columns.map((column) => column.name).join(', ')},
      substr(${name}, ${dayLength + 2}) AS workspace, substr(${name}, 1, ${dayLength}) AS dt
    FROM read_parquet(${pathList(paths)}, filename = true, hive_partitioning = false)`;
}

/** Returns the partitions that the plan of a statement reads; null if DuckDB cannot plan it over the empty files. */
async function plannedFor(
  { connection }: DuckdbSession,
  byPath: ReadonlyMap<string, TablePartition>,
  sql: string,
): Promise<readonly TablePartition[] | null> {
  const explained = sql.replace(/^\s*explain(\s+analyze)?\b/i, '');
  const reader = await connection.runAndReadAll(`SELECT json_serialize_plan(${quoted(explained)}, optimize := true)`);
  const plan: unknown = JSON.parse(String(reader.getRows()[0]?.[0]));
  if (typeof plan !== 'object' || plan === null || !('error' in plan) || plan.error !== false) {
    return null;
  }
  const needed = new Set<TablePartition>();
  for (const text of textsIn(plan)) {
    const partition = byPath.get(text);
    if (partition !== undefined) {
      needed.add(partition);
    }
  }
  return [...needed];
}

/** The tables that each table or view reads, by its name. */
const readsOfNames: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...allTables.map(({ name }) => [name, new Set([name])] as const),
  ...allViews.map((view) => [view.name, tablesOf(view)] as const),
]);

function tablesOf({ sql }: View): ReadonlySet<string> {
  const tables = new Set<string>();
  sql((name) => {
    tables.add(name === viewName ? instanceTable.name : name);
    return name;
  });
  return tables;
}

/** Returns the names of the tables that a string names, directly or through their views. */
export function tablesNamedIn(sql: string): ReadonlySet<string> {
  const text = sql.toLowerCase();
  return new Set([...readsOfNames].flatMap(([name, tables]) => (text.includes(name) ? [...tables] : [])));
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
