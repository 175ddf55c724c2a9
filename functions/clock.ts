/**
 * Time: the only file that asks for the time, sleeps, draws random names, or touches `Date`.
 *
 * Everything else takes a `Clock` as an argument, so that tests can hold time in their hand.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleepFor } from 'node:timers/promises';
import type { EpochMs } from './model.ts';

/** Time as the rest of the code sees it. */
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
 * Makes a signal that aborts with `reason()` after `ms`, or with `earlier` if that aborts first. `cancel` frees the timer.
 *
 * Listens to `earlier` itself, because `AbortSignal.any` leaves work to the garbage collector with every request.
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

/** A name for a run, unique and in order of time: `20261123T160102Z-9f86d081`. */
export function newRunId(clock: Clock): string {
  return `${isoTime(clock.now()).replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}

/** An unguessable token, to recognise an own write by. */
export function newToken(): string {
  return randomBytes(12).toString('hex');
}

/** ISO 8601 in UTC with milliseconds. */
export function isoTime(ms: EpochMs): string {
  return new Date(ms).toISOString();
}

/** Parses an HTTP `Date` header or an ISO instant; null when it is neither. */
export function parseTime(text: string): EpochMs | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** The first millisecond in `(beforeMs, lastMs]` that has come to something which, once reached, stays so; `lastMs` has. */
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

/** Time zone rules change offsets at whole quarters of an hour, so one look-up serves a quarter. */
const quarterMs = 900_000;

/** Makes a function from an instant to its calendar day, `YYYY-MM-DD`, in an IANA time zone. Throws RangeError for an unknown zone. */
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
 * Makes a function from an instant to ISO 8601 with the offset of an IANA time zone, to the second:
 * `2026-01-01T08:00:00+08:00`, in UTC `2026-01-01T00:00:00Z`. Throws RangeError for an unknown zone.
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
