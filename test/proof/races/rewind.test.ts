/** Rewinds beside runs that began before them. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { hourMs, minuteMs, openProofWorld, type ProofWorld } from '../proof-world.ts';
import { endQuietly } from '../quiet-end.ts';
import { stalledRun } from './stalled-run.ts';

/** Synced, six hours before now; then 600 executions came. */
async function worldSixHoursLater(): Promise<ProofWorld> {
  const world = await openProofWorld();
  onTestFinished(() => world.close());
  const { simulator, clock } = world;
  simulator.life.addMany(800, { fromMs: clock.now() - 60 * hourMs, toMs: clock.now() });
  await world.run();
  clock.advance(6 * hourMs);
  simulator.life.addMany(600, { fromMs: clock.now() - 6 * hourMs, toMs: clock.now() });
  return world;
}

describe('a rewind beside a sync that would commit after it', () => {
  it("keeps the lookback of the next sync at the end of that sync's coverage", async () => {
    const world = await worldSixHoursLater();
    const { simulator, clock } = world;
    const overtaken = await stalledRun(world, 'checkpoint');
    await world.rewind(clock.now() - 20 * hourMs);
    expect((await overtaken.wake()).error).toMatchObject({ kind: 'conflict' });
    simulator.life.addLate(5 * minuteMs);
    clock.advance(hourMs);
    expect(await endQuietly(world)).toEqual([]);
  });

  it('keeps the next sync re-checking executions that the sync found open', async () => {
    const world = await worldSixHoursLater();
    const { simulator, clock } = world;
    const { id } = simulator.life.addExecution({ startTimeMs: clock.now() - 2 * hourMs, runStatus: 'RUNNING' });
    const overtaken = await stalledRun(world, 'checkpoint');
    await world.rewind(clock.now() - 20 * hourMs);
    expect((await overtaken.wake()).error).toMatchObject({ kind: 'conflict' });
    clock.advance(hourMs);
    simulator.life.finish(id, 'FAILED');
    expect(await endQuietly(world)).toEqual([]);
  });
});
