/** Parses times as people type them: a day, an instant with its zone, or a relative time. */
import { dayInTimeZone, firstReached, isoTime, parseTime, systemClock } from './clock.ts';
import { ConfigError } from './errors.ts';
import type { EpochMs, Window } from './model.ts';

const dayMs = 86_400_000;
/** Times have 13 digits in requests, so no other time can be requested. */
export const askableMs = { first: 1_000_000_000_000, last: 9_999_999_999_999 } as const;

/**
 * Parses a day, `2026-01-01`, `today` or `yesterday` (midnight in `timeZone`); an instant, `2026-01-01T08:00:00+08:00`
 * or `now`; or a relative time, `30m`, `12h`, `7d` ago.
 *
 * @param option its name in messages, for example `--from`
 * @param nowMs the base of relative times
 * @throws ConfigError saying what is allowed
 */
export function parseTimeArgument(
  text: string,
  option: string,
  timeZone: string,
  nowMs: EpochMs = systemClock.now(),
): EpochMs {
  const ms =
    relative(text, timeZone, nowMs) ?? (/^\d{4}-\d\d-\d\d$/.test(text) ? midnight(text, timeZone) : instant(text));
  if (ms === null) {
    throw new ConfigError(`${option} ${JSON.stringify(text)} is not a time`, {
      remedy: `Give a day, for example 2026-01-31 (midnight in ${timeZone}), an instant with its zone, for example 2026-01-31T08:00:00Z, or a relative time: 7d, 12h, yesterday, now.`,
    });
  }
  if (ms < askableMs.first || ms > askableMs.last) {
    throw new ConfigError(`${option} ${JSON.stringify(text)} is out of range`, {
      remedy: `Give a time from ${isoTime(askableMs.first)} to ${isoTime(askableMs.last)}; the source accepts no other.`,
    });
  }
  return ms;
}

/**
 * Parses a range: both ends or neither.
 *
 * @param names the names of both ends in messages, for example `--from` and `--to`
 * @returns null if neither is given
 * @throws ConfigError saying what is allowed
 */
export function parseRange(
  range: { readonly from?: string | undefined; readonly to?: string | undefined },
  names: { readonly from: string; readonly to: string },
  timeZone: string,
): Window | null {
  if (range.from === undefined && range.to === undefined) {
    return null;
  }
  if (range.from === undefined || range.to === undefined) {
    throw new ConfigError(`${names.from} and ${names.to} belong together`, {
      remedy: `Give both, for example ${names.from} 2026-01-01 ${names.to} 2026-02-01. ${names.to} itself is not part of the range.`,
    });
  }
  const fromMs = parseTimeArgument(range.from, names.from, timeZone);
  const toMs = parseTimeArgument(range.to, names.to, timeZone);
  if (fromMs >= toMs) {
    throw new ConfigError(`${names.from} (${isoTime(fromMs)}) is not before ${names.to} (${isoTime(toMs)})`, {
      remedy: `${names.to} itself is not part of the range. For a single day, give the day after it as ${names.to}.`,
    });
  }
  return { fromMs, toMs };
}

const agoUnitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: dayMs };

function relative(text: string, timeZone: string, nowMs: EpochMs): EpochMs | null {
  if (text === 'now') {
    return nowMs;
  }
  if (text === 'today' || text === 'yesterday') {
    const today = midnight(dayInTimeZone(timeZone)(nowMs), timeZone);
    return text === 'today' || today === null ? today : midnight(dayInTimeZone(timeZone)(today - 1), timeZone);
  }
  const [, amount, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  return amount === undefined ? null : nowMs - Number(amount) * (agoUnitsMs[unit] ?? 0);
}

function instant(text: string): EpochMs | null {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? parseTime(text) : null;
}

/** Returns the first millisecond of a day. Not always 00:00, because some zones change their clocks at midnight. */
function midnight(day: string, timeZone: string): EpochMs | null {
  const utcMs = parseTime(`${day}T00:00:00Z`);
  if (utcMs === null) {
    return null;
  }
  const dayOf = dayInTimeZone(timeZone);
  return firstReached(utcMs - dayMs, utcMs + dayMs, (ms) => dayOf(ms) >= day);
}
