import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from '../../functions/source/exact-json.ts';
import { plainReader } from '../../functions/source/plain-json.ts';

const read = plainReader({ list: 'rows', integers: ['id', 'task_id'], safeNumbers: [] });

/** Texts similar to those that the fast parser searches for. */
const trickyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('"id"', '"id":', '\\', '"', 'id', ':', '5', ',', '}', '{', ' ', '\\u0069', '9007199254740993'),
      {
        maxLength: 8,
      },
    )
    .map((pieces) => pieces.join('')),
);

const integerText = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.bigInt({ min: 9_007_199_254_740_990n, max: 9_007_199_254_740_999n }).map(String),
  fc.constantFrom('0', '-0', '5.0', '1e3', '1.5', 'null', '"5"', 'true', '{"id":5}', '[5]'),
);

/** JSON text of a member's name, possibly with an escaped letter. */
const nameText = fc.oneof(
  fc.constantFrom('"id"', '"task_id"', '"\\u0069d"', '"x\\"id"', '"id "', '"__proto__"'),
  trickyText.map((name) => JSON.stringify(name)),
);

const memberText = fc
  .tuple(
    nameText,
    fc.constantFrom(':', ' : ', '\n:\t'),
    fc.oneof(
      integerText,
      trickyText.map((text) => JSON.stringify(text)),
    ),
  )
  .map((parts) => parts.join(''));

const objectText = fc.array(memberText, { maxLength: 6 }).map((members) => `{${members.join(' ,')}}`);

describe('the fast parser of pages', () => {
  it('returns the same result as the exact parser, or none', () => {
    let readCount = 0;
    fc.assert(
      fc.property(fc.array(objectText, { maxLength: 3 }), fc.option(memberText), (rows, more) => {
        const text = `{${more === null ? '' : `${more},`}"rows":[${rows.join()}]}`;
        const plain = read(text);
        readCount += plain === null ? 0 : 1;
        expect(plain === null ? undefined : plain['rows']).toEqual(
          plain === null ? undefined : Object(parseExactJson(text)).rows,
        );
      }),
      { numRuns: 3000 },
    );
    expect(readCount).toBeGreaterThan(100);
  });

  it('parses a plain page with exact ids', () => {
    const text = '{"rows":[{"id":9007199254740993,"task_id":7},{"id":-9223372036854775808,"task_id":null,"more":"5"}]}';
    expect(read(text)).toEqual({
      rows: [
        { id: 9007199254740993n, task_id: 7 },
        { id: -9223372036854775808n, task_id: null, more: '5' },
      ],
    });
  });

  it('uses the last of two members with one name, as the exact parser does', () => {
    const text = '{"rows":[{"id":9007199254740993,"id":9007199254740995}]}';
    expect(read(text)).toEqual(parseExactJson(text));
  });

  it.each([
    ['an unknown number', '{"rows":[{"id":1,"score":98.7500}]}'],
    ['a nested value', '{"rows":[{"id":1,"detail":{"id":2}}]}'],
    ['an integer with a fraction', '{"rows":[{"id":5.0}]}'],
    ['an integer of more than 20 digits', '{"rows":[{"id":123456789012345678901}]}'],
    ['a name written with an escape', '{"rows":[{"\\u0069d":9007199254740993}]}'],
    ['a text that contains the marker', '{"rows":[{"id":1,"name":"\u007f"}]}'],
    ['the name elsewhere in the document', '{"id":9007199254740993,"rows":[{"id":9007199254740992}]}'],
    ['no list', '{"rows":{"id":1}}'],
    ['no JSON', '{"rows":[{"id":1'],
  ])('leaves %s to the exact parser', (_what, text) => {
    expect(read(text)).toBeNull();
  });
});
