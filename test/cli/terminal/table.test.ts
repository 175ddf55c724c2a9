import stringWidth from 'fast-string-width';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { showTimesIn } from '../../../functions/cli/terminal/formats.ts';
import { type Cell, renderTable } from '../../../functions/cli/terminal/table.ts';

const startMs = Date.parse('2026-11-28T06:00:05Z');
const headings = ['id', 'name', 'run_status', 'start_time', 'end_time'];
const rows: readonly (readonly Cell[])[] = [
  [1012386207306600400n, '订单完整性检查:每日凌晨', 'ALARMING', { ms: startMs }, null],
  [7n, 'a rule with a rather long name, as people give them', 'SUCCESS', { ms: startMs + 1000 }, 'x\u001b[2J'],
];
const linesAt = (width: number): string[] => renderTable(headings, rows, { width }).split('\n');

beforeEach(() => showTimesIn('Asia/Shanghai'));
afterEach(() => showTimesIn('UTC'));

describe('a table', () => {
  it('shows all values completely in a pipe, with right-aligned numbers', () => {
    expect(renderTable(headings, rows, { width: null })).toBe(
      [
        '                 id  name                                                 run_status  start_time                 end_time',
        '1012386207306600400  订单完整性检查:每日凌晨                              ALARMING    2026-11-28T14:00:05+08:00  -',
        '                  7  a rule with a rather long name, as people give them  SUCCESS     2026-11-28T14:00:06+08:00  x\\u001b[2J',
      ].join('\n'),
    );
  });

  it.each([120, 110, 100, 96, 90])(
    'fits into %i columns by shortening names, but not ids, statuses or times',
    (width) => {
      const lines = linesAt(width);
      expect(lines).toHaveLength(4);
      for (const line of lines) {
        expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }
      expect(lines[1]).toMatch(/^1012386207306600400 +订.* ALARMING +(2026-11-28 )?14:00:05 +-$/);
      expect(lines[2]?.includes('…')).toBe(width < 108);
    },
  );

  it('shortens names of few wide characters before times', () => {
    const wide: Cell[][] = ['规则', '结果'].map((end) => [
      `客户主数据唯一性校验规则规则${end}`,
      ...['ALARMING', { ms: startMs }, '5 s', 1012386207306600400n],
    ]);
    const [, row = ''] = renderTable(['name', 'run_status', 'start_time', 'took', 'id'], wide, { width: 76 }).split(
      '\n',
    );
    expect(row).toMatch(/^客户主数据唯一…验规则规则规则 +ALARMING +14:00:05 +5 s +1012386207306600400$/);
    expect(stringWidth(row)).toBeLessThanOrEqual(76);
  });

  it('cuts names in the middle, because those of one table differ at the end, and keeps characters whole', () => {
    const names = [
      'dwd_inventory_snapshot/null_check #12',
      'dwd_inventory_snapshot/null_check #13',
      '👩‍👩‍👧🇩🇪'.repeat(9),
    ];
    const [heading, ...lines] = renderTable(
      ['a-heading-that-is-too-long'],
      names.map((name) => [name]),
      {
        width: 20,
      },
    ).split('\n');
    expect(heading).toBe('a-heading-…-too-long');
    expect(lines).toEqual(['dwd_invent…check #12', 'dwd_invent…check #13', '👩‍👩‍👧🇩🇪👩‍👩‍👧🇩🇪👩‍👩‍👧…👩‍👩‍👧🇩🇪👩‍👩‍👧🇩🇪']);
  });

  it('uses a narrow gap if all values then fit completely, for example numbers', () => {
    const cells = [Array.from({ length: 8 }, (_, index) => index)];
    const names = Array.from({ length: 8 }, (_, index) => `column-${index}`);
    expect(renderTable(names, cells, { width: 78 }).split('\n')[0]).toBe(names.join('  '));
    expect(renderTable(names, cells, { width: 71 }).split('\n')[0]).toBe(names.join(' '));
    expect(renderTable(names, cells, { width: 70 }).split('\n')).toHaveLength(8);
  });

  it('moves a long text that all rows share below a table that is too wide, before it shortens names', () => {
    const workspace = '9f2e71d04c8b4be5a6d31f0c58e7b924';
    const cells = ['订单完整性检查:每日凌晨', 'order_detail/unique_key'].map((name) => [
      workspace,
      name,
      1012386207306600400n,
    ]);
    const table = (width: number) => renderTable(['workspace', 'name', 'id'], cells, { width }).split('\n');
    expect(table(80)[0]).toMatch(/^workspace /);
    expect(table(60)).toEqual([
      'name                                     id',
      '订单完整性检查:每日凌晨 1012386207306600400',
      'order_detail/unique_key 1012386207306600400',
      `workspace of every row: ${workspace}`,
    ]);
  });

  it('prints one line per value if even short names do not fit', () => {
    const lines = linesAt(40);
    expect(lines[0]).toBe('id          1012386207306600400');
    expect(lines[3]).toBe('start_time  2026-11-28T14:00:05+08:00');
    expect(lines[6]).toBe('id          7');
    expect(lines).toHaveLength(11);
  });

  it('prints one line per value of a single row that does not fit, and shortens nothing', () => {
    expect(renderTable(headings, rows.slice(1), { width: 80 })).toBe(
      [
        'id          7',
        'name        a rule with a rather long name, as people give them',
        'run_status  SUCCESS',
        'start_time  2026-11-28T14:00:06+08:00',
        'end_time    x\\u001b[2J',
      ].join('\n'),
    );
  });

  it('prints one line per value on request', () => {
    expect(renderTable(['a', 'bc'], [[1, null]], { width: null, isVertical: true })).toBe('a   1\nbc  -');
  });
});
