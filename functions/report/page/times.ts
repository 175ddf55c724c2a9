/** Times and durations as the page shows them, in the report's zone. */

/** Shows instants in one zone. */
export interface Times {
  /** `Nov 28, 23:05`. */
  short(ms: number): string;
  /** `2026-11-28T23:05:12+08:00`. */
  full(ms: number): string;
  /** `UTC+08:00` at that instant. */
  offset(ms: number): string;
}

/** Makes the functions for a zone. */
export function timesIn(timeZone: string): Times {
  const short = new Intl.DateTimeFormat('en-US', {
    timeZone,
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const full = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    calendar: 'iso8601',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  });
  const partsOf = (ms: number) =>
    new Map<string, string>(full.formatToParts(ms).map(({ type, value }) => [type, value]));
  const offset = (parts: Map<string, string>): string =>
    (parts.get('timeZoneName') ?? '').replace('GMT', '').replace(/^[+-]00:00$/, '');
  return {
    short: (ms) => short.format(ms),
    full: (ms) => {
      const parts = partsOf(ms);
      const at = (name: string): string => parts.get(name) ?? '';
      return `${at('year')}-${at('month')}-${at('day')}T${at('hour')}:${at('minute')}:${at('second')}${offset(parts) || 'Z'}`;
    },
    offset: (ms) => `UTC${offset(partsOf(ms)) || '+00:00'}`,
  };
}

/** `2026-11-28` as `Nov 28`. */
export function shortDay(day: string): string {
  const [, month = 1, date = 1] = day.split('-').map(Number);
  return `${months[month - 1]} ${date}`;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** A length of time in its two largest units: `3 d 4 h`, `43 s`. */
export function duration(ms: number): string {
  const index = units.findIndex(([, unitMs]) => ms >= unitMs);
  const [name, unitMs] = units[index === -1 ? 3 : index] ?? units[3];
  const whole = Math.max(0, Math.floor(ms / unitMs));
  const next = units[index + 1];
  const rest = index === -1 || next === undefined ? 0 : Math.floor((ms - whole * unitMs) / next[1]);
  return rest === 0 || next === undefined ? `${whole} ${name}` : `${whole} ${name} ${rest} ${next[0]}`;
}
