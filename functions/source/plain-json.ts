/**
 * The quick way to read a page of rows: by `JSON.parse` alone, after the long integers in the text were put into quotes.
 *
 * `parseExactJson` is right for any JSON, but calls back for each value. Without this reader a first sync of 100,000 rows
 * takes 23 % more CPU time (2.23 s in place of 1.82 s, minima of 6). This reads what can be read without it to the very same
 * result, and returns null where it cannot. Pure.
 */

/** What to look for. */
export interface PlainShape {
  /** The member of the document that is the list of rows. */
  readonly list: string;
  /** Members of a row that are integers of any length; plain ASCII letters and underscores. */
  readonly integers: readonly string[];
  /** Members of a row that are safe integers, however they are written. */
  readonly safeNumbers: readonly string[];
}

/** An ASCII letter or underscore that is escaped, as no serializer does: it could hide a name that is looked for. */
const escapedLetter = /\\u00[4-7]/i;
/** Stands before the digits that were put into quotes; a text that holds it already is left to the exact parser. */
const mark = '\u007f';

/** Makes a reader for one shape. It returns the document as `parseExactJson` would, or null where it cannot vouch for that. */
export function plainReader(shape: PlainShape): (text: string) => Readonly<Record<string, unknown>> | null {
  // A quote within a text has a backslash before it, so what this matches is the name of a member.
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

/** Turns a row's marked digits into integers. Returns false if the row is not flat, or holds other numbers. */
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

/** Whether `JSON.parse` may give less than was written. */
function mayDiffer(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'object' && value !== null);
}

/** Returns undefined for what is not JSON: the exact parser then says so. */
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
