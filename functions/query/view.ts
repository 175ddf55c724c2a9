/** The views for readers: the same SQL for DuckDB and Athena (Trino). Here the first of them, and its parts. Pure. */
import { instanceTable } from '../warehouse/columns.ts';
import { viewName } from '../warehouse/layout.ts';
import { type ColumnKind, columnNames, partitionColumns, type TableFacts } from '../warehouse/table.ts';

/** A column of a view. */
export interface ViewColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly description: string;
}

/** A view. */
export interface View {
  readonly name: string;
  readonly columns: readonly ViewColumn[];
  /**
   * Returns its SELECT.
   *
   * @param relation returns a table, or the view `quality_instances`, for a FROM: `"dqsync"."quality_rule_results"`
   */
  readonly sql: (relation: (name: string) => string) => string;
}

/** Returns columns of tables by name. The first table that has a column describes it. */
export function columnsOf(tables: readonly TableFacts[], names: readonly string[]): ViewColumn[] {
  const described = tables.flatMap(({ columns, partitionDescriptions }): ViewColumn[] => [
    ...columns,
    ...partitionColumns.map((name) => ({ name, kind: 'text' as const, description: partitionDescriptions[name] })),
  ]);
  return names.map(
    (name) => described.find((column) => column.name === name) ?? { name, kind: 'text', description: name },
  );
}

/**
 * Returns SQL for the latest row of each key.
 *
 * @param from the rows, as the end of a FROM
 */
export function latestSql(names: readonly string[], key: string, from: string): string {
  const columns = names.join(', ');
  return `SELECT ${columns}
FROM (
  SELECT ${columns},
    row_number() OVER (
      PARTITION BY ${key}
      ORDER BY observed_at DESC, run_id DESC
    ) AS recency
  FROM ${from}
) AS ranked
WHERE recency = 1`;
}

/** The columns of `quality_instances` in order: the columns of the files, then the partition columns. */
export const viewColumns: readonly string[] = columnNames(instanceTable);

/**
 * Returns the SELECT of the view `quality_instances`: the latest observation of each execution, once.
 *
 * The PARTITION BY includes `workspace` and `dt`, although the rest is already a key. Trino pushes a predicate below a
 * window function only for columns of the PARTITION BY; without them, every query would read the whole table
 * (PredicatePushDown.visitWindow). The result is the same, because an execution's `dt` follows from its `start_time`.
 *
 * @param table the relation with all observations, quoted if necessary, for example `"dqsync"."observations"`
 */
export function viewSql(table: string): string {
  return latestSql(viewColumns, 'workspace, dt, project_id, id, start_time', table);
}

/** The view `quality_instances`. */
export const instanceView: View = {
  name: viewName,
  columns: columnsOf([instanceTable], viewColumns),
  sql: (relation) => viewSql(relation(instanceTable.name)),
};

/** Quotes a string for SQL. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
