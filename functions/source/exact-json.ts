/**
 * JSON that keeps every digit: ids beyond 2^53, `1.10`, `1e400`. Pure.
 *
 * `JSON.parse` alone rounds 19-digit ids. Its reviver also receives each number's source text (ECMAScript proposal
 * "JSON.parse source text access", in V8 since Node 22).
 */

/** A number that fits neither a JS number nor a 20-digit bigint, as the source wrote it. */
export class ExactNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/**
 * Parses JSON without losing digits. A number becomes a `number` if that is written back as the same text, else a
 * `bigint` (integers of up to 20 digits), else an `ExactNumber`.
 *
 * @throws SyntaxError for text that is not JSON; RangeError for values nested thousands deep
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, reviveExactly);
}

function reviveExactly(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? exactNumber(value, context?.source ?? String(value)) : value;
}

function exactNumber(value: number, source: string): number | bigint | ExactNumber {
  // Only safe integers: 1000000000000000128 prints as 1000000000000000100, so the same text alone would not be proof.
  if (Number.isSafeInteger(value) && String(value) === source) {
    return value;
  }
  return /^-?[1-9]\d{0,19}$/.test(source) ? BigInt(source) : new ExactNumber(source);
}

/**
 * Writes a value that `parseExactJson` returned. Keys are sorted at every level, so that equal content has equal text;
 * numbers are written as the source wrote them.
 *
 * @throws RangeError for values nested thousands deep
 */
export function writeExactJson(value: unknown): string {
  if (value instanceof ExactNumber) {
    return value.source;
  }
  if (typeof value === 'bigint') {
    return value.toString();
  }
  if (Array.isArray(value)) {
    return `[${value.map((element) => writeExactJson(element)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    return writeMembers(Object.entries(value));
  }
  return JSON.stringify(value) ?? 'null';
}

/** Writes an object from its members, sorted by key. */
export function writeMembers(members: readonly (readonly [string, unknown])[]): string {
  const sorted = members.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${sorted.map(([key, member]) => `${JSON.stringify(key)}:${writeExactJson(member)}`).join(',')}}`;
}
