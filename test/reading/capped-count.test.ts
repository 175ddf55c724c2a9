/** A count that is capped looks like a total until one looks beyond it. */
import { expect, it } from 'vitest';
import { readVerified } from '../../functions/reading/verified.ts';
import { epochMs, executions, keysOf, pagedSource } from '../support/paged-source.ts';

it('two passes with different holes prove nothing about a count that neither looked beyond', async () => {
  const source = pagedSource(executions(296), {
    count: { cappedAt: 250 },
    pageCap: 50,
    // The second page of the first pass, and the fourth of the second, empty twice.
    emptyRequests: new Set([2, 3, 14, 15]),
    glitchCount: 'total',
  });
  const reader = { ...source.reader, inFlight: () => 1 };
  const window = { fromMs: epochMs, toMs: epochMs + 1_000_000 };
  const outcome = await readVerified(reader, window, Number.POSITIVE_INFINITY);
  if (outcome.kind !== 'complete') {
    throw new Error(`the window was found ${outcome.kind}`);
  }
  const passes = source.asked.slice(0, 16).map(({ offset }) => offset);
  expect(passes).toEqual([0, 50, 50, 100, 150, 200, 0, 1, 0, 0, 0, 50, 100, 150, 150, 200]);
  expect(keysOf([...outcome.collected.seen.values()].map(({ execution }) => execution))).toEqual(keysOf(source.rows));
});
