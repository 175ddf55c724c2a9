/**
 * The only file that reads the clock, sleeps, draws random names or uses `Date`. All other code receives a `Clock` as
 * an argument, so that tests control time.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { EpochMs } from './model.ts';

/** A source of time. */
export interface Clock {
  now(): EpochMs;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await sleepFor(ms, undefined, signal === undefined ? {} : { signal });
    } catch (cause) {
      throw signal?.reason ?? cause;
    }
  },
};

/**
 * Makes a signal that aborts with `reason()` after `ms`, or earlier if `earlier` aborts. `cancel` frees the timer. Not
 * `AbortSignal.any`: it leaves work to the garbage collector with every request.
 */
export function abortAfter(
  ms: number,
  reason: () => Error,
  earlier?: AbortSignal,
): { signal: AbortSignal; cancel: () => void } {
  const controller = new AbortController();
  const onEarlier = (): void => controller.abort(earlier?.reason);
  const timer = setTimeout(() => controller.abort(reason()), ms);
  timer.unref();
  earlier?.addEventListener('abort', onEarlier, { once: true });
  const cancel = (): void => {
    clearTimeout(timer);
    earlier?.removeEventListener('abort', onEarlier);
  };
  return { signal: controller.signal, cancel };
}

/** Makes a unique run name that sorts by time: `20261123T160102Z-9f86d081`. */
export function newRunId(clock: Clock): string {
  return `${isoTime(clock.now()).replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

/** Makes an unguessable token, which identifies one of our own writes. */
export function newToken(): string {
  return randomBytes(12).toString('hex');
}

/** Formats an instant as ISO 8601 in UTC with milliseconds. */
export function isoTime(ms: EpochMs): string {
  return new Date(ms).toISOString();
}

/** Formats an instant in the same way. Null stays null. */
export function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : isoTime(ms);
}

/** Parses an HTTP `Date` header or an ISO instant. Returns null for any other text, and for a day that no month has. */
export function parseTime(text: string): EpochMs | null {
  // JavaScript takes "1.5" for the fifth of January 2001.
  const [known = '', day] = /^(?:(\d{4}-\d\d-\d\d).*|\w+, .* GMT)$/.exec(text) ?? [];
  const ms = Date.parse(known);
  // JavaScript takes February 30 for March 2.
  const exists = day === undefined || Number.isNaN(ms) || isoTime(Date.parse(day)).startsWith(day);
  return Number.isNaN(ms) || !exists ? null : ms;
}

/**
 * Returns the first millisecond in `(beforeMs, lastMs]` for which `isReached` is true. It must stay true from there on,
 * and be true for `lastMs`.
 */
export function firstReached(beforeMs: EpochMs, lastMs: EpochMs, isReached: (ms: EpochMs) => boolean): EpochMs {
  let before = beforeMs;
  let first = lastMs;
  while (first - before > 1) {
    const middle = Math.floor((before + first) / 2);
    if (isReached(middle)) {
      first = middle;
    } else {
      before = middle;
    }
  }
  return first;
}

/** Time zones change their offset only at quarters of an hour, so one lookup is valid for a quarter. */
const quarterMs = 900_000;

/**
 * Makes a function that returns the calendar day of an instant, `YYYY-MM-DD`, in an IANA time zone.
 *
 * @throws RangeError for an unknown zone
 */
export function dayInTimeZone(timeZone: string): (ms: EpochMs) => string {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    calendar: 'iso8601',
  });
  let cachedQuarter = Number.NaN;
  let cachedDay = '';
  return (ms) => {
    const quarter = Math.floor(ms / quarterMs);
    if (quarter !== cachedQuarter) {
      const parts = new Map(format.formatToParts(ms).map((part) => [part.type, part.value]));
      cachedDay = `${(parts.get('year') ?? '').padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`;
      cachedQuarter = quarter;
    }
    return cachedDay;
  };
}

/**
 * Makes a function that formats an instant to the second with the offset of an IANA time zone:
 * `2026-01-01T08:00:00+08:00`, in UTC `2026-01-01T00:00:00Z`.
 *
 * @throws RangeError for an unknown zone
 */
export function timeInZone(timeZone: string): (ms: EpochMs) => string {
  if (timeZone === 'UTC') {
    return (ms) => isoTime(ms).replace(/\.\d+Z$/, 'Z');
  }
  const dayOf = dayInTimeZone(timeZone);
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  });
  return (ms) => {
    const [time = '', offset = ''] = format.format(ms).split(' GMT');
    return `${dayOf(ms)}T${time}${offset === '' ? 'Z' : offset}`;
  };
}

const units = [
  { name: 'day', sign: 'd', unitMs: 86_400_000 },
  { name: 'hour', sign: 'h', unitMs: 3_600_000 },
  { name: 'minute', sign: 'min', unitMs: 60_000 },
  { name: 'second', sign: 's', unitMs: 1000 },
] as const;

function inLargestUnit(ms: number) {
  const unit = units.find(({ unitMs }) => ms >= unitMs) ?? units[3];
  return { ...unit, amount: Math.max(0, Math.floor(ms / unit.unitMs)) };
}

/** Formats a length of time in its largest unit, rounded down: `3 days`, `1 hour`, `0 seconds`. */
export function duration(ms: number): string {
  const { amount, name } = inLargestUnit(ms);
  return `${amount} ${name}${amount === 1 ? '' : 's'}`;
}

/** Formats a length of time in its largest unit, rounded to the nearest: `3 hours` for 2 hours and 59 minutes. */
export function roundedDuration(ms: number): string {
  return duration(ms + inLargestUnit(ms).unitMs / 2);
}

/** Formats a length of time for a column: `3 d`, `12 min`, `0 s`. */
export function shortDuration(ms: number): string {
  const { amount, sign } = inLargestUnit(ms);
  return `${amount} ${sign}`;
}
