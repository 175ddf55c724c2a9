import { describe, expect, it } from 'vitest';
import type { Execution } from '../../functions/model.ts';
import { isOpen } from '../../functions/model.ts';
import { parsePage } from '../../functions/source/wire.ts';
import { newYearMs } from '../support/builders.ts';
import { full, page, pageOf, rowText } from './page-texts.ts';

function readOne(changes: Record<string, string | undefined> = {}): Execution {
  const { executions, unreadable } = pageOf(rowText(changes));
  expect(unreadable).toEqual([]);
  return executions[0]!;
}

describe('a row', () => {
  it('is parsed with all documented fields and exact ids', () => {
    expect(readOne()).toEqual({
      id: 9_007_199_254_740_993_123n,
      name: 'orders not empty',
      taskId: 1_234_567_890_123_456_789n,
      taskType: 'QUALITY_TASK',
      runStatus: 'SUCCESS',
      notifyStatus: 'NOT_TRIGGERED',
      startTimeMs: 1_767_225_600_000,
      endTimeMs: 1_767_225_660_000,
      extra: null,
    });
  });

  it('requires only an id and a start time', () => {
    const nothing = { name: null, taskId: null, taskType: null, runStatus: null, notifyStatus: null, endTimeMs: null };
    const expected = { id: 5n, startTimeMs: 1_767_225_600_000, extra: null, ...nothing };
    expect(pageOf('{"id":5,"start_time":1767225600000}').executions).toEqual([expected]);
    const nulls = Object.fromEntries(Object.keys(full).map((name) => [name, 'null']));
    expect(readOne({ ...nulls, id: '5', start_time: '1767225600000' })).toEqual(expected);
  });

  it('a row with id -0 has the id 0', () => {
    expect(readOne({ id: '-0', task_id: '-0' })).toMatchObject({ id: 0n, taskId: 0n });
  });

  it.each([
    ['978307200000', 978_307_200_000],
    ['253402214399999', 253_402_214_399_999],
    ['1.767225600000e12', 1_767_225_600_000],
    ['1767225600000.0', 1_767_225_600_000],
  ])('may start at %s', (text, startTimeMs) => {
    expect(readOne({ start_time: text }).startTimeMs).toBe(startTimeMs);
  });
});

describe('an optional field with an unusable value', () => {
  it.each([
    ['end_time', '-1'],
    ['end_time', '0'],
    ['end_time', '""'],
    ['end_time', '"null"'],
    ['end_time', '"-"'],
    ['end_time', '"2026-01-01"'],
    ['end_time', 'false'],
    ['end_time', '{}'],
    ['end_time', '1767225660000.25'],
    // A time in seconds, and one before the start.
    ['end_time', '1767225660'],
    ['end_time', '1767225599999'],
    ['end_time', '253402300800000'],
    ['end_time', '12345678901234567890'],
    ['task_id', '"x"'],
    ['task_id', '1.0'],
    ['task_id', '9223372036854775808'],
    ['task_id', '""'],
    ['name', '5'],
    ['name', '["a"]'],
    ['task_type', '1'],
    ['run_status', 'false'],
    ['notify_status', '{}'],
    ['notity_status', '0'],
  ])('is null, and kept in extra as the source wrote it: %s %s', (field, value) => {
    const { extra, ...execution } = readOne({ notity_status: undefined, [field]: value });
    expect(extra).toBe(`{"${field}":${value}}`);
    const { extra: none, ...plain } = readOne({ notity_status: undefined, [field]: 'null' });
    expect(execution).toEqual(plain);
    expect(none).toBeNull();
  });

  it.each([
    ['RUNNING', '-1', true],
    ['SUSPENDING', '""', true],
    ['SUCCESS', '0', false],
    ['FAILED', '"null"', false],
    ['SUCCESS', 'null', true],
    ['SUCCESS', undefined, true],
  ])('leaves an execution open if its status is open: %s with end_time %s', (status, value, expected) => {
    expect(isOpen(readOne({ run_status: `"${status}"`, end_time: value }))).toBe(expected);
  });

  it('is distinguished from an undocumented field that contains its name', () => {
    expect(isOpen(readOne({ end_time: 'null', more: '{"end_time":1}' }))).toBe(true);
  });
});

it('numbers written as text are parsed as exact numbers', () => {
  expect(
    readOne({ id: '"1012386207306600401"', task_id: '"-9223372036854775808"', end_time: '"1767225660000"' }),
  ).toMatchObject({ id: 1012386207306600401n, taskId: -(2n ** 63n), endTimeMs: 1_767_225_660_000, extra: null });
  expect(readOne({ start_time: '"1767225600000"' }).startTimeMs).toBe(1_767_225_600_000);
});

