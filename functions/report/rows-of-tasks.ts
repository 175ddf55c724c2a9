/** Groups the rows of a report's queries. Pure. */
import type { SqlValue } from '../query/sql-value.ts';
import type { SqlResult } from '../query/statements.ts';

/** Returns the rows by number of the task, which is in the first column, each as `toValue` makes it. */
export function rowsOfTasks<T>({ rows }: SqlResult, toValue: (row: readonly SqlValue[]) => T): Map<number, T[]> {
  const byTask = Map.groupBy(rows, ([task]) => Number(task));
  return new Map([...byTask].map(([task, ofTask]) => [task, ofTask.map(toValue)]));
}
