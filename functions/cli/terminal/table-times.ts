/** Writes the times of a table: in full, or in the ways in which a terminal shortens them. Pure. */
import type { EpochMs } from '../../model.ts';
import { instantOf, shownAt, shownZone } from './formats.ts';

/** A time in a cell. The table decides how much of it is written. */
export interface Instant {
  readonly ms: EpochMs;
}

/** How a table writes its times. */
export interface TimeStyle {
  readonly textOf: (ms: EpochMs) => string;
  /** What the texts leave out, for a line below the table; null if they leave out nothing. */
  readonly note: string | null;
  /** Width that texts must keep for this style to be used, or all of theirs if they are narrower. */
  readonly leastTextWidth: number;
}

/** Most names of tasks differ within this width. */
const readableWidth = 20;

/** Returns an ISO instant as a time for a cell. Other values stay unchanged. */
export function timeCell<T>(value: T): T | Instant {
  const ms = typeof value === 'string' ? instantOf(value) : null;
  return ms === null ? value : { ms };
}

/** Writes every time in full, with its offset. */
export const fullTimes: TimeStyle = { textOf: shownAt, note: null, leastTextWidth: 0 };

/**
 * Returns the ways to write these times, the widest first. None repeats the offset; the second leaves out the date that
 * all times share, or the year; and the third also leaves out the seconds.
 */
export function shortTimes(instants: readonly EpochMs[]): readonly TimeStyle[] {
  const times = new Map(instants.map((ms) => [ms, partsOf(ms)]));
  const parts = instants.map((ms) => times.get(ms) ?? partsOf(ms));
  if (parts.length === 0) {
    return [fullTimes];
  }
  const offset = mostFrequent(parts.map((each) => each.offset));
  const isMixed = parts.some((each) => each.offset !== offset);
  const hasSeconds = parts.some(({ time }) => !time.endsWith(':00'));
  const shared = sharedDates(parts);
  const style = (leftOut: LeftOut | null, secondsLength: number, leastTextWidth: number): TimeStyle => ({
    textOf: (ms) => {
      const each = times.get(ms) ?? partsOf(ms);
      const text = `${each.day} ${each.time}`.slice(leftOut?.length ?? 0);
      const ownOffset = each.offset === offset ? '' : each.offset.replace(/:00$/, '');
      return `${text.slice(0, text.length - secondsLength)}${ownOffset}`;
    },
    note: [
      `times${leftOut === null ? '' : ` of ${leftOut.name}`} in ${zoneText(offset, isMixed)}`,
      ...(secondsLength > 0 && hasSeconds ? ['to the minute'] : []),
    ].join(', '),
    leastTextWidth,
  });
  const secondsLength = hasSeconds ? 0 : ':00'.length;
  return [
    style(null, secondsLength, Number.POSITIVE_INFINITY),
    style(shared, secondsLength, readableWidth),
    style(shared, ':00'.length, 0),
  ];
}

interface TimeParts {
  readonly day: string;
  readonly time: string;
  readonly offset: string;
}

/** The start of every time that can be left out, with the space or hyphen after it, and its name. */
interface LeftOut {
  readonly length: number;
  readonly name: string;
}

function sharedDates(parts: readonly TimeParts[]): LeftOut | null {
  const [day = '', ...otherDays] = new Set(parts.map((each) => each.day));
  if (otherDays.length === 0) {
    return { length: `${day} `.length, name: day };
  }
  const [year = '', ...otherYears] = new Set(parts.map((each) => each.day.slice(0, 4)));
  return otherYears.length === 0 ? { length: 'YYYY-'.length, name: year } : null;
}

function partsOf(ms: EpochMs): TimeParts {
  const text = shownAt(ms);
  return { day: text.slice(0, 10), time: text.slice(11, 19), offset: text.slice(19).replace('Z', '+00:00') };
}

function zoneText(offset: string, isMixed: boolean): string {
  const zone = shownZone();
  return zone === 'UTC' ? zone : `${zone} (${offset}${isMixed ? ' unless shown' : ''})`;
}

function mostFrequent(texts: readonly string[]): string {
  const groups = [...Map.groupBy(texts, (text) => text).values()];
  return groups.reduce((a, b) => (b.length > a.length ? b : a), [])[0] ?? '';
}