describe('the notification status', () => {
  it.each([
    ['notity_status', { notity_status: '"FAILED"', notify_status: undefined }],
    ['notify_status', { notity_status: undefined, notify_status: '"FAILED"' }],
    ['both, with one value', { notity_status: '"FAILED"', notify_status: '"FAILED"' }],
    ['notity_status beside a null', { notity_status: '"FAILED"', notify_status: 'null' }],
    ['notify_status beside a null', { notity_status: 'null', notify_status: '"FAILED"' }],
  ])('is read from %s', (_name, spelling) => {
    expect(readOne(spelling)).toMatchObject({ notifyStatus: 'FAILED', extra: null });
  });

  it('is notify_status if the two differ, and the other is kept', () => {
    expect(readOne({ notity_status: '"SUCCESS"', notify_status: '"FAILED"', zone: '1' })).toMatchObject({
      notifyStatus: 'FAILED',
      extra: '{"notity_status":"SUCCESS","zone":1}',
    });
  });
});

describe('undocumented fields', () => {
  it('are sorted by name at every level', () => {
    const extra = readOne({ zulu: '1', alpha: '{"y": [ {"d":1,"c":2} ], "x":2}', '10': '3', '9': '4' }).extra;
    expect(extra).toBe('{"10":3,"9":4,"alpha":{"x":2,"y":[{"c":2,"d":1}]},"zulu":1}');
  });

  it('may have names with a meaning in JavaScript', () => {
    expect(readOne({ __proto__x: '0' }).extra).toBe('{"__proto__x":0}');
    const [row] = pageOf(
      '{"id":1,"start_time":1767225600000,"__proto__":{"id":2},"constructor":1,"toString":"x"}',
    ).executions;
    expect(row).toMatchObject({ id: 1n, extra: '{"__proto__":{"id":2},"constructor":1,"toString":"x"}' });
  });

  it('keep the ids in them exact', () => {
    expect(readOne({ parent: '{"id":9007199254740993123,"at":1.0}' }).extra).toBe(
      '{"parent":{"at":1.0,"id":9007199254740993123}}',
    );
  });
});

it.each(['\\u0069d', 'i\\u0064'])(
  'an id whose name is written with escapes is not confused with a member outside of the rows: %s',
  (name) => {
    const row = `{"${name}":9007199254740993,"start_time":1767225600000}`;
    const content = page(`{"id":9007199254740992,"resources":[${row}]}`);
    expect(content.executions.map(({ id }) => id)).toEqual([9_007_199_254_740_993n]);
  },
);

describe('the count', () => {
  it.each([
    ['0', 0],
    ['100000', 100_000],
    ['5.0', 5],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', null],
    ['-1', null],
    ['1.5', null],
    ['"5"', 5],
    ['"5 "', null],
    ['null', null],
    ['[]', null],
  ])('%s is %s', (text, count) => {
    expect(page(`{"count":${text},"resources":[]}`).count).toBe(count);
  });

  it('is null if it is missing', () => {
    expect(page('{"resources":[]}')).toEqual({ count: null, executions: [], unreadable: [], receivedAtMs: newYearMs });
  });
});

describe('a body that is not a page', () => {
  it.each(['', ' ', '{', '<html></html>', '{"count":1,"resources":[{"id":1', '{"resources":[]}]', 'undefined'])(
    'is not JSON: %s',
    (text) => {
      expect(parsePage(text, newYearMs)).toEqual({ problem: 'it is not JSON' });
    },
  );

  it.each([
    'null',
    '5',
    '"x"',
    '[]',
    '{}',
    '{"resources":null}',
    '{"resources":{}}',
    '{"count":1}',
    '{"count":1,"resources":null}',
    '{"count":null,"resources":null}',
    '{"count":"none"}',
    '{"count":0,"resources":{}}',
    '{"count":0,"resources":false}',
    '{"count":0,"data":[]}',
    '{"count":0,"resources":null,"error_code":"DQC.0001"}',
    '[{"resources":[]}]',
  ])('has no resources: %s', (text) => {
    expect(parsePage(text, newYearMs)).toEqual({ problem: 'it has no array "resources"' });
  });

  it('may be one that is nested too deep', () => {
    const deep = '['.repeat(200_000);
    expect(parsePage(deep, newYearMs)).toEqual({ problem: 'it is not JSON' });
    const rows = `{"resources":[${deep}${']'.repeat(200_000)}]}`;
    expect(parsePage(rows, newYearMs)).toEqual({ problem: 'it is nested too deep' });
  });
});

it('a page may contain other fields, resources twice (of which the last counts), and a byte order mark', () => {
  const text = `{"resources":[null],"more":{"resources":[1]},"count":2,"resou\\u0072ces":[${rowText()}, {"id":""}]}`;
  const { executions, unreadable, count } = page(text);
  expect([count, executions.length]).toEqual([2, 1]);
  expect(unreadable.map(({ rawText }) => rawText)).toEqual(['{"id":""}']);
});
