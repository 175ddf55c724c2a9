/** Rewinds, also during runs that began before them. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isoTime } from '../../functions/clock.ts';
import { parseConfig } from '../../functions/config.ts';
import { planRewind, rewind } from '../../functions/sync/rewind.ts';
import { settingsOf } from '../../functions/sync/targets.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { simSource, simTarget } from '../support/sim-config.ts';
import {
  checkpointOf,
  dayMs,
  hourMs,
  minuteMs,
  onMachineAhead,
  type SyncedSource,
  stoppedAfter,
  syncedSource,
  worldStartMs,
} from '../support/synced-source.ts';

function rewindRun(world: SyncedSource) {
  const targets = [simTarget(world.credentials)];
  const initialFrom = '2026-01-01T00:00:00Z';
  return {
    store: world.store,
    target: { name: 'sales', ...defaultWorkspace, filter: {} },
    clock: { now: () => world.clock.now(), sleep: async () => undefined },
    settings: settingsOf(parseConfig({ source: simSource(world.sim), targets, initialFrom }, 'config')),
  };
}

/** Deletes all data files, and rewinds the target to `toMs`. */
async function loseAndRewind(world: SyncedSource, toMs: number): Promise<void> {
  await rm(join(world.folder, 'warehouse', 'quality_instance_observations'), { recursive: true, force: true });
  const run = rewindRun(world);
  await rewind(run, await planRewind(run, toMs));
}

describe('a rewind', () => {
  it.each(['sync', 'backfill'])('ends an earlier %s with a conflict, and nothing is lost', async (mode) => {
    const world = await syncedSource({}, { initialFrom: isoTime(worldStartMs - 6 * dayMs) });
    const begin = world.clock.now();
    world.sim.life.addMany(240, { fromMs: begin - 12 * dayMs, toMs: begin - minuteMs });
    world.sim.life.addExecution({ startTimeMs: begin - 2 * hourMs, runStatus: 'RUNNING', endTimeMs: null });
    await world.syncWell();
    world.clock.advance(hourMs);
    world.sim.life.addMany(50, { fromMs: begin, toMs: world.clock.now() });
    const first = world.sim.counters.instances + 1;
    world.sim.traps.afterPage = async ({ n }) => {
      if (n === first) {
        await loseAndRewind(world, begin - 10 * dayMs);
      }
    };
    const window = { fromMs: begin - 13 * dayMs, toMs: begin };
    const [overtaken] = await world.sync(mode === 'sync' ? {} : { backfill: { window, again: false } });
    expect(overtaken?.error).toMatchObject({ kind: 'conflict', retryable: true });
    world.sim.traps.afterPage = null;
    await world.syncWell();
    await world.backfill({ window });
    await world.expectTruth();
  });

  it('counts late rows too', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(100, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() });
    await world.syncWell();
    world.sim.life.addLate(5 * minuteMs);
    await world.syncWell();
    expect(await planRewind(rewindRun(world), world.clock.now() - 40 * dayMs)).toMatchObject({ rows: 101 });
  });

  it('keeps commits of other runs since the plan', async () => {
    const world = await syncedSource({}, { initialFrom: isoTime(worldStartMs - 5 * dayMs) });
    const begin = world.clock.now();
    world.sim.life.addMany(240, { fromMs: begin - 12 * dayMs, toMs: begin - minuteMs });
    await world.syncWell();
    const run = rewindRun(world);
    const toMs = begin - 2 * dayMs;
    const plan = await planRewind(run, toMs);
    const window = { fromMs: begin - 12 * dayMs, toMs: begin - 5 * dayMs };
    await world.backfill({ window });
    expect(await rewind(run, plan)).toBe(toMs);
    expect(await world.backfill({ window })).toMatchObject({ requests: 0, rowsWritten: 0 });
    await world.syncWell();
    await world.expectTruth();
  });
});

async function rewindBy(world: SyncedSource, ms: number): Promise<void> {
  const run = rewindRun(world);
  await rewind(run, await planRewind(run, world.clock.now() - ms));
}

