/** Transitions and incidents, derived from streaks. */
import { expect, it } from 'vitest';
import { incidentsOf, type Outcome, type Streak, transitionsOf } from '../functions/streaks.ts';

const outcomes: Readonly<Record<string, Outcome>> = { S: 'SUCCESS', A: 'ALARMING', F: 'FAILED' };

/** Returns the streaks of a history with one letter for each execution, which start at 0, 1, 2 … */
function streaksOf(history: string): Streak[] {
  return [...history.matchAll(/(.)\1*/g)].map(({ 0: text, 1: letter = '', index }) => ({
    outcome: outcomes[letter] ?? 'FAILED',
    firstStartMs: index,
    lastStartMs: index + text.length - 1,
    runs: text.length,
    firstId: `id${index}`,
  }));
}

it.each([
  ['', []],
  ['SSS', []],
  ['AAA', []],
  ['SSA', ['SUCCESS→ALARMING at 2 × 1, id2']],
  ['SFFAS', ['SUCCESS→FAILED at 1 × 2, id1', 'FAILED→ALARMING at 3 × 1, id3', 'ALARMING→SUCCESS at 4 × 1, id4']],
])('transitions are found once each in %j', (history, expected) => {
  const found = transitionsOf(streaksOf(history)).map(
    ({ from, to, sinceMs, inARow, executionId }) => `${from}→${to} at ${sinceMs} × ${inARow}, ${executionId}`,
  );
  expect(found).toEqual(expected);
});

it.each([
  ['', []],
  ['SS', []],
  ['SSA', ['from 2, 1 runs, open, ALARMING']],
  ['SAFAS', ['from 1, 3 runs, until 4, ALARMING']],
  ['FS', ['from at most 0, 1 runs, until 1, FAILED']],
  ['AFSSFS', ['from at most 0, 2 runs, until 2, FAILED', 'from 4, 1 runs, until 5, FAILED']],
  ['FFF', ['from at most 0, 3 runs, open, FAILED']],
])('incidents last from the first bad execution to the next good one in %j', (history, expected) => {
  const found = incidentsOf(streaksOf(history)).map(
    ({ openedMs, mayBeOlder, resolvedMs, runs, outcome }) =>
      `from ${mayBeOlder ? 'at most ' : ''}${openedMs}, ${runs} runs, ${resolvedMs === null ? 'open' : `until ${resolvedMs}`}, ${outcome}`,
  );
  expect(found).toEqual(expected);
});
