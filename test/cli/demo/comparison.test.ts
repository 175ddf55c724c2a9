/** The comparison at the end of the demo detects every kind of difference. */
import { expect, it } from 'vitest';
import { compareWithTruth, isPerfect } from '../../../functions/cli/demo/comparison.ts';

const at = (key: string, startTimeMs: number, state: string | null = 'SUCCESS') => ({ key, startTimeMs, state });
const truth = [at('a', 1), at('b', 2), at('c', 3, null), at('late', 99)];
const table = [at('a', 1), at('b', 2), at('c', 3)];

it('the comparison accepts a complete copy, and ignores executions that started too late', () => {
  const comparison = compareWithTruth(table, truth, 50);
  expect(comparison).toEqual({ expected: 3, missing: 0, repeated: 0, outdated: 0, foreign: 0 });
  expect(isPerfect(comparison)).toBe(true);
});

it.each([
  ['missing', table.slice(1)],
  ['repeated', [...table, at('a', 1)]],
  ['outdated', [at('a', 1, 'RUNNING'), ...table.slice(1)]],
  ['foreign', [...table, at('z', 4)]],
] as const)('the comparison counts rows that are %s', (fault, rows) => {
  const comparison = compareWithTruth(rows, truth, 50);
  expect(comparison[fault]).toBe(1);
  expect(isPerfect(comparison)).toBe(false);
});
