/** Formats numbers, times and texts for people. */
import { isoTime, parseTime, timeInZone } from '../../clock.ts';
import type { EpochMs } from '../../model.ts';

/** Formats a whole number: `12,345`. Not by `Intl`, which costs 10 ms at each start. */
export function count(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats a number with its noun: `1 file`, `2 files`. */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`;
}

let zone = 'UTC';
let shownTime = timeInZone(zone);

/** Sets the zone in which this process shows times. JSON documents stay in UTC. */
export function showTimesIn(timeZone: string): void {
  shownTime = timeInZone(timeZone);
  zone = timeZone;
}

/** Returns the zone in which this process shows times. */
export function shownZone(): string {
  return zone;
}

/** Formats an instant to the second, in the zone of the config with its offset: `2026-01-01T08:00:00+08:00`. */
export function shownAt(ms: EpochMs): string {
  return shownTime(ms);
}

/** Parses an ISO instant in UTC. Returns null for any other text. */
export function instantOf(text: string): EpochMs | null {
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) ? parseTime(text) : null;
}

/** Formats an ISO instant in the same way. Other text stays unchanged. */
export function shortTime(iso: string): string {
  const ms = instantOf(iso);
  return ms === null ? iso : shownTime(ms);
}

/** Formats an instant in the same way, with its milliseconds if there are any. */
function exactAt(ms: EpochMs): string {
  const shown = shownTime(ms);
  const fraction = isoTime(ms).slice(19, 23);
  return fraction === '.000' ? shown : `${shown.slice(0, 19)}${fraction}${shown.slice(19)}`;
}

/** Formats an instant for the options of a command, exactly: as a day if it is the start of one. */
export function argumentAt(ms: EpochMs): string {
  const day = shownTime(ms).slice(0, 10);
  return shownTime(ms - 1).startsWith(day) ? exactAt(ms) : day;
}

/** Formats the days from one instant to another as the range of a command. */
export function daysAsArguments(firstMs: EpochMs, lastMs: EpochMs): string {
  const dayAfter = isoTime((parseTime(shownTime(lastMs).slice(0, 10)) ?? lastMs) + 86_400_000).slice(0, 10);
  return `--from ${shownTime(firstMs).slice(0, 10)} --to ${dayAfter}`;
}

/** Formats a size: `812 B`, `14.2 kB`, `3.1 MB`. */
export function bytes(value: number): string {
  if (value < 1000) {
    return `${value} B`;
  }
  const [name, size] = value < 1_000_000 ? ['kB', 1000] : value < 1_000_000_000 ? ['MB', 1e6] : ['GB', 1e9];
  return `${(value / Number(size)).toFixed(1)} ${name}`;
}

/**
 * Returns a string as one paragraph: line breaks are replaced by spaces, and instants in UTC by those in the config's
 * zone.
 */
export function paragraph(text: string): string {
  return printable(inZone(text).replace(/\s+/g, ' ').trim());
}

/** Keeps milliseconds, because the command in a message may depend on them. */
function inZone(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, (instant) => {
    const ms = parseTime(instant);
    return ms === null ? instant : exactAt(ms);
  });
}

/** Returns a string on one line, with characters escaped that move the cursor or change the direction of writing. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
