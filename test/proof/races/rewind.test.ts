/** Rewinds that commit while a run is in progress. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { hourMs, minuteMs, openProofWorld, type ProofWorld } from '../proof-world.ts';
import { endQuietly } from '../quiet-end.ts';
import { stalledRun } from './stalled-run.ts';

/** Opens a world that synced six hours ago and has 600 executions since. */
async function openWorldWithNewRows(): Promise<ProofWorld> {
  const world = await openProofWorld();
  onTestFinished(() => world.close());
  const { simulator, clock } = world;
  simulator.life.addMany(800, { fromMs: clock.now() - 60 * hourMs, toMs: clock.now() });
  await world.run();
  clock.advance(6 * hourMs);
  simulator.life.addMany(600, { fromMs: clock.now() - 6 * hourMs, toMs: clock.now() });
  return world;
}

describe('a rewind during a sync that has not committed yet', () => {
  it('lets the next sync find late rows at the end of the span that the sync has read', async () => {
    const world = await openWorldWithNewRows();
    const { simulator, clock } = world;
    const overtaken = await stalledRun(world, 'checkpoint');
    await world.rewind(clock.now() - 20 * hourMs);
    expect((await overtaken.wake()).error).toMatchObject({ kind: 'conflict' });
    simulator.life.addLate(5 * minuteMs);
    clock.advance(hourMs);
    expect(await endQuietly(world)).toEqual([]);
  });

  it('lets the next sync re-check executions that the sync has found open', async () => {
    const world = await openWorldWithNewRows();
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
