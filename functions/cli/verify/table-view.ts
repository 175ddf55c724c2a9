/** The view of one target as verifying asks for it, by SQL. */
import { dayInTimeZone, isoTime } from '../../clock.ts';
import type { EpochMs, Target, Window } from '../../model.ts';
import type { SqlResult, WarehouseSql } from '../../query/duckdb.ts';
import type { TableView } from '../../verify/audit.ts';
import type { OpenTableView } from '../../verify/target-verifier.ts';
import type { Day, DayTally, TableRow } from '../../verify/verification.ts';
import { viewName } from '../../warehouse/layout.ts';
import type { Store } from '../../warehouse/store.ts';

type SqlValue = SqlResult['rows'][number][number];

/**
 * Opens the view of `target`, in a warehouse whose days are those of `timeZone`, as it is now. DuckDB is loaded only here.
 *
 * @throws StorageError
 */
export async function openTableView(store: Store, target: Target, timeZone: string): Promise<OpenTableView> {
  const { openWarehouseSql } = await import('../../query/duckdb.ts');
  const sql = await openWarehouseSql(store);
  return { ...tableViewOf(sql, target, timeZone), close: sql.close };
}

function tableViewOf(sql: WarehouseSql, target: Target, timeZone: string): TableView {
  const dayOf = dayInTimeZone(timeZone);
  const inWindow = ({ fromMs, toMs }: Window): string =>
    [
      `workspace = ${text(target.workspace)}`,
      `project_id = ${text(target.projectId)}`,
      `dt BETWEEN ${text(dayOf(fromMs))} AND ${text(dayOf(toMs - 1))}`,
      `start_time >= ${timestamp(fromMs)}`,
      `start_time < ${timestamp(toMs)}`,
    ].join(' AND ');
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
        `SELECT id, epoch_ms(start_time), name, task_id, task_type, run_status, notify_status, epoch_ms(end_time), coalesce(${isOfTarget(target)}, false) FROM ${viewName} WHERE ${inWindow(window)}`,
      );
      return result.rows.map(tableRow);
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
    return {
      rows: [...byStatus.values()].reduce((sum, rows) => sum + rows, 0),
      byStatus,
    };
  });
}

function tableRow([
  id,
  start,
  name,
  taskId,
  taskType,
  runStatus,
  notifyStatus,
  end,
  ofTarget,
]: readonly SqlValue[]): TableRow {
  return {
    id: BigInt(id ?? 0),
    startTimeMs: Number(start),
    name: textOrNull(name),
    taskId: taskId === null || taskId === undefined ? null : BigInt(taskId),
    taskType: textOrNull(taskType),
    runStatus: textOrNull(runStatus),
    notifyStatus: textOrNull(notifyStatus),
    endTimeMs: end === null || end === undefined ? null : Number(end),
    isOfTarget: ofTarget === true,
  };
}

/** What the target's filter lets through, as far as it is known how the source compares names: a part of it, exactly. */
function isOfTarget({ filter }: Target): string {
  const conditions = [
    ...(filter.name === undefined ? [] : [`contains(name, ${text(filter.name)})`]),
    ...(filter.taskType === undefined ? [] : [`task_type = ${text(filter.taskType)}`]),
  ];
  return conditions.length === 0 ? 'true' : `(${conditions.join(' AND ')})`;
}

function textOrNull(value: SqlValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

function timestamp(ms: EpochMs): string {
  return `TIMESTAMP ${text(isoTime(ms).replace('T', ' ').replace('Z', ''))}`;
}
