/**
 * The instance list's reply, text to executions: the only file that knows the field names on the wire.
 *
 * Pure. Nothing is lost: what is not documented goes to `extra`, a row that is no execution is kept whole with the reason.
 * Source: API reference of DataArts Quality, "Querying the Instance List".
 */

import type { EpochMs, Execution, Page, UnreadableRow } from '../model.ts';
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

const documentedFields: ReadonlySet<string> = new Set([
  'id',
  'name',
  'task_id',
  'task_type',
  'run_status',
  'notity_status',
  'notify_status',
  'start_time',
  'end_time',
]);

type WireObject = Readonly<Record<string, unknown>>;

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
  integers: ['id', 'task_id'],
  safeNumbers: ['start_time', 'end_time'],
});

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
      unreadable.push({ rawText: writeExactJson(row), reason: read });
    } else {
      executions.push(read);
    }
  }
  return { isPage: true, count: countOf(body), executions, unreadable };
}

function notAPage(problem: string): PageContent {
  return { isPage: false, problem };
}

/** The rows; null where there are none to read. */
function rowsOf(body: unknown): readonly unknown[] | null {
  if (!isWireObject(body)) {
    return null;
  }
  const rows = body['resources'];
  return Array.isArray(rows) ? rows : saysNothingButZero(body) ? [] : null;
}

/**
 * Whether an empty list is left out, or null, as some serializers do with it. Beside anything else a count of 0 proves
 * nothing: that may be an error, or rows under another name.
 */
function saysNothingButZero(body: WireObject): boolean {
  return countOf(body) === 0 && Object.entries(body).every(([name, value]) => name === 'count' || value === null);
}

function countOf(body: unknown): number | null {
  const count = isWireObject(body) ? integerOf(body['count']) : null;
  return count !== null && count >= 0 ? count : null;
}

/** The execution, or the reason why the row is none. */
function readRow(row: unknown): Execution | string {
  if (!isWireObject(row)) {
    return `the row is not an object: ${excerpt(row)}`;
  }
  const reason = problemOf(row);
  if (reason !== null) {
    return reason;
  }
  const id = int64Of(row['id']);
  const startTimeMs = integerOf(row['start_time']);
  if (id === null || startTimeMs === null) {
    return 'id or start_time is missing';
  }
  const notifyStatus = textOf(row['notify_status']) ?? textOf(row['notity_status']);
  return {
    id,
    name: textOf(row['name']),
    taskId: int64Of(row['task_id']),
    taskType: textOf(row['task_type']),
    runStatus: textOf(row['run_status']),
    notifyStatus,
    startTimeMs,
    endTimeMs: integerOf(row['end_time']),
    extra: extraOf(row, notifyStatus),
  };
}

function problemOf(row: WireObject): string | null {
  return (
    int64Problem(row, 'id', false) ??
    timeProblem(row, 'start_time', earliestStartMs, false) ??
    (hasNotEnded(row) ? null : timeProblem(row, 'end_time', 0, true)) ??
    int64Problem(row, 'task_id', true) ??
    textProblem(row, 'name') ??
    textProblem(row, 'task_type') ??
    textProblem(row, 'run_status') ??
    textProblem(row, 'notify_status') ??
    textProblem(row, 'notity_status')
  );
}

/**
 * An empty text stands where others write null: nothing is garbled about the row, so it is no case for quarantine, from
 * which an execution that is settled later would never come back. Any other text may be a time, and is not guessed at.
 */
function hasNotEnded(row: WireObject): boolean {
  return row['end_time'] === '';
}

function int64Problem(row: WireObject, field: string, mayBeAbsent: boolean): string | null {
  const value = row[field];
  if (value === null || value === undefined) {
    return mayBeAbsent ? null : absence(field, value);
  }
  if (value instanceof ExactNumber && /^-?[1-9]\d*$/.test(value.source)) {
    return `${field} does not fit 64 bits: ${excerpt(value)}`;
  }
  const exact = int64Of(value);
  if (exact === null) {
    return `${field} is not an integer: ${excerpt(value)}`;
  }
  return exact < minInt64 || exact > maxInt64 ? `${field} does not fit 64 bits: ${excerpt(value)}` : null;
}

function timeProblem(row: WireObject, field: string, earliestMs: EpochMs, mayBeAbsent: boolean): string | null {
  const value = row[field];
  if (value === null || value === undefined) {
    return mayBeAbsent ? null : absence(field, value);
  }
  const ms = integerOf(value);
  if (ms === null) {
    return `${field} is not an integer of epoch milliseconds: ${excerpt(value)}`;
  }
  const years = earliestMs === 0 ? '1970 to 9999' : '2001 to 9999';
  return ms < earliestMs || ms > latestTimeMs ? `${field} is not in the years ${years}: ${excerpt(value)}` : null;
}

function textProblem(row: WireObject, field: string): string | null {
  const value = row[field];
  return value === null || value === undefined || typeof value === 'string'
    ? null
    : `${field} is not text: ${excerpt(value)}`;
}

function absence(field: string, value: null | undefined): string {
  return `${field} is ${value === null ? 'null' : 'missing'}`;
}

/** Halves of surrogate pairs, which UTF-8 cannot hold, become U+FFFD here: what was read then is what the file shows. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value.toWellFormed() : null;
}

function int64Of(value: unknown): bigint | null {
  if (value instanceof ExactNumber && value.source === '-0') {
    return 0n;
  }
  return typeof value === 'bigint' ? value : typeof value === 'number' ? BigInt(value) : null;
}

/** A safe integer, also where it was written as `1.7e12` or `5.0`: a time or a count has lost nothing by that, an id might. */
function integerOf(value: unknown): number | null {
  const number = value instanceof ExactNumber ? Number(value.source) : value;
  return Number.isSafeInteger(number) && typeof number === 'number' ? number : null;
}

/** Undocumented fields as JSON text, keys sorted; null where there are none. */
function extraOf(row: WireObject, notifyStatus: string | null): string | null {
  const members: [string, unknown][] = [];
  for (const field in row) {
    if (!documentedFields.has(field)) {
      members.push([field, row[field]]);
    }
  }
  const notityStatus = row['notity_status'];
  if (typeof notityStatus === 'string' && notityStatus !== notifyStatus) {
    members.push(['notity_status', notityStatus]);
  }
  return members.length === 0 ? null : writeMembers(members);
}

function isWireObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}

const maxExcerptChars = 80;

function excerpt(value: unknown): string {
  const text = writeExactJson(value);
  return text.length <= maxExcerptChars ? text : `${text.slice(0, maxExcerptChars)}…`;
}
