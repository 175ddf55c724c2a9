/**
 * Makes one page of the instance list: matches, sorts and slices rows, and determines `count`.
 *
 * Without filters other than the window, and in order of time, a page costs two binary searches and its own rows.
 */
import type { EpochMs } from '../../functions/model.ts';
import { type PageGlitch, repeatFirst } from './glitches.ts';
import type { Listing } from './listing.ts';
import type { Random } from './random.ts';
import { compareIds } from './snowflake.ts';
import { type Entry, rowText, stateAt } from './timeline.ts';
import type { CountMeaning, InstanceQuery, Traps } from './traps.ts';

/** A page as JSON text, or the reason of a refusal with the number of its error code. */
export type PageResult =
  | { readonly text: string; readonly entries: readonly Entry[] }
  | { readonly refusal: string; readonly code: string };

/** The rows that a query matches, in order. */
interface Matches {
  readonly total: number;
  slice(from: number, to: number): readonly Entry[];
}

const dayMs = 86_400_000;

/** Makes the page that answers `query`, or refuses it. */
export function makeInstancePage(
  listing: Listing,
  query: InstanceQuery,
  traps: Traps,
  nowMs: EpochMs,
  random: Random,
  { mostRows = Number.POSITIVE_INFINITY, repeatsFirst = false, count }: PageGlitch = {},
): PageResult {
  if (isTooLong(query, traps)) {
    const refusal = `The time range between start_time and end_time cannot exceed ${traps.maxSpanDays} days.`;
    return { refusal, code: '0001' };
  }
  const size = Math.min(query.limit, traps.pageCap ?? query.limit);
  const from = traps.offsetUnit === 'page' ? query.offset * size : query.offset;
  if (traps.deepestOffset !== null && from > traps.deepestOffset) {
    const refusal = `parameter offset is invalid: result window is too large, at most ${traps.deepestOffset}`;
    return { refusal, code: '1003' };
  }
  const matches = match(listing, query, traps, nowMs, random);
  const total = Math.min(matches.total, traps.listCap ?? matches.total);
  const rows = matches.slice(from, Math.max(from, Math.min(from + Math.min(size, mostRows), total)));
  const entries = repeatsFirst ? repeatFirst(rows) : rows;
  const texts = entries.map((entry) => rowText(entry, nowMs, traps.notifySpelling, traps.extraFields));
  const counted = count === undefined ? countText(traps.count, total, entries.length) : `"count":${count},`;
  return { text: `{${counted}"resources":[${texts.join(',')}]}`, entries };
}

function isTooLong({ startTimeMs, endTimeMs }: InstanceQuery, { maxSpanDays }: Traps): boolean {
  return (
    maxSpanDays !== null && startTimeMs !== null && endTimeMs !== null && endTimeMs - startTimeMs > maxSpanDays * dayMs
  );
}

/** Returns the span of live rows, by index, within the query's window; the traps determine its edges and skew. */
export function windowOf(listing: Listing, query: InstanceQuery, traps: Traps): { from: number; to: number } {
  const from =
    query.startTimeMs === null || traps.ignoredEnds.includes('start_time')
      ? 0
      : listing.indexAt(
          query.startTimeMs - traps.filterSkewMs,
          traps.startEdge === 'inclusive' ? 'at-or-after' : 'after',
        );
  const to =
    query.endTimeMs === null || traps.ignoredEnds.includes('end_time')
      ? listing.live.length
      : listing.indexAt(query.endTimeMs - traps.filterSkewMs, traps.endEdge === 'inclusive' ? 'after' : 'at-or-after');
  return { from, to: Math.max(from, to) };
}

function match(listing: Listing, query: InstanceQuery, traps: Traps, nowMs: EpochMs, random: Random): Matches {
  const { from, to } = windowOf(listing, query, traps);
  const { live } = listing;
  const ended = (entry: Entry): boolean =>
    (stateAt(entry, nowMs).endTimeMs ?? Number.POSITIVE_INFINITY) <= (query.endTimeMs ?? Number.POSITIVE_INFINITY);
  const filtered =
    [query.name, query.taskType, query.runStatus, query.notifyStatus].some((filter) => filter !== null) ||
    traps.filtersByEnd;
  if (!filtered && traps.order === 'start-asc') {
    return { total: to - from, slice: (first, last) => live.slice(from + first, from + last) };
  }
  if (!filtered && traps.order === 'start-desc') {
    return {
      total: to - from,
      slice: (first, last) => (first >= last ? [] : live.slice(to - last, to - first).reverse()),
    };
  }
  const span = live.slice(from, to);
  const rows = filtered
    ? span.filter((entry) => matchesFilters(entry, query, nowMs) && (!traps.filtersByEnd || ended(entry)))
    : span;
  sort(rows, traps, random);
  return { total: rows.length, slice: (first, last) => rows.slice(first, last) };
}

/** Matches parts of names, case-sensitively. An unreadable row counts as a QUALITY_TASK with SUCCESS. */
function matchesFilters(entry: Entry, query: InstanceQuery, nowMs: EpochMs): boolean {
  const state = stateAt(entry, nowMs);
  return (
    (query.name === null || entry.task.name.includes(query.name)) &&
    (query.taskType === null || entry.task.taskType === query.taskType) &&
    (query.runStatus === null || state.runStatus === query.runStatus) &&
    (query.notifyStatus === null || state.notifyStatus === query.notifyStatus)
  );
}

/** Sorts rows, which must be ordered by start time and id, in the order of the traps. */
function sort(rows: Entry[], traps: Traps, random: Random): void {
  switch (traps.order) {
    case 'start-asc':
      return;
    case 'start-desc':
      rows.reverse();
      return;
    case 'id-asc':
      rows.sort((a, b) => compareIds(a.idText, b.idText));
      return;
    case 'id-desc':
      rows.sort((a, b) => compareIds(b.idText, a.idText));
      return;
    case 'unstable-ties':
      rows.reverse();
      shuffleTies(rows, random);
      return;
    case 'unstable':
      random.shuffle(rows);
  }
}

function shuffleTies(rows: Entry[], random: Random): void {
  let from = 0;
  for (let to = 1; to <= rows.length; to += 1) {
    if (rows[to]?.startTimeMs !== rows[from]?.startTimeMs) {
      random.shuffle(rows, from, to);
      from = to;
    }
  }
}

/** Returns the member `count` as JSON text with a comma after it. */
export function countText(meaning: CountMeaning, total: number, rows: number): string {
  switch (meaning) {
    case 'total':
      return `"count":${total},`;
    case 'page':
      return `"count":${rows},`;
    case 'missing':
      return '';
    default:
      return `"count":${Math.min(total, meaning.cappedAt)},`;
  }
}
