/**
 * The instance list's reply, text to executions. The table of columns has the documented fields and their kinds.
 *
 * Pure. Nothing is lost: what is not documented goes to `extra`, a row that is no execution is kept whole with the reason.
 * Source: API reference of DataArts Quality, "Querying the Instance List".
 */

import type { EpochMs, Execution, Page, UnreadableRow } from '../model.ts';
import { type ColumnKind, wireColumns } from '../warehouse/columns.ts';
import { ExactNumber, parseExactJson, writeExactJson, writeMembers } from './exact-json.ts';
import { plainReader } from './plain-json.ts';

/** What a body holds, or why it is not a page at all; the latter happens when a reply is cut off, and is worth a retry. */
export type PageContent =
  | ({ readonly isPage: true } & Pick<Page, 'count' | 'executions' | 'unreadable'>)
  | { readonly isPage: false; readonly problem: string };

const earliestStartMs: EpochMs = 978_307_200_000; // 2001-01-01T00:00:00.000Z
const latestTimeMs: EpochMs = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

const documentedFields: ReadonlySet<string> = new Set(wireColumns.flatMap(({ wireFields }) => wireFields));

/** A JSON object as it was parsed. */
export type WireObject = Readonly<Record<string, unknown>>;

/**
 * Reads a page's text. Never throws: what cannot be read is in `unreadable` or is the `problem`.
 */
export function parsePage(text: string): PageContent {
  const body = readPlain(text);
  const content = body === null ? null : readBody(body);
  // The reason why a row is unreadable quotes numbers as they were written, which only the exact parser knows.
  return content?.isPage && content.unreadable.length === 0 ? content : parseExactPage(text);
}

const readPlain = plainReader({
  list: 'resources',
  integers: fieldsOf('int64'),
  safeNumbers: fieldsOf('timestamp-ms-utc'),
});

function fieldsOf(kind: ColumnKind): string[] {
  return wireColumns.filter((column) => column.kind === kind).flatMap(({ wireFields }) => wireFields);
}

/** Any page at all. A value that is nested thousands deep fails the page: no serializer writes one. */
function parseExactPage(text: string): PageContent {
  try {
    return readBody(parseExactJson(text));
  } catch (error) {
    return notAPage(error instanceof RangeError ? 'it is nested too deep' : 'it is not JSON');
  }
}

function readBody(body: unknown): PageContent {
  const rows = rowsOf(body);
  if (rows === null) {
    return notAPage('it has no array "resources"');
  }
  const executions: Execution[] = [];
  const unreadable: UnreadableRow[] = [];
  for (const row of rows) {
    const read = readRow(row);
    if (typeof read === 'string') {
      unreadable.push({ rawText: writeExactJson(row), reason: read, startTimeMs: startOf(row) });
    } else {
      executions.push(read);
    }
  }
  return { isPage: true, count: countOf(body), executions, unreadable };
}

function notAPage(problem: string): PageContent {
  return { isPage: false, problem };
}

/** Returns the rows of a list; null where there are none to read. */
export function rowsOf(body: unknown): readonly unknown[] | null {
  if (!isWireObject(body)) {
    return null;
  }
  const rows = body['resources'];
  return Array.isArray(rows) ? rows : isEmptyList(body) ? [] : null;
}

/**
 * Whether an empty list is written as null, or left out, as some serializers do with it. Where it is left out, a count of 0
 * proves nothing beside anything else: that may be an error, or rows under another name.
 */
function isEmptyList(body: WireObject): boolean {
  if (countOf(body) !== 0 || (body['error_code'] ?? null) !== null) {
    return false;
  }
  return (
    body['resources'] === null || Object.entries(body).every(([name, value]) => name === 'count' || value === null)
  );
}

/** Returns the `count` of a list; null where there is no usable one. */
export function countOf(body: unknown): number | null {
  const count = isWireObject(body) ? integerOf(body['count']) : null;
  return count !== null && count >= 0 ? count : null;
}

/** When a row started; null where it does not say so. */
function startOf(row: unknown): EpochMs | null {
  return isWireObject(row) ? timeOf(row['start_time'], earliestStartMs) : null;
}

/** Documented fields of a row whose value is not what it should be: the original goes to `extra`. */
export type OddFields = [field: string, value: unknown][];

/**
 * Returns the execution, or the reason why the row is none. A row needs an id and a start time. An optional field with an
 * odd value does not cost the row: the field is null, and `extra` holds what the source wrote.
 */
