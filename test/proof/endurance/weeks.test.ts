/** The short form of three years of hourly syncs: `npm run soak -- --only years` runs the whole. */
import { expect, it } from 'vitest';
import { expectBounded, yearsOfSyncs } from './years.ts';

it('a sync after six weeks of hourly syncs and daily maintenance costs as much as one after five days', async () => {
  const figures = await yearsOfSyncs(6 * 168, 4);
  expect(expectBounded(figures), JSON.stringify(figures)).toEqual([]);
});
