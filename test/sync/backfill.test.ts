/** Backfills read each gap of a range once, also when they are stopped or other runs are in progress. */
import { describe, expect, it } from 'vitest';
import { rowsIn, watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { gapsIn } from '../../functions/intervals.ts';
import {
  checkpointOf,
  dayMs,
  hourMs,
  minuteMs,
  type SyncedSource,
  stoppedAfter,
  syncedSource,
  warnings,
} from '../support/synced-source.ts';

/** Opens a world with `rows` settled executions of the last 36 days, of which only the last day is synced. */
async function worldWithHistory(rows: number, initialFromDays = 1): Promise<SyncedSource> {
  const world = await syncedSource(
    {},
    { initialFrom: new Date(Date.parse('2026-06-01T12:00:00Z') - initialFromDays * dayMs).toISOString() },
  );
  world.sim.life.addMany(rows, { fromMs: world.clock.now() - 36 * dayMs, toMs: world.clock.now() - hourMs });
  return world;
}

const allBefore = (world: SyncedSource) => ({
  fromMs: world.clock.now() - 37 * dayMs,
  toMs: world.clock.now() - dayMs,
});

describe('a backfill', () => {
  it('reads the range before the watermark, each row once, and does not move the watermark', async () => {
    const world = await worldWithHistory(3_000);
    const { watermark } = await world.syncWell();
    const window = allBefore(world);
    const summary = await world.backfill({ window });
    expect(summary).toMatchObject({ mode: 'backfill', done: true, watermark, openExecutions: 0 });
    expect(summary.requests).toBeLessThanOrEqual(1.03 * 30 + 2);
    await world.expectTruth();
    expect(await world.observationCount()).toBe(3_000);
    expect(gapsIn(window, (await checkpointOf(world)).coverage)).toEqual([]);
    expect(await world.backfill({ window })).toMatchObject({ done: true, requests: 0, rowsWritten: 0, watermark });
    expect((await world.syncWell()).rowsWritten).toBe(0);
  });

  it('before the first sync leaves the watermark unset, and the first sync skips what it has covered', async () => {
    const world = await worldWithHistory(2_000, 30);
    const window = { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() - 10 * dayMs };
    expect(await world.backfill({ window })).toMatchObject({ done: true, watermark: null });
    const synced = await world.syncWell();
    expect(synced.rowsRead).toBeLessThan(1_300);
    expect(Date.parse(synced.watermark ?? '')).toBe(world.clock.now());
    await world.backfill({ window: allBefore(world) });
    await world.expectTruth();
    expect(await world.observationCount()).toBe(2_000);
  });

  it('up to now reads everything again if its last page shows that pages are longer than they seemed', async () => {
    const world = await worldWithHistory(300);
    await world.syncWell();
    world.clock.advance(2 * hourMs);
    const nowMs = world.clock.now();
    world.sim.life.addMany(60, { fromMs: nowMs - 8 * minuteMs, toMs: nowMs - 2 * minuteMs });
    const { traps } = world.sim;
    traps.pageCap = 30;
    traps.beforePage = ({ query }) => {
      traps.pageCap = (query.startTimeMs ?? 0) > nowMs - hourMs ? 100 : 30;
    };
    const window = { fromMs: nowMs - 37 * dayMs, toMs: nowMs };
    expect(await world.backfill({ window })).toMatchObject({ done: true });
    expect(gapsIn({ ...window, toMs: nowMs - hourMs }, (await checkpointOf(world)).coverage)).toEqual([]);
    await world.expectTruth();
  });

  it('up to now writes young rows, but leaves their coverage to the scheduled sync', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    world.sim.life.addMany(2_000, { fromMs: nowMs - hourMs, toMs: nowMs });
    const summary = await world.backfill({ window: { fromMs: nowMs - dayMs, toMs: nowMs + dayMs } });
    expect(summary).toMatchObject({ done: true, rowsWritten: 2_000 });
    await world.expectTruth();
    const { coverage } = await checkpointOf(world);
    expect(coverage.at(-1)?.toMs).toBe(nowMs - 15 * minuteMs - 2_000);
    world.sim.life.addLate(10 * minuteMs);
    await world.syncWell();
    await world.expectTruth();
    expect(await world.observationCount()).toBe(2_001);
  });

  it('up to now causes no row to be written twice, not even at the end of its coverage', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    for (const offMs of [-1, 0, 1]) {
      const startTimeMs = nowMs - 15 * minuteMs + offMs;
      world.sim.life.addExecution({ startTimeMs, endTimeMs: startTimeMs + 100 });
    }
    const window = { fromMs: nowMs - hourMs, toMs: nowMs };
    expect(await world.backfill({ window })).toMatchObject({ rowsWritten: 3 });
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 0 });
  });

  it('a backfill without a range fills only the known gaps', async () => {
    const world = await worldWithHistory(2_000, 30);
    await world.syncWell();
    const before = await checkpointOf(world);
    expect(await world.backfill({})).toMatchObject({ done: true, requests: 0 });
    const window = { fromMs: world.clock.now() - 34 * dayMs, toMs: world.clock.now() - 32 * dayMs };
    await world.backfill({ window });
    const filled = await world.backfill({});
    expect(filled).toMatchObject({ done: true, watermark: new Date(watermarkOf(before) ?? 0).toISOString() });
    expect(filled.rowsWritten).toBeGreaterThan(80);
    expect(gapsIn({ fromMs: window.fromMs, toMs: world.clock.now() }, (await checkpointOf(world)).coverage)).toEqual(
      [],
    );
    expect(await world.backfill({})).toMatchObject({ requests: 0 });
  });

  it('has nothing to fill before anything is covered', async () => {
    const world = await worldWithHistory(100);
    expect(await world.backfill({})).toMatchObject({ done: true, from: null, requests: 0 });
  });

  it('a stopped backfill resumes where it stopped, and reads few rows twice', async () => {
    const world = await worldWithHistory(6_000);
    await world.syncWell();
    let requests = 0;
    let runs = 0;
    for (let done = false; !done; runs += 1) {
      const summary = await world.backfill({ window: allBefore(world) }, stoppedAfter(2_000));
      requests += summary.requests;
      done = summary.done;
    }
    expect(runs).toBeGreaterThan(2);
    expect(requests).toBeLessThan(60 + runs * 20);
    await world.expectTruth();
    expect(await world.observationCount()).toBe(6_000);
  });

  it('writes each row once over several commits if one starts in every millisecond', async () => {
    const world = await syncedSource();
    const fromMs = world.clock.now() - 2 * dayMs;
    world.sim.life.addMany(4_000, { fromMs, toMs: fromMs + 4_000 });
    const window = { fromMs: fromMs - 1000, toMs: fromMs + 5_000 };
    expect(await world.backfill({ window })).toMatchObject({ done: true, rowsWritten: 4_000 });
    await world.expectTruth();
  });

  it('re-checks executions that it finds open until they end', async () => {
    const world = await worldWithHistory(1_000, 1);
    await world.syncWell();
    const startTimeMs = world.clock.now() - 2 * dayMs;
    const { id } = world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    expect(await world.backfill({ window: allBefore(world) })).toMatchObject({ openExecutions: 1 });
    world.sim.life.finish(id, 'FAILED');
    world.clock.advance(hourMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0, rowsWritten: 1 });
    await world.expectTruth();
  });

  it('continues after a window that cannot be proven, and fails with its name', async () => {
    const world = await worldWithHistory(1_500);
    const bad = world.clock.now() - 20 * dayMs;
    world.sim.life.addMany(150, { fromMs: bad, toMs: bad + 1, perMillisecond: 150 });
    world.sim.traps.deepestOffset = 99;
    const { log, messages } = warnings();
    const [summary] = await world.sync({ backfill: { window: allBefore(world), again: false }, log });
    expect(summary).toMatchObject({ done: false, error: { kind: 'incomplete' } });
    // The error gives the reason, so the warning does not.
    expect(messages).toContain('a window cannot be proven complete; reading continues after it');
    const gaps = gapsIn(allBefore(world), (await checkpointOf(world)).coverage);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]?.fromMs).toBeLessThanOrEqual(bad);
    expect(gaps[0]?.toMs).toBeGreaterThan(bad);
    expect(gaps[0]?.toMs).toBeLessThan(bad + dayMs);
    world.sim.traps.deepestOffset = null;
    expect(await world.backfill({ window: allBefore(world) })).toMatchObject({ done: true });
    await world.syncWell();
    await world.expectTruth();
  });
});

