/**
 * The quick way to read a page of rows: by `JSON.parse` alone, with the few long integers taken from the text.
 *
 * `parseExactJson` is right for any JSON, but calls back for each value: three times the time and ten times the garbage.
 * This reads what can be read without it to the very same result, and says so where it can't. Pure.
 */

/** What to look for. */
export interface PlainShape {
  /** The member of the document that is the list of rows. */
  readonly list: string;
  /** Members of a row that are integers of any length; plain ASCII letters and underscores. */
  readonly integers: readonly string[];
  /** Members of a row whose exact digits are of no interest beyond what a JS number holds. */
  readonly safeNumbers: readonly string[];
}

/** An ASCII letter or underscore that is escaped, as no serializer does: it could hide a name that is looked for. */
const escapedLetter = /\\u00[4-7]/i;

/** Makes a reader for one shape. It gives the document as `parseExactJson` would, or null where it cannot vouch for that. */
export function plainReader(shape: PlainShape): (text: string) => Readonly<Record<string, unknown>> | null {
  // A quote within a text has a backslash before it, so what this matches is the name of a member.
  const member = new RegExp(`(?<!\\\\)"(${shape.integers.join('|')})"\\s*:\\s*(-?[1-9]\\d{0,19}|0)(?=[\\s,}])`, 'g');
  return (text) => {
    const body = parseJson(text);
    const rows = isObject(body) ? body[shape.list] : undefined;
    if (!isObject(body) || !Array.isArray(rows) || escapedLetter.test(text)) {
      return null;
    }
    member.lastIndex = 0;
    const next = (): RegExpExecArray | null => member.exec(text);
    const isExact = rows.every((row: unknown) => isObject(row) && makeExact(row, shape, next));
    // One more would mean that something else was taken for a member of a row.
    return isExact && next() === null ? body : null;
  };
}

/** Gives a row's integers the values that come next in the text. False if the row is not flat, or holds other numbers. */
function makeExact(row: Record<string, unknown>, shape: PlainShape, next: () => RegExpExecArray | null): boolean {
  for (const name in row) {
    const value = row[name];
    if (typeof value === 'number' && shape.integers.includes(name)) {
      const [, foundName, digits = ''] = next() ?? [];
      if (foundName !== name || Number(digits) !== value) {
        return false;
      }
      row[name] = Number.isSafeInteger(value) ? value : BigInt(digits);
    } else if (mayDiffer(value) && !shape.safeNumbers.includes(name)) {
      return false;
    }
  }
  return true;
}

/** Whether `JSON.parse` may give less than was written. */
function mayDiffer(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'object' && value !== null);
}

/** Undefined for what is not JSON: the exact parser then says so. */
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
