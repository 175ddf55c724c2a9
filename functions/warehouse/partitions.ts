/** Groups rows by data file: one group per workspace and day, in table order. Pure. */
import { dayInTimeZone } from '../clock.ts';
import type { Table } from './table.ts';

/** The rows of one (workspace, dt), sorted as the table says. */
export interface Partition<Row> {
  readonly workspace: string;
  /** Day of the table's partition time in the partition time zone, `YYYY-MM-DD`. */
  readonly dt: string;
  readonly rows: readonly Row[];
}

/**
 * Groups rows by workspace and day. Rows that are equal in the table's order keep their order.
 *
 * @param timeZone an IANA name
 * @returns partitions in order of workspace, then day; none for no rows
 * @throws RangeError for an unknown zone, or a time outside of the calendar (±8.64e15 ms)
 */
export function partitionRows<Row extends { readonly workspace: string }>(
  { partitionTimeMs, compare }: Table<Row>,
  rows: readonly Row[],
  timeZone: string,
): Partition<Row>[] {
  const dayOf = dayInTimeZone(timeZone);
  return [...Map.groupBy(rows, ({ workspace }) => workspace)].sort(byKey).flatMap(([workspace, ofWorkspace]) => {
    const days = Map.groupBy(ofWorkspace, (row) => dayOf(partitionTimeMs(row)));
    return [...days].sort(byKey).map(([dt, group]) => ({ workspace, dt, rows: group.sort(compare) }));
  });
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