describe('a backfill that reads again', () => {
  it('writes covered rows again, and the view shows each execution once', async () => {
    const world = await worldWithHistory(2_000, 37);
    await world.syncWell();
    const window = { fromMs: world.clock.now() - 10 * dayMs, toMs: world.clock.now() - 5 * dayMs };
    const before = await checkpointOf(world);
    const summary = await world.backfill({ window, again: true });
    expect(summary.rowsWritten).toBeGreaterThan(240);
    expect(await world.observationCount()).toBe(2_000 + summary.rowsWritten);
    expect((await checkpointOf(world)).coverage).toEqual(before.coverage);
    await world.expectTruth();
  });

  it('writes rows within the lookback of the next sync again too', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(100, { fromMs: world.clock.now() - 5 * minuteMs, toMs: world.clock.now() });
    await world.syncWell();
    const window = { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() };
    expect(await world.backfill({ window, again: true })).toMatchObject({ rowsWritten: 100 });
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 0 });
    await world.expectTruth();
  });

  it('counts a row as late if the previous sync did not see it', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(100, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() });
    await world.syncWell();
    world.sim.life.addLate(5 * minuteMs);
    const window = { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() };
    expect(await world.backfill({ window, again: true })).toMatchObject({ lateRows: 1 });
    expect(rowsIn((await checkpointOf(world)).coverage)).toBe(101);
    await world.expectTruth();
  });

  it.each([0, 5, 20, 90])(
    'counts a late row once, however often it is read again %i minutes after the sync, and audits find later ones',
    async (minutes) => {
      const world = await syncedSource();
      const startMs = world.clock.now();
      const window = { fromMs: startMs - 2 * dayMs, toMs: startMs };
      world.sim.life.addMany(100, window);
      await world.syncWell();
      world.clock.advance(minuteMs);
      for (let row = 0; row < 5; row += 1) {
        world.sim.life.addExecution({ startTimeMs: startMs - 5 * minuteMs + row * 1_000 });
      }
      world.clock.advance(minutes * minuteMs);
      const rowsOf = async () => rowsIn((await checkpointOf(world)).coverage.filter(({ fromMs }) => fromMs < startMs));
      for (const lateRows of [5, 0, 0]) {
        expect(await world.backfill({ window, again: true })).toMatchObject({ lateRows, rowsWritten: 105 });
        expect(await rowsOf()).toBe(105);
      }
      expect(await world.syncWell()).toMatchObject({ lateRows: 0, rowsWritten: 0 });
      expect(await rowsOf()).toBe(105);
      world.clock.advance(hourMs);
      await world.syncWell();
      for (let row = 0; row < 3; row += 1) {
        world.sim.life.addExecution({ startTimeMs: startMs - dayMs + row * 1_000 });
      }
      world.clock.advance(hourMs);
      expect(await world.maintain()).toMatchObject({ lateRows: 3, done: true });
      await world.expectTruth();
    },
  );

  it.each([false, true])(
    'keeps few rows in the checkpoint of a target that has not synced for days (again: %s)',
    async (again) => {
      const world = await syncedSource();
      const startMs = world.clock.now();
      world.sim.life.addMany(500, { fromMs: startMs - dayMs, toMs: startMs - minuteMs });
      await world.syncWell();
      world.sim.life.addMany(20_000, { fromMs: startMs, toMs: startMs + 10 * dayMs });
      world.clock.advance(10 * dayMs);
      const window = { fromMs: startMs - dayMs, toMs: world.clock.now() };
      const from = again ? window : { ...window, fromMs: startMs };
      expect(await world.backfill({ window: from, again })).toMatchObject({ done: true, lateRows: 0 });
      // A backfill keeps at most the rows of its last slice.
      expect((await checkpointOf(world)).recent.length).toBeLessThan(again ? 6_000 : 100);
      await world.syncWell();
      expect((await checkpointOf(world)).recent.length).toBeLessThan(100);
      await world.expectTruth();
    },
  );

  it.each([20, 40])('counts no row as late if it overlaps with a first sync (%i hours)', async (hours) => {
    const world = await syncedSource({}, { settleSeconds: 60, results: 'none' });
    const nowMs = world.clock.now();
    world.sim.life.addMany(40_000, { fromMs: nowMs - 2 * dayMs, toMs: nowMs - hourMs });
    const window = { fromMs: nowMs - hours * hourMs, toMs: nowMs };
    const both = await Promise.all([world.backfill({ window, again: false }), world.syncWell()]);
    expect(both.map(({ lateRows }) => lateRows)).toEqual([0, 0]);
    await world.expectTruth();
  });

  it.each([
    { again: true, least: 9_000, most: 12_000 },
    { again: false, least: 3_000, most: 6_000 },
  ])(
    'repeats what it has committed after a page that is longer than pages seemed, if it reads again: %o',
    async ({ again, most, least }) => {
      const world = await worldWithHistory(3_000);
      const { traps } = world.sim;
      traps.maxSpanDays = 1;
      traps.pageCap = 30;
      const log = (_level: string, message: string): void => {
        traps.pageCap = message === 'committed' ? 100 : traps.pageCap;
      };
      const window = allBefore(world);
      const { rowsRead } = await world.backfill({ window, again }, { log });
      expect(rowsRead).toBeLessThan(most);
      expect(rowsRead).toBeGreaterThan(least);
      expect(gapsIn(window, (await checkpointOf(world)).coverage)).toEqual([]);
      await world.syncWell();
      await world.expectTruth();
    },
  );

  it('does not count a row as late if a sync has written it in the meantime', async () => {
    const world = await syncedSource();
    const startMs = world.clock.now();
    const window = { fromMs: startMs - 2 * dayMs, toMs: startMs };
    world.sim.life.addMany(30_000, window);
    await world.syncWell();
    world.sim.life.addExecution({ startTimeMs: startMs - 5 * minuteMs });
    world.clock.advance(hourMs);
    let pages = 0;
    world.sim.traps.beforePage = async () => {
      pages += 1;
      if (pages === 50) {
        world.sim.traps.beforePage = null;
        expect(await world.syncWell()).toMatchObject({ lateRows: 1 });
      }
    };
    expect(await world.backfill({ window, again: true })).toMatchObject({ lateRows: 0 });
    expect(rowsIn((await checkpointOf(world)).coverage)).toBe(30_001);
    await world.expectTruth();
  });

  it('leaves nothing for later syncs to write again, although they read the same rows', async () => {
    const world = await syncedSource();
    const syncedMs = world.clock.now();
    world.sim.life.addMany(100, { fromMs: syncedMs - 5 * minuteMs, toMs: syncedMs });
    world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: syncedMs - minuteMs });
    await world.syncWell();
    world.clock.advance(2 * hourMs);
    const window = { fromMs: syncedMs - hourMs, toMs: syncedMs };
    expect(await world.backfill({ window, again: true })).toMatchObject({ rowsWritten: 101 });
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 0 });
    await world.expectTruth();
  });

  it('up to now starts over each time, although its end is never covered', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    world.sim.life.addMany(100, { fromMs: nowMs - 55 * minuteMs, toMs: nowMs - 20 * minuteMs });
    const task = { window: { fromMs: nowMs - hourMs, toMs: nowMs }, again: true };
    expect(await world.backfill(task)).toMatchObject({ done: true, rowsWritten: 100 });
    expect(await world.backfill(task)).toMatchObject({ done: true, rowsWritten: 100 });
  });

  it('quarantines no row that was quarantined before', async () => {
    const world = await worldWithHistory(100, 37);
    world.sim.life.addUnreadable('id-text', { startTimeMs: world.clock.now() - 6 * dayMs });
    expect(await world.syncWell()).toMatchObject({ quarantined: 1 });
    world.clock.advance(2 * dayMs);
    await world.syncWell();
    const window = { fromMs: world.clock.now() - 10 * dayMs, toMs: world.clock.now() - 5 * dayMs };
    expect(await world.backfill({ window, again: true })).toMatchObject({ done: true, quarantined: 0 });
  });

  it.each([
    ['resumes', 23 * hourMs],
    ['starts over', 24 * hourMs],
  ])('%s if it was stopped %i ms ago', async (how, pauseMs) => {
    const world = await worldWithHistory(6_000, 37);
    await world.syncWell();
    const task = { window: allBefore(world), again: true };
    const first = await world.backfill(task, stoppedAfter(3_500));
    expect(first.rowsWritten).toBeGreaterThan(1_000);
    world.clock.advance(pauseMs);
    const second = await world.backfill(task, stoppedAfter(2_000));
    expect(second.done).toBe(false);
    const third = await world.backfill(task);
    expect(third.done).toBe(true);
    const resumed = 6_000 - first.rowsWritten;
    const expected = how === 'resumes' ? resumed : 6_000;
    expect(Math.abs(second.rowsWritten + third.rowsWritten - expected)).toBeLessThan(600);
    expect((await checkpointOf(world)).rereading).toBeNull();
    expect((await world.backfill(task)).rowsWritten).toBeGreaterThan(5_400);
  });
});

it('a backfill concurrent with syncs completes the table, as do the syncs', async () => {
  const world = await worldWithHistory(3_000);
  await world.syncWell();
  // Each run commits every minute.
  world.sim.traps.afterPage = () => world.clock.advance(5_000);
  let done = false;
  const backfilling = world.backfill({ window: allBefore(world) }).finally(() => {
    done = true;
  });
  let syncs = 0;
  for (; !done; syncs += 1) {
    world.sim.life.addMany(50, { fromMs: world.clock.now() - 5 * minuteMs, toMs: world.clock.now() });
    await world.syncWell();
  }
  await backfilling;
  expect(syncs).toBeGreaterThan(1);
  world.sim.traps.afterPage = null;
  const { watermark } = await world.syncWell();
  expect(Date.parse(watermark ?? '')).toBe(world.clock.now());
  await world.expectTruth();
  expect(gapsIn(allBefore(world), (await checkpointOf(world)).coverage)).toEqual([]);
});
