/**
 * Derives the period of the schedule from its expression, in the syntax of EventBridge Scheduler. Pure. Alarms and
 * maximum ages depend on the period, so it must be known at synth.
 */
import { cronProblem } from './cron-expression.ts';

const unitMinutes: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1440 };

/** Returns what is wrong with a schedule's expression, as the end of a sentence; null if AWS accepts it. */
export function scheduleExpressionProblem(text: string): string | null {
  if (isCron(text)) {
    return cronProblem(text);
  }
  const form = 'must be "rate(<n> minutes|hours|days)" or "cron(<minute> <hour> <day> <month> <weekday> <year>)"';
  return ratePeriodMinutes(text) === null ? `${form}; after 1 the unit is "minute", "hour" or "day"` : null;
}

/** Returns whether the text is a `cron(…)`, whose period is unknown. */
export function isCron(text: string): boolean {
  return text.startsWith('cron(');
}

/** Returns the minutes between two runs of a `rate(…)`; null for anything else. */
export function ratePeriodMinutes(text: string): number | null {
  const [, count = '', unit = '', plural = ''] = /^rate\(([1-9]\d{0,5}) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  const minutes = unitMinutes[unit];
  return minutes === undefined || (count === '1') === (plural === 's') ? null : Number(count) * minutes;
}
