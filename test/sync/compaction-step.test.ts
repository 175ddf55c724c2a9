/** The daily maintenance compacts settled days without losing or duplicating rows. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tableName } from '../../functions/warehouse/layout.ts';
import { keysOf } from '../support/store-steps.ts';
import { dayMs, hourMs, minuteMs, syncedSource, worldStartMs } from '../support/synced-source.ts';

it('compacts only days that the schedule no longer writes to, and fails after the others if one of them cannot be', async () => {
  const world = await syncedSource({ startMs: worldStartMs - 11 * hourMs }, { maxOpenDays: 2 });
  for (let hour = 0; hour < 72; hour += 2) {
    const startTimeMs = world.clock.now();
    const { id } = world.sim.life.addExecution({ startTimeMs, runStatus: 'RUNNING' });
    world.clock.advance(2 * hourMs - minuteMs);
    await world.syncWell();
    world.sim.life.finish(id, 'SUCCESS');
    world.clock.advance(minuteMs);
  }
  const before = (await keysOf(world.store, tableName)).length;
  const rows = await world.observationCount();

  await world.maintain();
  const recent = (await keysOf(world.store, tableName)).sort();
  expect(recent.length).toBeLessThan(before);
  expect(recent.length).toBeGreaterThan(24);

  world.clock.advance(5 * dayMs);
  await world.syncWell();
  const aKey = recent[20] ?? '';
  const damaged = aKey.replace(/[^/]+$/, '20260101T000000Z-00000000-0.parquet');
  await world.store.putIfAbsent(damaged, new TextEncoder().encode('not Parquet'));
  const [summary] = await world.sync({ isMaintenance: true });
  expect(summary).toMatchObject({ done: false, error: { message: expect.stringContaining(damaged) } });
  const left = await keysOf(world.store, tableName);
  expect(left.length).toBeLessThan(recent.length - 5);
  expect(left).toContain(aKey);

  await rm(join(world.folder, 'warehouse', damaged));
  await world.maintain();
  expect((await keysOf(world.store, tableName)).length).toBeLessThan(15);
  expect(await world.observationCount()).toBeGreaterThanOrEqual(rows);
  await world.expectTruth();
});
