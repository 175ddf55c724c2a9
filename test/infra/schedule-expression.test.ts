import { describe, expect, it } from 'vitest';
import { ratePeriodMinutes, scheduleExpressionProblem } from '../../infra/schedule-expression.ts';

describe('the expression of a schedule', () => {
  it.each([
    ...['rate(1 minute)', 'rate(15 minutes)', 'rate(1 hour)', 'rate(12 hours)', 'rate(1 day)'],
    ...['cron(0 2 * * ? *)', 'cron(0/15 8-18 ? * MON-FRI *)', 'cron(*/5 * * * ? *)', 'cron(5,35 * * * ? 2026-2030)'],
    ...[
      'cron(0 2 L * ? *)',
      'cron(0 2 15W * ? *)',
      'cron(0 2 ? * 6L *)',
      'cron(0 2 ? * 2#1 *)',
      'cron(0 2 ? JAN,JUL SUN *)',
    ],
    ...['cron(0 2 31 * ? *)', 'cron(0 2 31 2/5 ? *)', 'cron(0 2 30,31 2-4 ? *)', 'cron(0 2 29 FEB,JUN ? 2027)'],
  ])('may be %s', (expression) => {
    expect(scheduleExpressionProblem(expression)).toBeNull();
  });

  it.each([
    ['cron(0 2 * * * *)', 'write "?" for the other'],
    ['cron(0 2 1 * 2 *)', 'write "?" for the other'],
    ['cron(0 2 ? * ? *)', '"?" for both'],
    ['cron(0 25 * * ? *)', 'has the hour "25": allowed are 0 to 23'],
    ['cron(60 2 * * ? *)', 'has the minute "60"'],
    ['cron(-1 2 * * ? *)', 'has the minute "-1"'],
    ['cron(*/0 2 * * ? *)', 'has the minute "*/0"'],
    ['cron(? 2 * * ? *)', 'has the minute "?"'],
    ['cron(0 22-2 * * ? *)', 'has the hour "22-2"'],
    ['cron(0 2 0 * ? *)', 'has the day of the month "0"'],
    ['cron(0 2 32W * ? *)', 'has the day of the month "32W"'],
    ['cron(0 2 * 13 ? *)', 'has the month "13"'],
    ['cron(0 2 * Jan ? *)', 'has the month "Jan"'],
    ['cron(0 2 ? * 0 *)', 'has the weekday "0"'],
    ['cron(0 2 ? * 2#6 *)', 'has the weekday "2#6"'],
    ['cron(0 2 * * ? 1969)', 'has the year "1969"'],
    ['cron(0 2 * * ?)', 'has 5 fields instead of six'],
    ['cron(0 0 2 * * ? *)', 'has 7 fields instead of six'],
    ['cron(0  2 * * ? *)', 'has 7 fields instead of six'],
    ['cron()', 'has 1 fields instead of six'],
    ['rate(1 hours)', 'after 1 the unit is'],
    ['rate(2 hour)', 'must be "rate('],
    ['rate(0 hours)', 'must be "rate('],
    ['at(2026-01-01T00:00:00)', 'must be "rate('],
  ])('may not be %s', (expression, problem) => {
    expect(scheduleExpressionProblem(expression)).toContain(problem);
  });

  it('defines its period if it is a rate', () => {
    expect(['rate(1 day)', 'rate(90 minutes)', 'cron(0 2 * * ? *)'].map(ratePeriodMinutes)).toEqual([1440, 90, null]);
  });
});
