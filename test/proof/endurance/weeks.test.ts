/** The short form of three years of hourly syncs: `npm run soak -- --only years` runs the whole. */
import { expect, it } from 'vitest';
import { expectBounded, yearsOfSyncs } from './years.ts';

it('six weeks of hourly syncs and daily maintenance write no row twice, and the last sync costs as much as one after five days', async () => {
  const figures = await yearsOfSyncs(6 * 168, 5);
  expect(expectBounded(figures), JSON.stringify(figures)).toEqual([]);
});
