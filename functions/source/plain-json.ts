/**
 * A fast parser for pages of rows: puts long ids into quotes, then calls `JSON.parse` without a reviver. Pure.
 *
 * `parseExactJson` handles any JSON, but its reviver is called for each value. Without this parser, a first sync of
 * 100,000 rows takes 22 % more CPU time (1.84 s instead of 1.51 s, minima of 9).
 */

/** The members that need exact numbers. */
interface PlainShape {
  /** The document's member that is the list of rows. */
  readonly list: string;
  /** Members of a row that are 64-bit integers. Names consist of ASCII letters and underscores. */
  readonly integers: readonly string[];
  /** Members of a row that are safe integers in any notation. */
  readonly safeNumbers: readonly string[];
}

/**
 * Makes a parser for one shape. It returns the same document as `parseExactJson`, but with 64-bit integers as text; or
 * null if it cannot be sure, or if an integer is short.
 */
export function plainReader(shape: PlainShape): (text: string) => Readonly<Record<string, unknown>> | null {
  // A quote inside a string follows a backslash, so this matches only member names. Numbers of these digits fit 64 bits.
  const member = new RegExp(
    `(?<!\\\\)"(${shape.integers.join('|')})":\\s*([1-8]\\d{18}|[1-9]\\d{15,17})(?=[\\s,}])`,
    'g',
  );
  return (text) => {
    const body = parseJson(text.replace(member, '"$1":"$2"'));
    const rows = isObject(body) ? body[shape.list] : undefined;
    if (!isObject(body) || !Array.isArray(rows) || shape.integers.some((name) => name in body)) {
      return null;
    }
    return rows.every((row: unknown) => isObject(row) && isExact(row, shape)) ? body : null;
  };
}

/** Returns whether `JSON.parse` has kept all of a row: it is flat, and its numbers are known to be safe. */
function isExact(row: Record<string, unknown>, { safeNumbers }: PlainShape): boolean {
  for (const name in row) {
    const value = row[name];
    const mayDiffer = typeof value === 'number' || (typeof value === 'object' && value !== null);
    if (mayDiffer && !(Number.isSafeInteger(value) && safeNumbers.includes(name))) {
      return false;
    }
  }
  return true;
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
