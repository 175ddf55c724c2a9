/** Calendar days as text. Pure. */
import { isoTime, parseTime } from '../clock.ts';

const dayMs = 86_400_000;

/** Returns `count` days that end with `last`, oldest first, `YYYY-MM-DD`. */
export function calendarDays(last: string, count: number): string[] {
  // In UTC, every day has 24 hours.
  const lastMs = parseTime(`${last}T00:00:00Z`) ?? 0;
  return Array.from({ length: count }, (_, index) => isoTime(lastMs - (count - 1 - index) * dayMs).slice(0, 10));
}
