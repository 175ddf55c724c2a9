import { expect, it } from 'vitest';
import { readingRounds } from '../proof/model/reading-rounds.ts';

it('finds every row that stayed, or says that it could not, whatever the source does', async () => {
  const seed = 20_261_124;
  const result = await readingRounds({ seed, limitMs: 6_000, reads: 400 });
  expect(result.counterexample).toBeNull();
  expect(result.proven).toBeGreaterThan(20);
});
