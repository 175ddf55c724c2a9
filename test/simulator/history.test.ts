/** What other tests rely on: the same history for the same seed, and one that is as unpleasant as the real source. */
import { expect, it } from 'vitest';
import { generateHistory } from './history.ts';
import { stateAt } from './timeline.ts';

const nowMs = 1_790_000_000_000;
const dayMs = 86_400_000;

it('is the same for the same seed and different for another', () => {
  const [one, again, other] = [5, 5, 6].map((seed) => generateHistory(seed, nowMs, { days: 3 }));
  expect(again).toEqual(one);
  expect(other).not.toEqual(one);
});

it('has ids that are equal as JS numbers, text beyond the BMP, dense seconds, every status, re-runs and late rows', () => {
  const entries = generateHistory(1, nowMs, { days: 30, tasks: 200 });
  const ids = new Set(entries.map(({ idText }) => idText));
  expect(new Set([...ids].map(Number)).size).toBeLessThan(ids.size);
  expect([...ids].filter((idText) => !/^[1-9]\d{17,18}$/.test(idText))).toEqual([]);
  expect(entries.some(({ task }) => /[\u{10000}-\u{10ffff}]/u.test(task.name))).toBe(true);
  const midnightMs = Math.floor(nowMs / dayMs) * dayMs;
  expect(entries.filter(({ startTimeMs }) => startTimeMs === midnightMs).length).toBeGreaterThan(100);
  expect(new Set(entries.flatMap(({ states }) => states.map(({ runStatus }) => runStatus)))).toEqual(
    new Set(['SUCCESS', 'FAILED', 'ALARMING', 'RUNNING', 'SUSPENDING', 'UNKNOWN']),
  );
  expect(new Set(entries.map((entry) => stateAt(entry, nowMs + 30 * dayMs).notifyStatus))).toEqual(
    new Set(['NOT_TRIGGERED', 'SUCCESS', 'FAILED']),
  );
  expect(entries.some(({ goneBecause }) => goneBecause === 'rerun')).toBe(true);
  expect(entries.some(({ visibleAtMs, startTimeMs }) => visibleAtMs - startTimeMs > 120_000)).toBe(true);
});
