/**
 * A fast parser for pages of rows: puts the long integers in the text into quotes, then calls `JSON.parse` without a
 * reviver. Pure.
 *
 * `parseExactJson` handles any JSON, but its reviver is called for each value. Without this parser, a first sync of
 * 100,000 rows takes 23 % more CPU time (2.23 s instead of 1.82 s, minima of 6). Returns exactly the same result, or
 * null if it cannot.
 */

/** The members that need exact numbers. */
interface PlainShape {
  /** The document's member that is the list of rows. */
  readonly list: string;
  /** Members of a row that are integers of any length. Names consist of ASCII letters and underscores. */
  readonly integers: readonly string[];
  /** Members of a row that are safe integers in any notation. */
  readonly safeNumbers: readonly string[];
}

/** An escaped ASCII letter or underscore could hide one of the names. No serializer writes one. */
const escapedLetter = /\\u00[4-7]/i;
/** Marks the digits that were put into quotes. Text that already contains it is left to the exact parser. */
const mark = '\u007f';

/** Makes a parser for one shape. It returns the same document as `parseExactJson`, or null if it cannot be sure. */
export function plainReader(shape: PlainShape): (text: string) => Readonly<Record<string, unknown>> | null {
  // A quote inside a text follows a backslash, so this matches only member names.
  const member = new RegExp(`(?<!\\\\)"(${shape.integers.join('|')})"\\s*:\\s*(-?[1-9]\\d{0,19}|0)(?=[\\s,}])`, 'g');
  return (text) => {
    if (text.includes(mark) || escapedLetter.test(text)) {
      return null;
    }
    const body = parseJson(text.replace(member, `"$1":"${mark}$2"`));
    const rows = isObject(body) ? body[shape.list] : undefined;
    if (!isObject(body) || !Array.isArray(rows) || shape.integers.some((name) => name in body)) {
      return null;
    }
    return rows.every((row: unknown) => isObject(row) && makeExact(row, shape)) ? body : null;
  };
}

/** Turns a row's marked digits into integers. Returns false if the row is not flat or contains other numbers. */
function makeExact(row: Record<string, unknown>, shape: PlainShape): boolean {
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'string' && value.startsWith(mark)) {
      const digits = value.slice(mark.length);
      const number = Number(digits);
      row[name] = Number.isSafeInteger(number) ? number : BigInt(digits);
    } else if (mayDiffer(value) && !(Number.isSafeInteger(value) && shape.safeNumbers.includes(name))) {
      return false;
    }
  }
  return true;
}

/** Returns whether `JSON.parse` may have lost something. */
function mayDiffer(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'object' && value !== null);
}

/** Returns undefined for text that is not JSON, which the exact parser then reports. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
