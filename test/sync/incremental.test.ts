import { expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs, syncedSource } from '../support/synced-source.ts';

it('syncs over time keep the view equal to the source while executions start, end, and are run again or deleted', async () => {
  const world = await syncedSource({ history: { days: 10, aheadDays: 2, tasks: 20 } });
  await world.syncWell();
  await world.expectTruth();
  for (const pauseMs of [hourMs, hourMs, 10 * minuteMs, 6 * hourMs, hourMs, dayMs]) {
    world.clock.advance(pauseMs);
    await world.syncWell();
    await world.expectTruth();
  }
  const observations = await world.observations();
  expect(observations.length).toBeGreaterThan(4_000);
});
