/**
 * From observations to the data files they belong in: one group per workspace and day, in table order. Pure.
 */
import { dayInTimeZone } from '../clock.ts';
import { compareExecutions, type Observation } from '../model.ts';

/** The observations of one (workspace, dt), sorted by (start_time, id). */
export interface Partition {
  readonly workspace: string;
  /** Day of `start_time` in the partition time zone, `YYYY-MM-DD`. */
  readonly dt: string;
  readonly rows: readonly Observation[];
}

/**
 * Groups observations by workspace and day of `start_time`.
 *
 * Observations of the same execution keep the order they came in.
 *
 * @param timeZone an IANA name
 * @returns partitions in order of workspace, then day; none for no rows
 * @throws RangeError for an unknown zone, or a `start_time` outside of what a calendar can say (±8.64e15 ms)
 */
export function partitionObservations(rows: readonly Observation[], timeZone: string): Partition[] {
  const dayOf = dayInTimeZone(timeZone);
  const byWorkspace = new Map<string, Map<string, Observation[]>>();
  for (const row of rows) {
    let byDay = byWorkspace.get(row.workspace);
    if (byDay === undefined) {
      byDay = new Map();
      byWorkspace.set(row.workspace, byDay);
    }
    const dt = dayOf(row.startTimeMs);
    const sameDay = byDay.get(dt);
    if (sameDay === undefined) {
      byDay.set(dt, [row]);
    } else {
      sameDay.push(row);
    }
  }
  return [...byWorkspace]
    .sort(byKey)
    .flatMap(([workspace, byDay]) =>
      [...byDay].sort(byKey).map(([dt, group]) => ({ workspace, dt, rows: group.sort(compareExecutions) })),
    );
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}
