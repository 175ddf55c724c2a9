import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from '../../functions/source/exact-json.ts';
import { plainReader } from '../../functions/source/plain-json.ts';
import { int64Of, isWireObject } from '../../functions/source/wire.ts';

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
  fc.bigInt({ min: 2n ** 63n - 10n, max: 2n ** 63n + 10n }).map(String),
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

/** Returns the rows of a document with the values of their 64-bit integers. */
function rowsOf(body: unknown): unknown {
  const { rows } = Object(body);
  return rows.map((row: unknown) =>
    isWireObject(row)
      ? Object.fromEntries(
          Object.entries(row).map(([name, value]) => [
            name,
            /^(task_)?id$/.test(name) ? (int64Of(value) ?? value) : value,
          ]),
        )
      : row,
  );
}

describe('the fast parser of pages', () => {
  it('returns the same result as the exact parser, or none', () => {
    let readCount = 0;
    fc.assert(
      fc.property(fc.array(objectText, { maxLength: 3 }), fc.option(memberText), (rows, more) => {
        const text = `{${more === null ? '' : `${more},`}"rows":[${rows.join()}]}`;
        const plain = read(text);
        readCount += plain === null ? 0 : 1;
        if (plain !== null) {
          expect(rowsOf(plain)).toEqual(rowsOf(parseExactJson(text)));
        }
      }),
      { numRuns: 3000 },
    );
    expect(readCount).toBeGreaterThan(100);
  });

  it('keeps every digit of long ids, as text', () => {
    const text =
      '{"rows":[{"id":9007199254740993,"task_id":8999999999999999999},{"id":"7","task_id":null,"more":"5"}]}';
    expect(read(text)).toEqual({
      rows: [
        { id: '9007199254740993', task_id: '8999999999999999999' },
        { id: '7', task_id: null, more: '5' },
      ],
    });
  });

  it('uses the last of two members with one name, as the exact parser does', () => {
    const text = '{"rows":[{"id":9007199254740993,"id":9007199254740995}]}';
    expect(rowsOf(read(text))).toEqual(rowsOf(parseExactJson(text)));
  });

  it.each([
    ['an unknown number', '{"rows":[{"id":"1","score":98.7500}]}'],
    ['a nested value', '{"rows":[{"id":"1","detail":{"id":9007199254740993}}]}'],
    ['an integer with a fraction', '{"rows":[{"id":9007199254740993.0}]}'],
    ['an integer of more than 19 digits', '{"rows":[{"id":90071992547409931234}]}'],
    ['an integer that may not fit 64 bits', '{"rows":[{"id":9223372036854775807}]}'],
    ['a short or negative integer', '{"rows":[{"id":5},{"id":-9007199254740993}]}'],
    ['a name written with an escape', '{"rows":[{"\\u0069d":9007199254740993}]}'],
    ['a name that contains a quote', '{"rows":[{"id":"1","x\\"id":9007199254740993}]}'],
    ['the name elsewhere in the document', '{"id":9007199254740993,"rows":[{"id":"1"}]}'],
    ['no list', '{"rows":{"id":1}}'],
    ['no JSON', '{"rows":[{"id":1'],
  ])('leaves %s to the exact parser', (_what, text) => {
    expect(read(text)).toBeNull();
  });
});
