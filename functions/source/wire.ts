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
import { rowTexts } from './row-texts.ts';
import { SharedTexts } from './shared-texts.ts';

/** What a body holds, or why it is not a page at all; the latter happens when a reply is cut off, and is worth a retry. */
export type PageContent =
  | ({ readonly isPage: true } & Pick<Page, 'count' | 'executions' | 'unreadable'>)
  | { readonly isPage: false; readonly problem: string };

const earliestStartMs: EpochMs = 978_307_200_000; // 2001-01-01T00:00:00.000Z
const latestTimeMs: EpochMs = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

const documentedFields: ReadonlySet<string> = new Set(wireColumns.flatMap(({ wireFields }) => wireFields));

type WireObject = Readonly<Record<string, unknown>>;

/**
 * Reads a page's text. Never throws: what cannot be read is in `unreadable` or is the `problem`.
 *
 * @param texts of the pages before, to share equal ones with
 */
export function parsePage(text: string, texts: SharedTexts = new SharedTexts()): PageContent {
  const body = readPlain(text);
  const content = body === null ? null : readBody(body, text, texts);
  // The reason why a row is unreadable quotes numbers as they were written, which only the exact parser knows.
  return content?.isPage && content.unreadable.length === 0 ? content : parseExactPage(text, texts);
}

const readPlain = plainReader({
  list: 'resources',
  integers: fieldsOf('int64'),
  safeNumbers: fieldsOf('timestamp-ms-utc'),
});

function fieldsOf(kind: ColumnKind): string[] {
  return wireColumns.filter((column) => column.kind === kind).flatMap(({ wireFields }) => wireFields);
}

/** Any page at all. */
function parseExactPage(text: string, texts: SharedTexts): PageContent {
  let body: unknown;
  try {
    body = parseExactJson(text);
  } catch (error) {
    return error instanceof RangeError ? parseDeepPage(text, texts) : notAPage('it is not JSON');
  }
  return readBody(body, text, texts);
}

function readBody(body: unknown, text: string, texts: SharedTexts): PageContent {
  const rows = rowsOf(body);
  if (rows === null) {
    return notAPage('it has no array "resources"');
  }
  const executions: Execution[] = [];
  const unreadable: UnreadableRow[] = [];
  let rawTexts: readonly string[] | undefined;
  for (const [index, row] of rows.entries()) {
    const read = readRow(row, texts);
    if (typeof read === 'string') {
      rawTexts ??= rowTexts(text);
      unreadable.push({ rawText: rawTexts[index] ?? '', reason: read });
    } else {
      executions.push(read);
    }
  }
  return { isPage: true, count: countOf(body), executions, unreadable };
}

/** A page with something nested so deep that the exact parser ran out of stack: row by row, so that only that row suffers. */
function parseDeepPage(text: string, texts: SharedTexts): PageContent {
  let body: unknown;
  try {
    body = JSON.parse(text); // Without a reviver it does not recurse.
  } catch {
    return notAPage('it is not JSON');
  }
  if (rowsOf(body) === null) {
    return notAPage('it has no array "resources"');
  }
  const executions: Execution[] = [];
  const unreadable: UnreadableRow[] = [];
  for (const rawText of rowTexts(text)) {
    const read = readRowText(rawText, texts);
    if (typeof read === 'string') {
      unreadable.push({ rawText, reason: read });
    } else {
      executions.push(read);
    }
  }
  return { isPage: true, count: countOf(body), executions, unreadable };
}

function readRowText(rawText: string, texts: SharedTexts): Execution | string {
  try {
    return readRow(parseExactJson(rawText), texts);
  } catch {
    return tooDeep;
  }
}

const tooDeep = 'the row is nested too deep';

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
function readRow(row: unknown, texts: SharedTexts): Execution | string {
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
  const textOf = (value: unknown): string | null => (typeof value === 'string' ? texts.share(value) : null);
  const notifyStatus = textOf(row['notify_status']) ?? textOf(row['notity_status']);
  try {
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
  } catch {
    return tooDeep;
  }
}

/** One check for each documented field. */
const fieldChecks = wireColumns.flatMap(({ wireFields, kind, nullable }) =>
  wireFields.map((field) => ({ field, kind, mayBeAbsent: nullable })),
);

function problemOf(row: WireObject): string | null {
  for (const { field, kind, mayBeAbsent } of fieldChecks) {
    const problem =
      kind === 'text'
        ? textProblem(row, field)
        : kind === 'int64'
          ? int64Problem(row, field, mayBeAbsent)
          : timeProblem(row, field, mayBeAbsent);
    if (problem !== null) {
      return problem;
    }
  }
  return null;
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

/**
 * An empty text in the place of an optional time counts as null, as some serializers write it: a row that is quarantined for
 * that while it runs would never come back with its end. Any other text may be a time, and is not guessed at.
 */
function timeProblem(row: WireObject, field: string, mayBeAbsent: boolean): string | null {
  const value = row[field];
  if (value === null || value === undefined) {
    return mayBeAbsent ? null : absence(field, value);
  }
  if (mayBeAbsent && value === '') {
    return null;
  }
  const earliestMs = mayBeAbsent ? 0 : earliestStartMs;
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
  let text: string;
  try {
    text = writeExactJson(value);
  } catch {
    return '(nested too deep)';
  }
  return text.length <= maxExcerptChars ? text : `${text.slice(0, maxExcerptChars)}…`;
}
