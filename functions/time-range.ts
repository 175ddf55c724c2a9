/** Parses times as people type them: a day, a local time, an instant with its zone, or a relative time. */
import { dayInTimeZone, firstReached, isoTime, parseTime, systemClock, timeInZone } from './clock.ts';
import { ConfigError } from './errors.ts';
import type { EpochMs, Window } from './model.ts';

const dayMs = 86_400_000;
/** Times have 13 digits in requests, so no other time can be requested. */
export const askableMs = { first: 1_000_000_000_000, last: 9_999_999_999_999 } as const;

/**
 * Parses a day, `2026-01-01`, `today` or `yesterday` (midnight in `timeZone`); a local time in `timeZone`, as tables
 * show it, `2026-01-01 08:00` or `2026-01-01T08:00:00`; an instant, `2026-01-01T08:00:00+08:00` or `now`; or a relative
 * time, `30m`, `12h`, `7d` ago.
 *
 * When the clocks change, some local times do not exist and others exist twice. Both are refused with the two instants
 * that may be meant: a guess would silently read an hour too little.
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
    relative(text, timeZone, nowMs) ??
    (/^\d{4}-\d\d-\d\d$/.test(text) ? midnight(text, timeZone) : timeOfDay(text, option, timeZone));
  if (ms === null) {
    throw new ConfigError(`${option} ${JSON.stringify(text)} is not a time`, {
      remedy: `Give a day or a local time in ${timeZone}, for example 2026-01-31 (from midnight) or "2026-01-31 08:00", an instant with its zone, for example 2026-01-31T08:00:00Z, or a relative time: 7d, 12h, yesterday, now.`,
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
 * @param settledMs the range must start before this time, because later rows may not be listed yet. Default: no limit
 * @returns null if neither is given
 * @throws ConfigError saying what is allowed
 */
export function parseRange(
  range: { readonly from?: string | undefined; readonly to?: string | undefined },
  names: { readonly from: string; readonly to: string },
  timeZone: string,
  settledMs = Number.POSITIVE_INFINITY,
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
  if (fromMs >= settledMs) {
    const place = fromMs > systemClock.now() ? 'in the future' : 'within the settle time';
    throw new ConfigError(`${names.from} ${JSON.stringify(range.from)} is ${place}`, {
      remedy: `Give a ${names.from} before ${isoTime(settledMs)}: the source may not list later rows yet.`,
    });
  }
  return { fromMs, toMs };
}

const unitsMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: dayMs };

/** Parses a length of time, `90m`, `3h` or `2d`, to milliseconds. Returns null for any other text. */
export function lengthOfTime(text: string): number | null {
  const [, amount, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  return amount === undefined ? null : Number(amount) * (unitsMs[unit] ?? 0);
}

function relative(text: string, timeZone: string, nowMs: EpochMs): EpochMs | null {
  if (text === 'now') {
    return nowMs;
  }
  if (text === 'today' || text === 'yesterday') {
    const today = midnight(dayInTimeZone(timeZone)(nowMs), timeZone);
    return text === 'today' || today === null ? today : midnight(dayInTimeZone(timeZone)(today - 1), timeZone);
  }
  const agoMs = lengthOfTime(text);
  return agoMs === null ? null : nowMs - agoMs;
}

/** Parses an instant or, without a zone, a local time. Tables write a space for the `T`, and whole hours of an offset. */
function timeOfDay(text: string, option: string, timeZone: string): EpochMs | null {
  const pattern = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d(?::\d\d)?)?$/;
  const [, day, time, zone] = pattern.exec(text) ?? [];
  if (zone !== undefined) {
    return parseTime(`${day}T${time}${zone.replace(/^[+-]\d\d$/, '$&:00')}`);
  }
  const asUtcMs = day === undefined ? null : parseTime(`${day}T${time}Z`);
  return asUtcMs === null ? null : localTime(asUtcMs, timeZone, `${option} ${JSON.stringify(text)}`);
}

/**
 * Returns the instant at which a clock in `timeZone` shows the time that one in UTC shows at `asUtcMs`.
 *
 * @param what the text in messages
 * @throws ConfigError if there is none, or if there are two
 */
function localTime(asUtcMs: EpochMs, timeZone: string, what: string): EpochMs {
  const shown = timeInZone(timeZone);
  const offsetAt = (ms: EpochMs): number =>
    (parseTime(`${shown(ms).slice(0, 19)}Z`) ?? ms) - Math.floor(ms / 1000) * 1000;
  // The offsets before and after a change of the clocks, if there is one.
  const offsets = [...new Set([asUtcMs - dayMs, asUtcMs + dayMs].map(offsetAt))];
  const meant = offsets.map((offset) => asUtcMs - offset);
  const [only, another] = meant.filter((ms) => ms + offsetAt(ms) === asUtcMs);
  if (only !== undefined && another === undefined) {
    return only;
  }
  const problem = only === undefined ? 'does not exist' : 'exists twice';
  throw new ConfigError(`${what} ${problem} in ${timeZone}, because the clocks change`, {
    remedy: `Give the instant that you mean: ${meant
      .sort((a, b) => a - b)
      .map(shown)
      .join(' or ')}.`,
  });
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
