import { expect, it } from 'vitest';
import { crashRounds } from './crash-rounds.ts';
import { backfillCommands, syncCommands } from './crash-world.ts';

// `npm run soak` runs larger ones, and the other two pairs of command and store.
it.each([
  ['syncs', 'file', syncCommands],
  ['backfills', 's3', backfillCommands],
] as const)(
  '%s killed at random times, up to four in a row, lose no row in a warehouse of kind %s',
  async (_, store, commands) => {
    const seed = 20_261_124;
    const figures = await crashRounds({ store, seed, commands, kills: 5, executions: 2_000 });
    expect(figures, `seed ${seed}`).toMatchObject({ failures: [], kills: 5 });
  },
);
