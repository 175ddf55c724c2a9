/** The backlog of rule results under changes of several runs. */
import { describe, expect, it } from 'vitest';
import { pendingResultsKind, withWritten } from '../../functions/checkpoint/pending-results.ts';

const taskId = 1012385458115825700n;
const first = { id: 1012386207306600400n, startTimeMs: 1_661_413_281_000, taskId, isWanted: true };
const again = { ...first, startTimeMs: first.startTimeMs + 60_000 };

describe('two executions of one instance', () => {
  it.each([
    ['the first is recorded first', [first, again]],
    ['the second is, by a faster run', [again, first]],
    ['both are at once', [[first, again]]],
  ])('never have results of each other: %s', (_, commits) => {
    const { pending } = commits.reduce(
      (results, rows) => withWritten(results, [rows].flat()),
      pendingResultsKind.empty,
    );
    const states = pending.map(({ startTimeMs, state }) => [startTimeMs, state]);
    expect(new Map(states as [number, string][])).toEqual(
      new Map([
        [first.startTimeMs, 'rerun'],
        [again.startTimeMs, 'none'],
      ]),
    );
  });
});
