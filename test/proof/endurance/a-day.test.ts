/** The short form of a compressed week: `npm run soak` runs the whole. */
import { expect, it } from 'vitest';
import { expectSteady } from './bounds.ts';
import { hourlySyncs } from './hourly-syncs.ts';

it('a day of hourly syncs, one request in fifty going wrong: the truth, a small checkpoint, flat memory, few requests', async () => {
  const seed = 20_261_124;
  const figures = await hourlySyncs(24, seed);
  expect(expectSteady(figures), `seed ${seed}: ${JSON.stringify(figures)}`).toEqual([]);
  expect(figures.syncs).toBe(24);
});
