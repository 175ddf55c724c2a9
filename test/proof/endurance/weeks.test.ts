/** The short form of three years of hourly syncs: `npm run soak -- --only years` runs the whole. */
import { expect, it } from 'vitest';
import { hourMs } from '../proof-world.ts';
import { expectBounded, yearsOfSyncs } from './years.ts';

it('six weeks of syncs and daily maintenance write no row twice, and the last sync costs as much as one after five days', async () => {
  const figures = await yearsOfSyncs(42, 3 * hourMs);
  expect(expectBounded(figures), JSON.stringify(figures)).toEqual([]);
});
