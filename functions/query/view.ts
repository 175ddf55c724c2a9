/**
 * The view for readers: the latest observation of each execution, once. The same SQL for DuckDB and Athena (Trino).
 * Pure.
 */
import { instanceTable } from '../warehouse/columns.ts';
import { columnNames } from '../warehouse/table.ts';

/** The view's columns in order: the columns of the files, then the partition columns. */
export const viewColumns: readonly string[] = columnNames(instanceTable);

/**
 * Returns the SELECT of the view `quality_instances`.
 *
 * The PARTITION BY includes `workspace` and `dt`, although the rest is already a key. Trino pushes a predicate below a
 * window function only for columns of the PARTITION BY; without them, every query would read the whole table
 * (PredicatePushDown.visitWindow). The result is the same, because an execution's `dt` follows from its `start_time`.
 *
 * @param table the relation with all observations, quoted if necessary, for example `"dqsync"."observations"`
 */
export function viewSql(table: string): string {
  const columns = viewColumns.join(', ');
  return `SELECT ${columns}
FROM (
  SELECT ${columns},
    row_number() OVER (
      PARTITION BY workspace, dt, project_id, id, start_time
      ORDER BY observed_at DESC, run_id DESC
    ) AS recency
  FROM ${table}
) AS ranked
WHERE recency = 1`;
}
