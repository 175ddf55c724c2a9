/** The daily maintenance compacts settled days without losing or duplicating rows. */
import { expect, it } from 'vitest';
import { tableName } from '../../functions/warehouse/layout.ts';
import { keysOf } from '../support/store-steps.ts';
import { dayMs, hourMs, minuteMs, syncedSource } from '../support/synced-source.ts';

it('compacts days that the schedule no longer writes to, and only those', async () => {
  const world = await syncedSource({}, { maxOpenDays: 2 });
  for (let hour = 0; hour < 72; hour += 1) {
    const startTimeMs = world.clock.now();
    const { id } = world.sim.life.addExecution({ startTimeMs, runStatus: 'RUNNING' });
    world.clock.advance(hourMs - minuteMs);
    await world.syncWell();
    world.sim.life.finish(id, 'SUCCESS');
    world.clock.advance(minuteMs);
  }
  const before = (await keysOf(world.store, tableName)).length;
  const rows = (await world.observations()).length;

  await world.maintain();
  const recent = (await keysOf(world.store, tableName)).length;
  expect(recent).toBeLessThan(before);
  expect(recent).toBeGreaterThan(48);

  world.clock.advance(5 * dayMs);
  await world.syncWell();
  await world.maintain();

  expect((await keysOf(world.store, tableName)).length).toBeLessThan(15);
  expect((await world.observations()).length).toBeGreaterThanOrEqual(rows);
  await world.expectTruth();
});
