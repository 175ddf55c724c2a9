import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson, writeExactJson } from '../../functions/source/exact-json.ts';
import { parsePage } from '../../functions/source/wire.ts';
import { newYearMs } from '../support/builders.ts';
import { page } from './page-texts.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const earliestMs = 978_307_200_000;
const startMs = fc.integer({ min: earliestMs, max: 253_402_214_399_999 });
const timeMs = fc.integer({ min: earliestMs, max: 253_402_300_799_999 });
const text = fc.string({ unit: 'binary' });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

/** JSON text of a number, in any form. */
const numberText = fc.oneof(
  fc.bigInt().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(fc.boolean(), fc.nat(), fc.stringMatching(/^[0-9]{1,25}$/), fc.integer({ min: -999, max: 999 }))
    .map(([minus, whole, fraction, exponent]) => `${minus ? '-' : ''}${whole}.${fraction}e${exponent}`),
);

/** JSON text with blanks, unusual numbers, any strings and unique keys. */
const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    numberText,
    text.map((value) => JSON.stringify(value)),
    fc.constantFrom('null', 'true', 'false', '[]', '{}'),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => `[ ${values.join(' ,')} ]`),
    fc
      .uniqueArray(fc.tuple(text, tie('value')), { maxLength: 4, selector: ([key]) => key })
      .map((members) => `{\n${members.map(([key, value]) => `${JSON.stringify(key)} :\t${value}`).join(',')}}`),
  ),
})).value;

describe('the parser of pages', () => {
  it('returns every execution exactly', () => {
    const row = fc
      .record({
        id: int64,
        name: maybe(text),
        taskId: maybe(int64),
        taskType: maybe(text),
        runStatus: maybe(text),
        notifyStatus: maybe(text),
        startTimeMs: startMs,
        endTimeMs: maybe(timeMs),
      })
      // Other tests cover ends before the start.
      .filter(({ startTimeMs, endTimeMs }) => endTimeMs === null || endTimeMs >= startTimeMs);
    fc.assert(
      fc.property(fc.array(row), maybe(fc.nat()), fc.boolean(), (rows, count, newSpelling) => {
        const texts = rows.map(
          (one) =>
            `{"id":${one.id},"name":${JSON.stringify(one.name)},"task_id":${one.taskId},` +
            `"task_type":${JSON.stringify(one.taskType)},"run_status":${JSON.stringify(one.runStatus)},` +
            `"${newSpelling ? 'notify' : 'notity'}_status":${JSON.stringify(one.notifyStatus)},` +
            `"start_time":${one.startTimeMs},"end_time":${one.endTimeMs}}`,
        );
        expect(page(`{"count":${count},"resources":[${texts.join()}]}`)).toEqual({
          receivedAtMs: newYearMs,
          count,
          executions: rows.map((one) => ({ ...one, extra: null })),
          unreadable: [],
        });
      }),
    );
  });

  it('returns each row as an execution or as an unreadable row with exact numbers', () => {
    fc.assert(
      fc.property(fc.array(jsonText), (rows) => {
        const content = page(`{"resources": [${rows.join(' , ')}], "count": 1}`);
        expect(content).toMatchObject({ count: 1, executions: [] });
        expect(content.unreadable.map(({ rawText }) => rawText)).toEqual(
          rows.map((row) => writeExactJson(parseExactJson(row))),
        );
      }),
    );
  });

  it('keeps every undocumented value', () => {
    fc.assert(
      fc.property(jsonText, (value) => {
        const [execution] = page(`{"resources":[{"id":1,"start_time":1767225600000,"more":${value}}]}`).executions;
        const extra = execution?.extra;
        expect(parseExactJson(extra ?? '')).toEqual({ more: parseExactJson(value) });
      }),
    );
  });

  it('never throws for any text', () => {
    fc.assert(
      fc.property(fc.oneof(text, jsonText), fc.nat(), (whole, cut) => {
        const cutText = `{"count":1,"resources":[${whole}]}`.slice(0, cut);
        for (const one of [whole, cutText]) {
          expect(Object.keys(parsePage(one, newYearMs))).toEqual([expect.stringMatching(/^(value|problem)$/)]);
        }
      }),
    );
  });
});

describe('exact JSON', () => {
  it('writes every number as it was parsed', () => {
    fc.assert(
      fc.property(numberText, (number) => {
        expect(writeExactJson(parseExactJson(number))).toBe(number);
      }),
    );
  });

  it('is stable: written text is parsed and written unchanged', () => {
    fc.assert(
      fc.property(jsonText, (value) => {
        const written = writeExactJson(parseExactJson(value));
        expect(writeExactJson(parseExactJson(written))).toBe(written);
        expect(JSON.parse(written)).toEqual(JSON.parse(value));
      }),
    );
  });
});
