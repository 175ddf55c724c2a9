/**
 * Ended executions whose notification status may still change: how long they are re-checked, and when they are dropped.
 */
import { describe, expect, it } from 'vitest';
import { surplusEntries } from '../../functions/sync/follow-up.ts';
import { anExecution } from '../support/paged-source.ts';
import { checkpointOf, dayMs, hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

/**
 * Adds an execution that started hours ago and has just raised an alarm, which is in the table and awaits its
 * notification.
 */
async function worldWithAlarm(): Promise<{ world: SyncedSource; id: bigint }> {
  const world = await syncedSource();
  const nowMs = world.clock.now();
  const fields = { runStatus: 'ALARMING', startTimeMs: nowMs - 3 * hourMs, endTimeMs: nowMs - 1000 };
  const { id } = world.sim.life.addExecution(fields);
  expect(await world.syncWell()).toMatchObject({ rowsWritten: 1 });
  expect(await waiting(world)).toEqual([id]);
  return { world, id };
}

async function waiting(world: SyncedSource): Promise<bigint[]> {
  const { open } = await checkpointOf(world);
  return open.filter(({ awaits }) => awaits === 'notification').map(({ execution }) => execution.id);
}

describe('an execution that awaits its notification', () => {
  it('is dropped after its last check', async () => {
    const { world } = await worldWithAlarm();
    world.clock.advance(hourMs);
    await world.syncWell();
    expect(await waiting(world)).toEqual([]);
  });

  it('is dropped silently if it has vanished, because its end is already in the table', async () => {
    const { world, id } = await worldWithAlarm();
    const before = await world.view();
    world.sim.life.remove(id);
    world.clock.advance(minuteMs);
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 0 });
    expect(await waiting(world)).toEqual([]);
    expect(await world.view()).toEqual(before);
  });

  it('is looked for again if the source did not deliver it after the lookback of its end', async () => {
    const { world, id } = await worldWithAlarm();
    const startTimeMs = world.clock.now() - 3 * hourMs;
    world.sim.life.addExecution({ startTimeMs: world.clock.now() - 1000 });
    world.sim.life.setNotify(id, 'FAILED');
    world.sim.traps.brokenSpan = { fromMs: startTimeMs, toMs: startTimeMs + 1 };
    for (let syncs = 0; syncs < 2; syncs += 1) {
      world.clock.advance(hourMs);
      await world.sync();
    }
    expect(await waiting(world)).toEqual([id]);
    world.sim.traps.brokenSpan = null;
    world.clock.advance(hourMs);
    await world.syncWell();
    await world.expectTruth();
  });

  it('is dropped if the source has not delivered it for maxOpenDays', async () => {
    const { world } = await worldWithAlarm();
    const startTimeMs = world.clock.now() - 3 * hourMs;
    world.sim.life.addExecution({ startTimeMs: world.clock.now() - 1000 });
    world.sim.traps.brokenSpan = { fromMs: startTimeMs, toMs: startTimeMs + 1 };
    world.clock.advance(8 * dayMs);
    await world.sync();
    expect(await waiting(world)).toEqual([]);
  });
});

describe('more than ten thousand executions that await their notification', () => {
  it('are dropped oldest first', () => {
    const entries = Array.from({ length: 10_003 }, (_, index) => ({
      execution: anExecution({ id: BigInt(index), startTimeMs: 1000, endTimeMs: 2000 + ((index * 7919) % 10_003) }),
      observedAtMs: 3000,
      lookedAtMs: 3000,
      awaits: 'notification' as const,
    }));
    const running = { ...entries[0]!, awaits: 'outcome' as const };
    const ends = surplusEntries([running, ...entries]).map(({ execution }) => execution.endTimeMs);
    expect(ends).toEqual([2002, 2001, 2000]);
  });

  it('are limited to that number in the checkpoint from the next run on', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    for (let index = 0; index < 10_300; index += 1) {
      world.sim.life.addExecution({ startTimeMs: nowMs - 5 * hourMs + index * 1000, endTimeMs: nowMs - index });
    }
    await world.syncWell();
    await world.syncWell();
    const { open } = await checkpointOf(world);
    const endsMs = open.map(({ execution }) => execution.endTimeMs ?? 0);
    expect(endsMs).toHaveLength(10_000);
    expect(Math.min(...endsMs)).toBe(nowMs - 9_999);
  });
});
