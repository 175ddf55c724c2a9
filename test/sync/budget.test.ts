/** How much of its time a run uses: the rest is for the last commit. */
import { expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import { openBudget } from '../../functions/sync/budget.ts';

const clock: Clock = { now: () => 1_000_000, sleep: async () => undefined };

it.each([
  ['a fifth of a short time', 10_000, 8_000],
  ['a quarter of a minute of a long one', 840_000, 825_000],
  ['nothing where there is no limit', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
])('keeps %s for the last commit', (_what, limitMs, usableMs) => {
  const budget = openBudget(clock, limitMs, new AbortController().signal);
  onTestFinished(() => budget.close());
  expect(budget.remainingMs()).toBe(usableMs);
});