describe('after a rewind', () => {
  it.each([
    ['was open', 'RUNNING'],
    ['had ended', 'ALARMING'],
  ])(
    'the next observed state counts as the later one, for an execution that %s when a machine an hour ahead observed it',
    async (_what, runStatus) => {
      const world = await syncedSource();
      const startTimeMs = world.clock.now() - 10 * minuteMs;
      const endTimeMs = runStatus === 'RUNNING' ? null : startTimeMs + 1000;
      const { id } = world.sim.life.addExecution({ runStatus, endTimeMs, startTimeMs });
      await world.syncWell(onMachineAhead(world, hourMs));
      if (runStatus === 'RUNNING') {
        world.sim.life.finish(id, 'SUCCESS');
      } else {
        world.sim.life.setNotify(id, 'SUCCESS');
      }
      world.clock.advance(minuteMs);
      await rewindBy(world, hourMs);
      await world.syncWell();
      await world.expectTruth();
      expect((await world.syncWell()).rowsWritten).toBe(0);
    },
  );

  it('rows that a backfill reads again count as later than the observations of a machine an hour ahead', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    const startTimeMs = nowMs - 3 * hourMs;
    const { id } = world.sim.life.addExecution({ runStatus: 'ALARMING', startTimeMs, endTimeMs: startTimeMs + 1000 });
    await world.backfill({ window: { fromMs: nowMs - 4 * hourMs, toMs: nowMs } }, onMachineAhead(world, hourMs));
    world.sim.life.setNotify(id, 'SUCCESS');
    world.clock.advance(minuteMs);
    await world.backfill({ window: { fromMs: nowMs - 4 * hourMs, toMs: nowMs }, again: true });
    await world.expectTruth();
    world.sim.life.setNotify(id, 'FAILED');
    await world.backfill({ window: { fromMs: nowMs - 4 * hourMs, toMs: nowMs }, again: true });
    await world.expectTruth();
  });

  it('observations have the true time if no clock was ahead', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(50, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() });
    await world.syncWell();
    world.clock.advance(hourMs);
    await rewindBy(world, 3 * hourMs);
    await world.syncWell();
    const observedAtMs = (await world.observations()).map((row) => world.clock.now() - Number(row['observed_at']));
    expect(observedAtMs.filter((agoMs) => agoMs === hourMs)).toHaveLength(50);
    expect(observedAtMs.filter((agoMs) => agoMs === 0)).toHaveLength(50);
  });

  it.each([
    ['total', 9],
    ['missing', 37],
  ] as const)(
    'an audit reads the cut window again, once, because its rows are an estimate and would hide a late one (count: %s)',
    async (count, requests) => {
      const world = await syncedSource({ traps: { count } });
      const { life } = world.sim;
      const oldMs = world.clock.now() - 2 * dayMs;
      life.addMany(100, { fromMs: oldMs - 8 * hourMs, toMs: oldMs });
      life.addMany(900, { fromMs: world.clock.now() - 8 * hourMs, toMs: world.clock.now() - hourMs });
      await world.syncWell();
      life.addExecution({ startTimeMs: oldMs - 4 * hourMs });
      await rewindBy(world, 8 * hourMs);
      await world.syncWell();
      expect(await world.maintain()).toMatchObject({ lateRows: 0, done: true, requests });
      await world.expectTruth();
      expect(await world.maintain()).toMatchObject({ rowsWritten: 0, done: true });
      life.addExecution({ startTimeMs: oldMs - 3 * hourMs });
      expect(await world.maintain()).toMatchObject({ lateRows: 1, done: true });
      await world.expectTruth();
    },
  );

  it('an audit that continues to read a cut window counts all rows, and none as late', async () => {
    const world = await syncedSource({ traps: { count: 'missing' } });
    const { life } = world.sim;
    const oldMs = world.clock.now() - 2 * dayMs;
    life.addMany(3_000, { fromMs: oldMs - 8 * hourMs, toMs: oldMs });
    life.addMany(9, { fromMs: world.clock.now() - 8 * hourMs, toMs: world.clock.now() - hourMs });
    await world.syncWell();
    await rewindBy(world, 8 * hourMs);
    await world.syncWell();
    expect(await world.maintain(stoppedAfter(1_500))).toMatchObject({ done: false });
    expect((await checkpointOf(world)).rereading).not.toBeNull();
    for (let n = 0; n < 3; n += 1) {
      world.clock.advance(hourMs);
      expect(await world.maintain()).toMatchObject({ lateRows: 0, done: true });
    }
    const { coverage } = await checkpointOf(world);
    expect(coverage.filter(({ isEstimate }) => isEstimate)).toEqual([]);
    expect(coverage.reduce((sum, { rows }) => sum + rows, 0)).toBe(3_009);
  });

  it.each<[string, Record<string, unknown>, number | null]>([
    ['a rewind to midnight', {}, 0],
    ['a rewind to five past midnight', {}, 5],
    ['a longer lookback', { lookbackMinutes: 50 * 60 }, null],
  ])(
    'after %s, rows that are read again do not count as late, so an audit finds a late row before them',
    async (_, config, minutes) => {
      const midnightMs = worldStartMs + 12 * hourMs;
      const world = await syncedSource({}, { initialFrom: isoTime(worldStartMs - dayMs) });
      const { life } = world.sim;
      life.addMany(100, { fromMs: midnightMs - 10 * minuteMs, toMs: midnightMs });
      world.clock.advance(12 * hourMs);
      await world.syncWell();
      world.clock.advance(2 * dayMs);
      await world.syncWell();
      if (minutes !== null) {
        await rewindBy(world, 2 * dayMs - minutes * minuteMs);
      }
      expect(await world.syncWell({}, config)).toMatchObject({ lateRows: 0 });
      life.addExecution({ startTimeMs: midnightMs - 10 * hourMs });
      expect(await world.maintain({}, { tasks: false })).toMatchObject({ done: true });
      await world.expectTruth();
    },
  );

  it('an open execution that has vanished is recorded as vanished', async () => {
    const world = await syncedSource();
    const startTimeMs = world.clock.now() - 2 * hourMs;
    const { id } = world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    await world.syncWell();
    world.sim.life.remove(id);
    world.clock.advance(minuteMs);
    await rewindBy(world, 5 * hourMs);
    await world.syncWell();
    world.clock.advance(minuteMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0, rowsWritten: 1 });
    const [row] = await world.view();
    expect(row?.['extra']).toContain('vanished_at');
  });

  it('an execution that is still open is written exactly once more', async () => {
    const world = await syncedSource();
    const startTimeMs = world.clock.now() - 2 * hourMs;
    world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    await world.syncWell();
    world.clock.advance(minuteMs);
    await loseAndRewind(world, startTimeMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 1, rowsWritten: 1 });
    await world.expectTruth();
    expect(await world.syncWell()).toMatchObject({ openExecutions: 1, rowsWritten: 0 });
  });
});
