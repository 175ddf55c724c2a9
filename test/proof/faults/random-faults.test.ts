/** The short form: `npm run soak` runs more rounds, with random seeds. */
import { expect, it } from 'vitest';
import { faultRounds } from './fault-rounds.ts';

it('syncs with any faults on both sides end with the correct table, or report the reason', async () => {
  const seed = 20_261_124;
  const figures = await faultRounds({ seed, isOver: ({ syncs }) => syncs >= 16 });
  expect(figures, `seed ${seed}`).toMatchObject({ problems: [] });
  expect(figures.faults).toBeGreaterThan(16);
  expect(figures.failed).toBeGreaterThan(1);
});
