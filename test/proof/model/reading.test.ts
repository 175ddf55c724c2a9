import { expect, it } from 'vitest';
import { readingRounds } from './reading-rounds.ts';

it('a proven window contains every settled row, for any source', async () => {
  const result = await readingRounds({ seed: 20_261_124, limitMs: 20_000, reads: 5_000 });
  expect(result.counterexample).toBeNull();
  expect(result.proven).toBeGreaterThan(500);
});