function readRow(row: unknown): Execution | string {
  if (!isWireObject(row)) {
    return `the row is not an object: ${excerpt(row)}`;
  }
  const id = int64Of(row['id']);
  const startTimeMs = timeOf(row['start_time'], earliestStartMs);
  if (id === null || startTimeMs === null) {
    return id === null ? idProblem(row['id']) : startProblem(row['start_time']);
  }
  const odd: OddFields = [];
  const textAt = (field: string): string | null => optional(row, field, odd, textOf);
  const notityStatus = textAt('notity_status');
  const notifyStatus = textAt('notify_status') ?? notityStatus;
  if (notityStatus !== null && notityStatus !== notifyStatus) {
    odd.push(['notity_status', notityStatus]);
  }
  return {
    id,
    name: textAt('name'),
    taskId: optional(row, 'task_id', odd, int64Of),
    taskType: textAt('task_type'),
    runStatus: textAt('run_status'),
    notifyStatus,
    startTimeMs,
    // Sentinels such as 0 and -1, and seconds in place of milliseconds, all lie before the start.
    endTimeMs: optional(row, 'end_time', odd, (value) => timeOf(value, startTimeMs)),
    extra: extraOf(row, odd, documentedFields),
  };
}

/** Reads a field that may be missing or null; notes it in `odd` where `read` cannot make anything of it. */
export function optional<T>(
  row: WireObject,
  field: string,
  odd: OddFields,
  read: (value: unknown) => T | null,
): T | null {
  const value = row[field];
  if (value === null || value === undefined) {
    return null;
  }
  const result = read(value);
  if (result === null) {
    odd.push([field, value]);
  }
  return result;
}

function idProblem(value: unknown): string {
  const isLong = value instanceof ExactNumber ? /^-?[1-9]\d*$/.test(value.source) : typeof value === 'bigint';
  return absence('id', value) ?? `id ${isLong ? 'does not fit 64 bits' : 'is not an integer'}: ${excerpt(value)}`;
}

function startProblem(value: unknown): string {
  const problem =
    integerOf(value) === null ? 'is not an integer of epoch milliseconds' : 'is not in the years 2001 to 9999';
  return absence('start_time', value) ?? `start_time ${problem}: ${excerpt(value)}`;
}

function absence(field: string, value: unknown): string | null {
  return value === null || value === undefined ? `${field} is ${value === null ? 'null' : 'missing'}` : null;
}

/** Halves of surrogate pairs, which UTF-8 cannot hold, become U+FFFD here: what was read then is what the file shows. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value.toWellFormed() : null;
}

/** A 64-bit integer, also one that is written as text, as serializers do for readers that round numbers. */
export function int64Of(value: unknown): bigint | null {
  if (value instanceof ExactNumber && value.source === '-0') {
    return 0n;
  }
  const isDecimal = typeof value === 'string' && /^(0|-?[1-9]\d{0,18})$/.test(value);
  const isNumber = typeof value === 'bigint' || typeof value === 'number';
  const exact = isNumber || isDecimal ? BigInt(value) : null;
  return exact !== null && exact >= minInt64 && exact <= maxInt64 ? exact : null;
}

/** A time in epoch milliseconds between `earliestMs` and the end of the year 9999; null for anything else. */
export function timeOf(value: unknown, earliestMs: EpochMs = earliestStartMs): EpochMs | null {
  const ms = integerOf(value);
  return ms !== null && ms >= earliestMs && ms <= latestTimeMs ? ms : null;
}

/**
 * A safe integer, also where it was written as `1.7e12`, `5.0` or text: a time or a count has lost nothing by that, an id
 * might.
 */
function integerOf(value: unknown): number | null {
  const isDecimal = typeof value === 'string' && /^(0|-?[1-9]\d{0,15})$/.test(value);
  const number = value instanceof ExactNumber ? Number(value.source) : isDecimal ? Number(value) : value;
  return Number.isSafeInteger(number) && typeof number === 'number' ? number : null;
}

/** Undocumented and odd fields as JSON text, keys sorted; null where there are none. */
export function extraOf(row: WireObject, odd: OddFields, documented: ReadonlySet<string>): string | null {
  const members = odd;
  for (const field in row) {
    if (!documented.has(field)) {
      members.push([field, row[field]]);
    }
  }
  return members.length === 0 ? null : writeMembers(members);
}

/** Whether a parsed value is a JSON object. */
export function isWireObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

const maxExcerptChars = 80;

function excerpt(value: unknown): string {
  const text = writeExactJson(value);
  return text.length <= maxExcerptChars ? text : `${text.slice(0, maxExcerptChars)}…`;
}
