/** Tables and charts of the demo: the queries of named-queries.ts over the files just written. */
import { InternalError } from '../../errors.ts';
import type { WarehouseSql } from '../../query/duckdb.ts';
import { namedQueries } from '../../query/named-queries.ts';
import type { SqlValue } from '../../query/sql-value.ts';
import type { SqlResult } from '../../query/statements.ts';
import { viewName } from '../../warehouse/layout.ts';
import { columnChart } from '../terminal/column-chart.ts';
import { paint } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';
import { timeCell } from '../terminal/table-times.ts';

const shownRows = 6;

/** Returns the pass rate of each day as a chart. */
export async function passRateChart(sql: WarehouseSql): Promise<string> {
  const days = valuesOf(await ask(sql, 'Pass rate by day'), ['dt', 'pass_percent'])
    .map(([dt, percent]) => ({ label: String(dt), value: Number(percent) }))
    .reverse();
  const lowest = days.reduce((least, { value }) => Math.min(least, value), 100);
  const floor = Math.max(0, Math.floor((lowest - 1) / 5) * 5);
  const average = days.reduce((sum, { value }) => sum + value, 0) / days.length;
  return columnChart(days, { floor, ceiling: 100, height: 7, unit: ' %' }, (text, value) =>
    value < average - 1 ? paint.yellow(text) : paint.green(text),
  );
}

/** Returns the rules that fail most. */
export async function rulesFailingMost(sql: WarehouseSql): Promise<string> {
  const columns = ['tables', 'columns', 'rule_name', 'dimension', 'alarms', 'last_alarm'];
  return tableOf(columns, valuesOf(await ask(sql, 'Rules failing most, by table and column'), columns));
}

/** Returns the latest alarms without a successful notification. */
export async function silentAlarms(sql: WarehouseSql): Promise<string> {
  const columns = ['start_time', 'name', 'id', 'notify_status'];
  return tableOf(columns, valuesOf(await ask(sql, 'Alarms nobody was notified of'), columns));
}

/** Returns both executions of the instance that was run again. */
export async function executionsOf(sql: WarehouseSql, id: bigint): Promise<string> {
  const columns = ['id', 'start_time', 'run_status', 'notify_status', 'end_time'];
  const result = await sql.run(`SELECT ${columns.join(', ')} FROM ${viewName} WHERE id = ${id} ORDER BY start_time`);
  return tableOf(columns, result.rows);
}

async function ask(sql: WarehouseSql, title: string): Promise<SqlResult> {
  const queries = namedQueries({ view: viewName, lastDays: null });
  const query = queries.find((each) => each.title === title);
  if (query === undefined) {
    throw new InternalError(`there is no query "${title}"`);
  }
  return await sql.run(query.sql);
}

/** Returns some columns of a result, in the given order. */
function valuesOf({ columns, rows }: SqlResult, names: readonly string[]): (readonly SqlValue[])[] {
  const indexes = names.map((name) => columns.findIndex((column) => column.name === name));
  return rows.map((row) => indexes.map((index) => row[index] ?? null));
}

function tableOf(columns: readonly string[], rows: readonly (readonly SqlValue[])[]): string {
  const cells = rows.slice(0, shownRows).map((row) => row.map(timeCell));
  const rest = rows.length - cells.length;
  return renderTable(columns, cells, { rest: rest > 0 ? '… and more' : null });
}
