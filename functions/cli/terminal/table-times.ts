/** Writes the times of a table: in full, or without what all of them share. Pure. */
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
}

/** Returns an ISO instant as a time for a cell. Other values stay unchanged. */
export function timeCell<T>(value: T): T | Instant {
  const ms = typeof value === 'string' ? instantOf(value) : null;
  return ms === null ? value : { ms };
}

/** Writes every time in full, with its offset. */
export const fullTimes: TimeStyle = { textOf: shownAt, note: null };

/**
 * Returns the ways to write these times on a terminal, the widest first: without the offset, then also without the date
 * that all times share, or the year. Times with different offsets are written in full.
 */
export function shortTimes(instants: readonly EpochMs[]): readonly TimeStyle[] {
  const texts = instants.map(shownAt);
  const offset = shared(texts, (text) => text.slice(19));
  if (offset === null) {
    return [fullTimes];
  }
  const zone = shownZone();
  const inZone = zone === 'UTC' ? zone : `${zone} (${offset.replace('Z', '+00:00')})`;
  const without = (start: string): TimeStyle => ({
    textOf: (ms) =>
      shownAt(ms)
        .slice(start === '' ? 0 : start.length + 1, 19)
        .replace('T', ' '),
    note: `times${start === '' ? '' : ` of ${start}`} in ${inZone}`,
  });
  const start = shared(texts, (text) => text.slice(0, 10)) ?? shared(texts, (text) => text.slice(0, 4));
  return [without(''), ...(start === null ? [] : [without(start)])];
}

/** Returns the part that all texts share; null if they differ or there are none. */
function shared(texts: readonly string[], partOf: (text: string) => string): string | null {
  const [part, ...others] = new Set(texts.map(partOf));
  return part === undefined || others.length > 0 ? null : part;
}
