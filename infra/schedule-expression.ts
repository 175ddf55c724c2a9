/**
 * How often the schedule fires, from its expression as EventBridge Scheduler takes it. Pure.
 *
 * Alarms and maximum ages follow from the period, so it must be known when the stack is made.
 */
import { cronProblem } from './cron-expression.ts';

const unitMinutes: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1440 };

/** Returns what is wrong with a schedule's expression, as the end of a sentence; null where AWS takes it. */
export function scheduleExpressionProblem(text: string): string | null {
  if (isCron(text)) {
    return cronProblem(text);
  }
  const form = 'must be "rate(<n> minutes|hours|days)" or "cron(<minute> <hour> <day> <month> <weekday> <year>)"';
  return ratePeriodMinutes(text) === null ? `${form}; after 1 the unit is "minute", "hour" or "day"` : null;
}

/** Whether the text is meant as a `cron(…)`, whose period is unknown. */
export function isCron(text: string): boolean {
  return text.startsWith('cron(');
}

/** Minutes between two firings of a `rate(…)`; null for anything else. */
export function ratePeriodMinutes(text: string): number | null {
  const [, count = '', unit = '', plural = ''] = /^rate\(([1-9]\d{0,5}) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  const minutes = unitMinutes[unit];
  return minutes === undefined || (count === '1') === (plural === 's') ? null : Number(count) * minutes;
}
