/**
 * Parses the reply of the instance list. The table of columns defines the documented fields and their kinds. Pure.
 *
 * Nothing is lost: undocumented fields go to `extra`, and a row that is not an execution is kept unchanged, with the
 * reason. Source: API reference of DataArts Quality, "Querying the Instance List".
 */

import type { EpochMs, Execution, Page, UnreadableRow } from '../model.ts';
import { type ExecutionKind, wireColumns } from '../warehouse/columns.ts';
import { ExactNumber, parseExactJson, writeExactJson, writeMembers } from './exact-json.ts';
import { plainReader } from './plain-json.ts';

/** The value of a body, or why it has none. A cut-off reply has none, and is worth a retry. */
export type Content<T> = { readonly value: T } | { readonly problem: string };

const earliestStartMs: EpochMs = 978_307_200_000; // 2001-01-01T00:00:00.000Z
// A day later, the day of a start, which is part of the keys of files, would be in the year 10000 in some time zones.
const latestStartMs: EpochMs = 253_402_214_399_999; // 9999-12-30T23:59:59.999Z
const latestTimeMs: EpochMs = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

const documentedFields: ReadonlySet<string> = new Set(wireColumns.flatMap(({ wireFields }) => wireFields));

/** A JSON object as it was parsed. */
export type WireObject = Readonly<Record<string, unknown>>;

/** Parses a page. Never throws: unreadable rows are in `unreadable`, an unreadable page is a `problem`. */
export function parsePage(text: string, receivedAtMs: EpochMs): Content<Page> {
  const body = readPlain(text);
  const content = body === null ? null : readPage(body, receivedAtMs);
  // Reasons for unreadable rows quote numbers as they were written, which only the exact parser knows.
  const isExact = content !== null && 'value' in content && content.value.unreadable.length === 0;
  return isExact ? content : parseBody(text, (exact) => readPage(exact, receivedAtMs));
}

const readPlain = plainReader({
  list: 'resources',
  integers: fieldsOf('int64'),
  safeNumbers: fieldsOf('timestamp-ms-utc'),
});

function fieldsOf(kind: ExecutionKind): string[] {
  return wireColumns.filter((column) => column.kind === kind).flatMap(({ wireFields }) => wireFields);
}

/** Parses any body, with exact numbers. Fails for a value nested thousands deep, which no serializer writes. */
export function parseBody<T>(text: string, read: (body: unknown) => Content<T>): Content<T> {
  try {
    return read(parseExactJson(text));
  } catch (error) {
    return { problem: error instanceof RangeError ? 'it is nested too deep' : 'it is not JSON' };
  }
}

/** Returns the rows of a body that is a list, and its count. */
export function listIn(body: unknown): Content<{ readonly rows: readonly unknown[]; readonly count: number | null }> {
  const rows = rowsOf(body);
  return rows === null ? { problem: 'it has no array "resources"' } : { value: { rows, count: countOf(body) } };
}

function readPage(body: unknown, receivedAtMs: EpochMs): Content<Page> {
  const list = listIn(body);
  if ('problem' in list) {
    return list;
  }
  const executions: Execution[] = [];
  const unreadable: UnreadableRow[] = [];
  for (const row of list.value.rows) {
    const read = readRow(row);
    if (typeof read === 'string') {
      const startTimeMs = isWireObject(row) ? startOf(row) : null;
      unreadable.push({ rawText: writeExactJson(row), reason: read, startTimeMs });
    } else {
      executions.push(read);
    }
  }
  return { value: { count: list.value.count, executions, unreadable, receivedAtMs } };
}

/** Returns the rows of a list; null if the body is not a list. A list without rows must not be an error report. */
function rowsOf(body: unknown): readonly unknown[] | null {
  if (!isWireObject(body)) {
    return null;
  }
  const rows = body['resources'];
  if (Array.isArray(rows) && rows.length > 0) {
    return rows;
  }
  const isEmpty = !reportsError(body) && (Array.isArray(rows) || isEmptyList(body));
  return isEmpty ? [] : null;
}

/** Whether a member has the name of an error, such as `error_code` or `fault`, and a value that names one. */
function reportsError(body: WireObject): boolean {
  return Object.entries(body).some(
    ([name, value]) => /err|fault/i.test(name) && ![null, false, 0, '', '0'].some((none) => value === none),
  );
}

