import { describe, expect, it } from 'vitest';
import type { Traps } from '../../simulator/traps.ts';
import type { Action } from './actions.ts';
import { performAll } from './modelled-world.ts';
import { modelRounds } from './run-rounds.ts';

describe('the view equals the source after a quiet end', () => {
  it('the view equals the source after random sequences of changes, traps, kills, concurrent runs and rewinds', async () => {
    // A fixed seed; `npm run soak` uses random ones.
    const seed = 20_261_124;
    const figures = await modelRounds({ seed, sequences: 40, actions: 40 });
    expect(figures.counterexample).toBeNull();
    expect(figures.runs).toBeGreaterThan(20);
    expect(figures.kills).toBeGreaterThan(2);
  });

  const undisturbed = { death: null, lostReply: null, aheadMs: 0 };
  const ended: Action[] = [
    { do: 'start', count: 6, late: 0, spreadMs: 1, status: 'RUNNING' },
    { do: 'pass', minutes: 21 },
    { do: 'finish', pick: 0, status: 'SUCCESS' },
  ];

  it.each<[string, Action[]]>([
    [
      'a backfill proves part of a slice later',
      [
        { do: 'start', count: 22, late: 0, spreadMs: 600_000, status: 'RUNNING' },
        { do: 'backfill', fromHours: 51, hours: 52, again: true, ...undisturbed },
      ],
    ],
    [
      'a sync reads it again on a machine whose clock is behind',
      [
        { do: 'sync', ...undisturbed },
        { do: 'sync', ...undisturbed, aheadMs: -600_000 },
      ],
    ],
    [
      'a backfill reads it again on a machine whose clock is behind',
      [
        { do: 'sync', ...undisturbed },
        { do: 'backfill', fromHours: 2, hours: 4, again: true, ...undisturbed, aheadMs: -600_000 },
      ],
    ],
  ])('the view equals the source after a late notification, if meanwhile %s', async (_what, runs) => {
    expect(await performAll([...ended, ...runs, { do: 'notify', pick: 0, status: 'SUCCESS' }], 0)).toEqual([]);
  });

  it('the view equals the source although a covered second cannot be proven when the lookback reads it again', async () => {
    const actions: Action[] = [
      { do: 'start', count: 91, late: 0, spreadMs: 1, status: 'RUNNING' },
      { do: 'finish', pick: 0, status: 'SUCCESS' },
      { do: 'pass', minutes: 2 },
      { do: 'sync', ...undisturbed },
      { do: 'notify', pick: 0, status: 'SUCCESS' },
      { do: 'pass', minutes: 21 },
      { do: 'traps', traps: { pageCap: 50, count: 'missing', deepestOffset: 90 } },
      { do: 'sync', ...undisturbed },
    ];
    expect(await performAll(actions, 0)).toEqual([]);
  });

  it('the view equals the source although a machine whose clock is ahead could not prove a window', async () => {
    const unanswered: Partial<Traps> = {
      faults: [
        { kind: 'empty-page', when: { every: 3 } },
        { kind: 'status', status: 500, when: { from: 1 } },
      ],
    };
    const actions: Action[] = [
      { do: 'traps', traps: unanswered },
      { do: 'backfill', fromHours: 3, hours: 4, again: true, ...undisturbed, aheadMs: 1_800_000 },
    ];
    expect(await performAll(actions, 0)).toEqual([]);
  });
});
