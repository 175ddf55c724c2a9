/** A rewind beside runs that had begun before it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../functions/config.ts';
import { planRewind, rewind } from '../../functions/sync/rewind.ts';
import { settingsOf } from '../../functions/sync/targets.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { dayMs, hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

function rewindRun(world: SyncedSource) {
  const config = parseConfig(
    {
      source: { endpoint: world.sim.url },
      targets: [{ name: 'sales', ...defaultWorkspace, credentials: 'env:X' }],
      initialFrom: '2026-01-01T00:00:00Z',
    },
    'config',
  );
  return {
    store: world.store,
    target: { name: 'sales', ...defaultWorkspace, filter: {} },
    clock: { now: () => world.clock.now(), sleep: async () => undefined },
    settings: settingsOf(config),
  };
}

/** Every data file is gone, and the target is taken back to `toMs`. */
async function loseAndRewind(world: SyncedSource, toMs: number): Promise<number | null> {
  await rm(join(world.folder, 'warehouse', 'quality_instance_observations'), { recursive: true, force: true });
  const run = rewindRun(world);
  return await rewind(run, await planRewind(run, toMs));
}

describe('a rewind', () => {
  it('says how many executions will be read again, by what coverage counts', async () => {
    const world = await syncedSource();
    const start = world.clock.now() - 31 * dayMs;
    world.sim.life.addMany(3100, { fromMs: start, toMs: world.clock.now() });
    await world.syncWell();
    const plan = await planRewind(rewindRun(world), start + 26 * dayMs);
    expect(plan).toMatchObject({ isNeeded: true, watermarkMs: world.clock.now() });
    expect(plan.rows).toBeGreaterThan(480);
    expect(plan.rows).toBeLessThan(520);
  });

  it('is not hidden by a sync that had begun before it and commits after it, not even in the lookback which that reads again', async () => {
    const world = await syncedSource();
    const begin = world.clock.now();
    world.sim.life.addMany(600, { fromMs: begin - 10 * hourMs, toMs: begin - minuteMs });
    world.sim.life.addExecution({ startTimeMs: begin - 5 * minuteMs, runStatus: 'RUNNING' });
    await world.syncWell();
    world.clock.advance(5 * minuteMs);
    world.sim.life.addMany(50, { fromMs: begin, toMs: world.clock.now() });
    const toMs = begin - 11 * hourMs;
    let isRewound = false;
    world.sim.traps.afterPage = async () => {
      if (!isRewound) {
        isRewound = true;
        expect(await loseAndRewind(world, toMs)).toBe(toMs);
      }
    };
    const overtaken = await world.syncWell();
    expect(isRewound).toBe(true);
    expect(overtaken.watermark).toBe(new Date(toMs).toISOString());
    world.sim.traps.afterPage = null;
    await world.syncWell();
    await world.expectTruth();
  });

  it('keeps what other runs have committed since it was planned', async () => {
    const world = await syncedSource(
      {},
      { initialFrom: new Date(Date.parse('2026-06-01T12:00:00Z') - 5 * dayMs).toISOString() },
    );
    const begin = world.clock.now();
    world.sim.life.addMany(600, { fromMs: begin - 60 * dayMs, toMs: begin - minuteMs });
    await world.syncWell();
    const run = rewindRun(world);
    const toMs = begin - 2 * dayMs;
    const plan = await planRewind(run, toMs);
    const window = { fromMs: begin - 60 * dayMs, toMs: begin - 5 * dayMs };
    await world.backfill({ window });
    expect(await rewind(run, plan)).toBe(toMs);
    expect(await world.backfill({ window })).toMatchObject({ requests: 0, rowsWritten: 0 });
    await world.syncWell();
    await world.expectTruth();
  });

  it('is not hidden by a backfill that had begun before it', async () => {
    const world = await syncedSource();
    const begin = world.clock.now();
    world.sim.life.addMany(600, { fromMs: begin - 60 * dayMs, toMs: begin - minuteMs });
    await world.syncWell();
    const toMs = begin - 50 * dayMs;
    let isRewound = false;
    world.sim.traps.afterPage = async () => {
      if (!isRewound) {
        isRewound = true;
        await loseAndRewind(world, toMs);
      }
    };
    const window = { fromMs: begin - 61 * dayMs, toMs: begin };
    await world.backfill({ window });
    world.sim.traps.afterPage = null;
    await world.syncWell();
    await world.backfill({ window });
    await world.expectTruth();
  });
});
