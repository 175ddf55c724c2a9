/** The daily maintenance compacts settled days without losing or duplicating rows. */
import { expect, it } from 'vitest';
import { tableName } from '../../functions/warehouse/layout.ts';
import { keysOf } from '../support/store-steps.ts';
import { dayMs, hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

/** Opens a world with three days of hourly syncs. */
async function hourlyWorld(): Promise<SyncedSource> {
  const world = await syncedSource({}, { maxOpenDays: 2 });
  for (let hour = 0; hour < 72; hour += 1) {
    const startTimeMs = world.clock.now();
    const { id } = world.sim.life.addExecution({ startTimeMs, runStatus: 'RUNNING' });
    world.clock.advance(hourMs - minuteMs);
    await world.syncWell();
    world.sim.life.finish(id, 'SUCCESS');
    world.clock.advance(minuteMs);
  }
  return world;
}

it('compacts days that the schedule no longer writes to, and only those', async () => {
  const world = await hourlyWorld();
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

it('fails after it has compacted the other days if one of them cannot be', async () => {
  const world = await hourlyWorld();
  world.clock.advance(5 * dayMs);
  await world.syncWell();
  const keys = (await keysOf(world.store, tableName)).sort();
  const aKey = keys[30] ?? '';
  const damaged = aKey.replace(/[^/]+$/, '20260101T000000Z-00000000-0.parquet');
  await world.store.putIfAbsent(damaged, new TextEncoder().encode('not Parquet'));
  const [summary] = await world.sync({ isMaintenance: true });
  expect(summary).toMatchObject({ done: false, error: { message: expect.stringContaining(damaged) } });
  const left = await keysOf(world.store, tableName);
  expect(left.length).toBeLessThan(keys.length - 20);
  expect(left).toContain(aKey);
});
