/**
 * How often the schedule fires, from its expression as EventBridge Scheduler takes it. Pure.
 *
 * Alarms and maximum ages follow from the period, so it must be known when the stack is made.
 */

const unitMinutes: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1440 };

/** Whether the text is a `rate(…)` or `cron(…)` that can be a schedule of dqsync. */
export function isScheduleExpression(text: string): boolean {
  return ratePeriodMinutes(text) !== null || isCron(text);
}

/** Whether the text is a `cron(…)`, of which the period can't be told. */
export function isCron(text: string): boolean {
  const fields = /^cron\(([^()]+)\)$/.exec(text)?.[1]?.split(' ') ?? [];
  return fields.length === 6 && fields.every((field) => /^[0-9A-Z*?/,#-]+$/.test(field));
}

/** Minutes between two firings of a `rate(…)`; null for anything else. */
export function ratePeriodMinutes(text: string): number | null {
  const [, count = '', unit = ''] = /^rate\(([1-9]\d{0,5}) (minute|hour|day)s?\)$/.exec(text) ?? [];
  const minutes = unitMinutes[unit];
  return minutes === undefined ? null : Number(count) * minutes;
}
