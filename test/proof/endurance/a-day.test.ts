/** The short form of the endurance part of `npm run soak`, which simulates weeks. */
import { expect, it } from 'vitest';
import { expectSteady } from './bounds.ts';
import { hourlySyncs } from './hourly-syncs.ts';

it('keeps table, checkpoint size, memory and requests in bounds over a day of hourly syncs with 2% faulty requests', async () => {
  const seed = 20_261_124;
  const figures = await hourlySyncs(24, seed);
  expect(expectSteady(figures), `seed ${seed}: ${JSON.stringify(figures)}`).toEqual([]);
  expect(figures.syncs).toBe(24);
});