/**
 * Returns whether the body is an empty list that was written as null or left out, as some serializers do. A count of 0
 * counts only alone, or beside null and a request id: another member may be an error or the rows under another name.
 */
function isEmptyList(body: WireObject): boolean {
  const isWritten = body['resources'] === null;
  return (
    countOf(body) === 0 &&
    Object.entries(body).every(
      ([name, value]) => name === 'count' || value === null || (isWritten && /^request_?id$/i.test(name)),
    )
  );
}

/** Returns the `count` of a list; null if there is no usable one. */
function countOf(body: unknown): number | null {
  const count = isWireObject(body) ? integerOf(body['count']) : null;
  return count !== null && count >= 0 ? count : null;
}

/** Documented fields with an invalid value. The original goes to `extra`. */
export type OddFields = [field: string, value: unknown][];

/**
 * Returns the execution, or the reason why the row is not one. A row needs an id and a start time. An optional field
 * with an invalid value does not cost the row: the field is null, and `extra` keeps the source's text.
 */
function readRow(row: unknown): Execution | string {
  if (!isWireObject(row)) {
    return `the row is not an object: ${excerpt(row)}`;
  }
  const id = int64Of(row['id']);
  const startTimeMs = startOf(row);
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
    // Sentinels such as 0 and -1, and seconds instead of milliseconds, are all before the start.
    endTimeMs: optional(row, 'end_time', odd, (value) => timeOf(value, startTimeMs)),
    extra: extraOf(row, odd, documentedFields),
  };
}

function startOf(row: WireObject): EpochMs | null {
  const startTimeMs = timeOf(row['start_time']);
  return startTimeMs !== null && startTimeMs <= latestStartMs ? startTimeMs : null;
}

/** Reads a field that may be missing or null. Records it in `odd` if `read` cannot interpret it. */
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
    integerOf(value) === null ? 'is not an integer of epoch milliseconds' : 'is not from 2001-01-01 to 9999-12-30';
  return absence('start_time', value) ?? `start_time ${problem}: ${excerpt(value)}`;
}

function absence(field: string, value: unknown): string | null {
  return value === null || value === undefined ? `${field} is ${value === null ? 'null' : 'missing'}` : null;
}

/** Replaces unpaired surrogates, which UTF-8 cannot encode, by U+FFFD, so that the files contain what was read. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value.toWellFormed() : null;
}

/** Reads a 64-bit integer, also from text: some serializers write it that way for readers that round numbers. */
export function int64Of(value: unknown): bigint | null {
  if (value instanceof ExactNumber && value.source === '-0') {
    return 0n;
  }
  const isDecimal = typeof value === 'string' && /^(0|-?[1-9]\d{0,18})$/.test(value);
  const isNumber = typeof value === 'bigint' || typeof value === 'number';
  const exact = isNumber || isDecimal ? BigInt(value) : null;
  return exact !== null && exact >= minInt64 && exact <= maxInt64 ? exact : null;
}

/** Reads a time in epoch milliseconds between `earliestMs` and the end of the year 9999; null for anything else. */
export function timeOf(value: unknown, earliestMs: EpochMs = earliestStartMs): EpochMs | null {
  const ms = integerOf(value);
  return ms !== null && ms >= earliestMs && ms <= latestTimeMs ? ms : null;
}

/** Reads a safe integer, also `1.7e12`, `5.0` or text. Times and counts lose nothing that way; an id might. */
function integerOf(value: unknown): number | null {
  const isDecimal = typeof value === 'string' && /^(0|-?[1-9]\d{0,15})$/.test(value);
  const number = value instanceof ExactNumber ? Number(value.source) : isDecimal ? Number(value) : value;
  return Number.isSafeInteger(number) && typeof number === 'number' ? number : null;
}

/** Returns undocumented and invalid fields as JSON text with sorted keys; null if there are none. */
export function extraOf(row: WireObject, odd: OddFields, documented: ReadonlySet<string>): string | null {
  const members = odd;
  for (const field in row) {
    if (!documented.has(field)) {
      members.push([field, row[field]]);
    }
  }
  return members.length === 0 ? null : writeMembers(members);
}

export function isWireObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

const maxExcerptChars = 80;

function excerpt(value: unknown): string {
  const text = writeExactJson(value);
  return text.length <= maxExcerptChars ? text : `${text.slice(0, maxExcerptChars)}…`;
}
