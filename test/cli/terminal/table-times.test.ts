/** Times in tables on a terminal: short, without doubt, and never cut. */
import stringWidth from 'fast-string-width';
import { afterEach, describe, expect, it } from 'vitest';
import { showTimesIn } from '../../../functions/cli/terminal/formats.ts';
import { type Cell, renderTable } from '../../../functions/cli/terminal/table.ts';
import { timeCell } from '../../../functions/cli/terminal/table-times.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const id = 1012386207306600400n;
const names = ['客户主数据唯一性校验规则每日', 'dwd_orders_not_null_customer_id_daily', '订单完整性检查'] as const;

/** Renders names with times, and returns the times and the note. */
function shownTimes(times: readonly string[], zone: string, width: number | null): string[] {
  showTimesIn(zone);
  const rows = times.map((time, index) => [`a-name-of-thirty-characters-ab${index}`, timeCell(time)]);
  const [, ...lines] = renderTable(['name', 'time'], rows, { width }).split('\n');
  return lines.map((line, index) => (index < times.length ? line.replace(/^\S+ +/, '') : line));
}

/** Tables of commands, with `ms` as the time of each row. */
const tables: Readonly<Record<string, readonly [string[], (name: string, ms: number) => Cell[]]>> = {
  list: [['name', 'run_status', 'start_time', 'took', 'id'], (name, ms) => [name, 'ALARMING', { ms }, '12 min', id]],
  'list --tasks': [
    ['id', 'name', 'type', 'schedule', 'last_run_time'],
    (name, ms) => [id, name, 'consistency', '1 DAY', { ms }],
  ],
  changes: [
    ['since', 'task', 'from', 'to', 'in_a_row', 'execution'],
    (name, ms) => [{ ms }, name, 'SUCCESS', 'ALARMING', 12, id],
  ],
  runs: [
    ['started', 'mode', 'window', 'rows', 'new', 'requests', 'time', 'outcome'],
    (_, ms) => [{ ms }, 'backfill', '365 d', 1_234_567, 123_456, 12_345, '12 min', 'stopped'],
  ],
};

afterEach(() => showTimesIn('UTC'));

describe('times in a table', () => {
  it.each([null, 200])('are complete in a pipe, and share their offset on a terminal: width %s', (width) => {
    const shown = shownTimes(['2026-11-28T03:02:13.123Z', '2025-01-01T00:00:00Z'], 'Asia/Shanghai', width);
    expect(shown).toEqual(
      width === null
        ? ['2026-11-28T11:02:13+08:00', '2025-01-01T08:00:00+08:00']
        : ['2026-11-28 11:02:13', '2025-01-01 08:00:00', 'times in Asia/Shanghai (+08:00)'],
    );
  });

  it.each<[string, string[], string, number, string[]]>([
    [
      'a shared year, if names would be cut otherwise',
      ['2026-11-28T03:02:13Z', '2026-01-01T00:00:00Z'],
      'UTC',
      45,
      ['11-28 03:02:13', '01-01 00:00:00', 'times of 2026 in UTC'],
    ],
    [
      'a shared date, if names would be cut otherwise',
      ['2026-11-28T03:02:13Z', '2026-11-28T00:00:00Z'],
      'UTC',
      45,
      ['03:02:13', '00:00:00', 'times of 2026-11-28 in UTC'],
    ],
    [
      'no year if there are two',
      ['2026-01-01T03:02:13Z', '2025-01-01T23:00:00Z'],
      'UTC',
      45,
      ['2026-01-01 03:02:13', '2025-01-01 23:00:00', 'times in UTC'],
    ],
    [
      'nothing if their offsets differ',
      ['2026-10-25T00:30:05Z', '2026-10-26T00:00:00Z'],
      'Europe/Berlin',
      60,
      ['2026-10-25T02:30:05+02:00', '2026-10-26T01:00:00+01:00'],
    ],
  ])('leave out %s', (_, times, zone, width, expected) => {
    expect(shownTimes(times, zone, width)).toEqual(expected);
  });

  it.each(
    Object.keys(tables).flatMap((table) =>
      ['UTC', 'Asia/Shanghai'].flatMap((zone) => [80, 100, 120].map((width) => ({ table, zone, width }))),
    ),
  )('leave room for names, and are not cut: $table in $zone at $width columns', ({ table, zone, width }) => {
    showTimesIn(zone);
    const [headings, cellsOf] = tables[table] ?? [[], () => []];
    const fromMs = Date.parse('2026-10-24T12:00:07Z');
    const rows = names.map((name, index) => cellsOf(name, fromMs + index * dayMs));
    const lines = renderTable(headings, rows, { width }).split('\n');
    expect(lines).toHaveLength(names.length + 2);
    for (const [index, line] of lines.entries()) {
      expect(stringWidth(line)).toBeLessThanOrEqual(width);
      expect(index === 0 || index > names.length || /\b\d\d-\d\d \d\d:\d\d:\d\d /.test(`${line} `)).toBe(true);
    }
    if (table !== 'runs') {
      expect(lines[1]).toMatch(new RegExp(`${names[0].slice(0, 3)}.*${names[0].slice(-3)}`));
      expect(lines[3]).toContain(names[2]);
    }
  });
});
