/** The view of one target for verifying, read with SQL. */
import { dayInTimeZone, isoTime } from '../../clock.ts';
import { setFilters } from '../../filters.ts';
import type { EpochMs, Target, Window } from '../../model.ts';
import { openWarehouseSql, type WarehouseSql } from '../../query/duckdb.ts';
import type { SqlValue } from '../../query/sql-value.ts';
import type { SqlResult } from '../../query/statements.ts';
import { quoted } from '../../query/view.ts';
import type { OpenTableView } from '../../verify/target-verifier.ts';
import type { Day, DayTally, TableRow } from '../../verify/verification.ts';
import { type ExecutionKind, executionColumns, executionFrom } from '../../warehouse/columns.ts';
import { viewName } from '../../warehouse/layout.ts';
import type { Store } from '../../warehouse/store.ts';
import { cacheFolderOf } from '../terminal/cache-folder.ts';

/** The dates of one instant in two time zones differ by at most this: zones range from UTC-12 to UTC+14. */
const otherZonesMs = 2 * 86_400_000;
/** Maximum number of duplicates to list. */
const listedDuplicates = 10;

/**
 * Opens the current view of `target` in a warehouse whose days are in `timeZone`.
 *
 * @throws StorageError
 */
export async function openTableView(store: Store, target: Target, timeZone: string): Promise<OpenTableView> {
  const sql = await openWarehouseSql(store, cacheFolderOf(store.url, process.env));
  return { ...tableViewOf(sql, target, timeZone), close: sql.close };
}

function tableViewOf(sql: WarehouseSql, target: Target, timeZone: string): Omit<OpenTableView, 'close'> {
  const dayOf = dayInTimeZone(timeZone);
  const ofWorkspace = `workspace = ${quoted(target.workspace)} AND project_id = ${quoted(target.projectId)}`;
  const onDaysOf = ({ fromMs, toMs }: Window): string =>
    `dt BETWEEN ${quoted(dayOf(fromMs))} AND ${quoted(dayOf(toMs - 1))}`;
  const startsIn = ({ fromMs, toMs }: Window): string =>
    `start_time >= ${timestamp(fromMs)} AND start_time < ${timestamp(toMs)}`;
  const inWindow = (window: Window): string => `${ofWorkspace} AND ${onDaysOf(window)} AND ${startsIn(window)}`;
  return {
    tally: async (days) => {
      const [first] = days;
      const last = days.at(-1);
      if (first === undefined || last === undefined) {
        return [];
      }
      const where = (window: Window): string => `${inWindow(window)} AND ${isOfTarget(target)}`;
      const byDay = await sql.run(
        `SELECT dt, run_status, count(*) FROM ${viewName} WHERE ${where({ fromMs: first.fromMs, toMs: last.toMs })} GROUP BY ALL`,
      );
      return talliesOf(days, byDay);
    },
    rowsIn: async (window) => {
      const result = await sql.run(
        `SELECT ${selectedColumns}, coalesce(${isOfTarget(target)}, false) FROM ${viewName} WHERE ${inWindow(window)}`,
      );
      return result.rows.map(tableRow);
    },
    duplicates: async ({ fromMs, toMs }) => {
      const otherDays = { fromMs: fromMs - otherZonesMs, toMs: toMs + otherZonesMs };
      const { rows } = await sql.run(
        `SELECT id, epoch_ms(start_time), min(dt), max(dt), count(*) OVER ()
        FROM ${viewName} WHERE ${ofWorkspace} AND ${onDaysOf(otherDays)} AND ${startsIn({ fromMs, toMs })}
        GROUP BY id, start_time HAVING count(*) > 1 ORDER BY start_time, id LIMIT ${listedDuplicates}`,
      );
      const first = rows.map(([id, startTimeMs, firstDay, lastDay]) => ({
        id: BigInt(String(id)),
        startTimeMs: Number(startTimeMs),
        days: [...new Set([String(firstDay), String(lastDay)])],
      }));
      return { executions: Number(rows[0]?.[4] ?? 0), first };
    },
  };
}

function talliesOf(days: readonly Day[], byDay: SqlResult): DayTally[] {
  const statuses = new Map(days.map(({ day }) => [day, new Map<string, number>()]));
  for (const [day, status, rows] of byDay.rows) {
    statuses.get(String(day))?.set(status === null ? 'none' : String(status), Number(rows));
  }
  return days.map(({ day }) => {
    const byStatus = statuses.get(day) ?? new Map<string, number>();
    return { rows: [...byStatus.values()].reduce((sum, rows) => sum + rows, 0), byStatus };
  });
}

/** How each kind of column is selected, and how its cell is converted. */
const cellsByKind: Readonly<
  Record<ExecutionKind, { readonly sql: (name: string) => string; readonly valueOf: (cell: unknown) => unknown }>
> = {
  int64: { sql: (name) => name, valueOf: (cell) => BigInt(String(cell)) },
  text: { sql: (name) => name, valueOf: String },
  'timestamp-ms-utc': { sql: (name) => `epoch_ms(${name})`, valueOf: Number },
};

const selectedColumns = executionColumns.map(({ name, kind }) => cellsByKind[kind].sql(name)).join(', ');

function tableRow(cells: readonly SqlValue[]): TableRow {
  const execution = executionFrom(({ kind }, index) => {
    const cell = cells[index] ?? null;
    return cell === null ? null : cellsByKind[kind].valueOf(cell);
  });
  return { ...execution, isOfTarget: cells[executionColumns.length] === true };
}

/** Returns the target's filter as SQL, assuming that the source compares names by an exact part. */
function isOfTarget({ filter }: Target): string {
  const conditions = setFilters(filter).map(({ column, comparison, value }) =>
    comparison === 'contains' ? `contains(${column}, ${quoted(value)})` : `${column} = ${quoted(value)}`,
  );
  return conditions.length === 0 ? 'true' : `(${conditions.join(' AND ')})`;
}

function timestamp(ms: EpochMs): string {
  return `TIMESTAMP ${quoted(isoTime(ms).replace('T', ' ').replace('Z', ''))}`;
}
