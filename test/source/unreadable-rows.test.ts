import { describe, expect, it } from 'vitest';
import type { UnreadableRow } from '../../functions/model.ts';
import { parseExactJson, writeExactJson } from '../../functions/source/exact-json.ts';
import { pageOf, rowText } from './page-texts.ts';

function exact(text: string): string {
  return writeExactJson(parseExactJson(text));
}

function refuseOne(row: string): UnreadableRow {
  const { executions, unreadable } = pageOf(row);
  expect(executions).toEqual([]);
  expect(unreadable).toHaveLength(1);
  return unreadable[0]!;
}

describe('a row that is not an execution', () => {
  it.each([
    [{ id: undefined }, 'id is missing'],
    [{ id: 'null' }, 'id is null'],
    [{ id: '1.5' }, 'id is not an integer: 1.5'],
    [{ id: '1e3' }, 'id is not an integer: 1e3'],
    [{ id: 'true' }, 'id is not an integer: true'],
    [{ id: '[1]' }, 'id is not an integer: [1]'],
    [{ id: '{"a":1}' }, 'id is not an integer: {"a":1}'],
    [{ id: '9223372036854775808' }, 'id does not fit 64 bits: 9223372036854775808'],
    [{ id: '-9223372036854775809' }, 'id does not fit 64 bits: -9223372036854775809'],
    [{ id: '1234567890123456789012345' }, 'id does not fit 64 bits: 1234567890123456789012345'],
    [{ start_time: undefined }, 'start_time is missing'],
    [{ start_time: 'null' }, 'start_time is null'],
    [{ start_time: '"2026-01-01"' }, 'start_time is not an integer of epoch milliseconds: "2026-01-01"'],
    [{ start_time: '1767225600000.5' }, 'start_time is not an integer of epoch milliseconds: 1767225600000.5'],
    [{ start_time: '1767225600' }, 'start_time is not from 2001-01-01 to 9999-12-30: 1767225600'],
    [{ start_time: '978307199999' }, 'start_time is not from 2001-01-01 to 9999-12-30: 978307199999'],
    [{ start_time: '253402214400000' }, 'start_time is not from 2001-01-01 to 9999-12-30: 253402214400000'],
    [{ start_time: '1e9' }, 'start_time is not from 2001-01-01 to 9999-12-30: 1e9'],
    [{ start_time: '0' }, 'start_time is not from 2001-01-01 to 9999-12-30: 0'],
    [{ start_time: '-1767225600000' }, 'start_time is not from 2001-01-01 to 9999-12-30: -1767225600000'],
    [
      { start_time: '17672256000000000000' },
      'start_time is not an integer of epoch milliseconds: 17672256000000000000',
    ],
    [
      { start_time: '17672256000000000001' },
      'start_time is not an integer of epoch milliseconds: 17672256000000000001',
    ],
    [{ start_time: '""' }, 'start_time is not an integer of epoch milliseconds: ""'],
    [{ id: '"12a"' }, 'id is not an integer: "12a"'],
    [{ id: '"007"' }, 'id is not an integer: "007"'],
    [{ id: '""' }, 'id is not an integer: ""'],
  ])('is kept completely, with the reason: %j', (changes, reason) => {
    const rawText = rowText(changes);
    const startTimeMs = 'id' in changes ? JSON.parse(rowText({})).start_time : null;
    expect(refuseOne(rawText)).toEqual({ rawText: exact(rawText), reason, startTimeMs });
  });

  it.each(['null', '5', '"text"', '[1, 2]', 'true', '1.50', '12345678901234567890'])(
    'may be any JSON value: %s',
    (row) => {
      const reason = `the row is not an object: ${exact(row)}`;
      expect(refuseOne(row)).toEqual({ rawText: exact(row), reason, startTimeMs: null });
    },
  );

  it('is kept with exact numbers and sorted keys', () => {
    const row = '{ "id" : "\\u0031x",\n\t"b":{"b":[1.10,{}]},"a":12345678901234567890 }';
    expect(refuseOne(row).rawText).toBe('{"a":12345678901234567890,"b":{"b":[1.10,{}]},"id":"1x"}');
  });

  it('does not affect other rows, and keeps its own text', () => {
    const rows = [rowText({ id: '1' }), '{"id":"]"}', rowText({ id: '2' }), 'null', rowText({ id: '3' })];
    const { executions, unreadable } = pageOf(...rows);
    expect(executions.map(({ id }) => id)).toEqual([1n, 2n, 3n]);
    expect(unreadable.map(({ rawText }) => rawText)).toEqual(['{"id":"]"}', 'null']);
  });

  it('has a short reason for a long value', () => {
    const { reason, rawText } = refuseOne(rowText({ id: `"${'x'.repeat(10_000)}"` }));
    expect(reason.length).toBeLessThan(120);
    expect(rawText.length).toBeGreaterThan(10_000);
  });
});
