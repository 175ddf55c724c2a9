import { describe, expect, it } from 'vitest';
import { crashRounds } from './crash-rounds.ts';
import { backfillCommands, syncCommands } from './crash-world.ts';

describe('processes killed at random times, up to four in a row', () => {
  it.each([
    ['syncs', 'file', syncCommands],
    ['syncs', 's3', syncCommands],
    ['backfills', 'file', backfillCommands],
  ] as const)('%s lose no row in a warehouse of kind %s', async (_, store, commands) => {
    const seed = 20_261_124;
    const figures = await crashRounds({ store, seed, commands, kills: 5 });
    expect(figures, `seed ${seed}`).toMatchObject({ failures: [], kills: 5 });
  });
});
