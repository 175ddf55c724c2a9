/** Executions that are open are followed until they end, wherever their start time lies, and cheaply. */
import { describe, expect, it } from 'vitest';
import { dayMs, hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

/** A source with a day of settled history and `count` executions open for hours, `apartMs` from each other. */
async function worldWithOpen(count: number, apartMs: number): Promise<{ world: SyncedSource; ids: bigint[] }> {
  const world = await syncedSource();
  world.sim.life.addMany(20_000, { fromMs: world.clock.now() - 2 * dayMs, toMs: world.clock.now() - minuteMs });
  const ids = Array.from({ length: count }, (_, index) => {
    const startTimeMs = world.clock.now() - 3 * hourMs - index * apartMs;
    return world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs }).id;
  });
  await world.syncWell();
  return { world, ids };
}

describe('open executions', () => {
  it('that are still open cost one request together', async () => {
    const { world } = await worldWithOpen(30, hourMs);
    world.clock.advance(hourMs);
    const summary = await world.syncWell();
    expect(summary).toMatchObject({ openExecutions: 30, rowsWritten: 0 });
    expect(summary.requests).toBeLessThanOrEqual(6);
  });

  it('are written once more each when they end, and leave the set', async () => {
    const { world, ids } = await worldWithOpen(12, hourMs);
    world.clock.advance(hourMs);
    for (const id of ids.slice(0, 5)) {
      world.sim.life.finish(id, 'SUCCESS');
    }
    const summary = await world.syncWell();
    expect(summary).toMatchObject({ openExecutions: 7, rowsWritten: 5 });
    expect(summary.requests).toBeLessThanOrEqual(12);
    await world.expectTruth();
    expect(await world.syncWell()).toMatchObject({ openExecutions: 7, rowsWritten: 0 });
  });

  it('that vanish are written once more, saying so, and leave the set', async () => {
    const { world, ids } = await worldWithOpen(3, hourMs);
    world.sim.life.remove(ids[0]!);
    world.sim.life.rerun(ids[1]!);
    world.clock.advance(hourMs);
    await world.syncWell();
    await world.expectTruth();
    const rows = (await world.view()).filter((row) => String(row['extra']).includes('vanished_at'));
    expect(rows.map((row) => row['id']).sort()).toEqual([String(ids[0]), String(ids[1])].sort());
    expect(JSON.parse(String(rows[0]?.['extra']))._dqsync.vanished_at).toMatch(/^2026-06-01T/);
    world.clock.advance(hourMs);
    expect((await world.syncWell()).rowsWritten).toBe(0);
  });

  it('of a status nobody knows are followed as well', async () => {
    const world = await syncedSource();
    const { id } = world.sim.life.addExecution({
      runStatus: 'PAUSED',
      endTimeMs: null,
      startTimeMs: world.clock.now() - 2 * hourMs,
    });
    expect(await world.syncWell()).toMatchObject({ openExecutions: 1 });
    world.sim.life.finish(id, 'FAILED');
    world.clock.advance(hourMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0, rowsWritten: 1 });
    await world.expectTruth();
  });

  it('of statuses that cannot be asked for never keep new ones from being read', async () => {
    const world = await syncedSource();
    for (let index = 0; index < 2000; index += 1) {
      const startTimeMs = world.clock.now() - hourMs - index * 120_000;
      world.sim.life.addExecution({ runStatus: 'CANCELED', startTimeMs, endTimeMs: startTimeMs + 1000 });
    }
    await world.syncWell();
    world.clock.advance(hourMs);
    world.sim.life.addExecution({
      runStatus: 'SUCCESS',
      startTimeMs: world.clock.now() - minuteMs,
      endTimeMs: world.clock.now(),
    });
    const summary = await world.syncWell();
    expect(summary.rowsWritten).toBe(1);
    expect(summary.requests).toBeLessThan(70);
    await world.expectTruth();
  });

  it('that raised alarms far apart are all followed to their notification', async () => {
    const { world, ids } = await worldWithOpen(10, hourMs);
    for (const id of ids) {
      world.sim.life.finish(id, 'ALARMING');
    }
    world.clock.advance(minuteMs);
    await world.syncWell();
    world.clock.advance(5 * minuteMs);
    for (const id of ids) {
      world.sim.life.setNotify(id, 'SUCCESS');
    }
    await world.syncWell();
    await world.expectTruth();
  });

  it('are given up after maxOpenDays', async () => {
    const { world } = await worldWithOpen(2, hourMs);
    world.clock.advance(8 * dayMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0 });
  });

  it('that end well are looked at once more, in case their notification state changes after', async () => {
    const { world, ids } = await worldWithOpen(1, hourMs);
    world.sim.life.finish(ids[0]!, 'SUCCESS');
    world.clock.advance(minuteMs);
    await world.syncWell();
    world.sim.life.setNotify(ids[0]!, 'SUCCESS');
    world.clock.advance(hourMs);
    // Such looks may cost a quarter of what the run has to ask for anyway.
    world.sim.life.addMany(900, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() - minuteMs });
    await world.syncWell();
    await world.expectTruth();
  });

  it('that end badly are followed until their notification state has settled', async () => {
    const { world, ids } = await worldWithOpen(1, hourMs);
    world.sim.life.finish(ids[0]!, 'ALARMING');
    world.clock.advance(minuteMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0, rowsWritten: 1 });
    world.clock.advance(5 * minuteMs);
    world.sim.life.setNotify(ids[0]!, 'SUCCESS');
    await world.syncWell();
    await world.expectTruth();
  });
});
