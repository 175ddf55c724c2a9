/**
 * The view that readers use: the latest observation of each execution, once.
 *
 * One text for DuckDB and Athena (Trino). Pure.
 */
import { instanceTable } from '../warehouse/columns.ts';
import { columnNames } from '../warehouse/table.ts';

/** The view's columns, in order: those of the files, then the partition columns. */
export const viewColumns: readonly string[] = columnNames(instanceTable);

/**
 * The SELECT that the view `quality_instances` stands for.
 *
 * `workspace` and `dt` are in the PARTITION BY although the rest is a key already: Trino pushes a predicate below a window
 * function only if it is on columns of the PARTITION BY, and without that every query would read the whole table
 * (PredicatePushDown.visitWindow). An execution's `dt` follows from its `start_time`, so nothing is told apart by it.
 *
 * @param table the relation with all observations, quoted where it must be, for example `"dqsync"."observations"`
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
