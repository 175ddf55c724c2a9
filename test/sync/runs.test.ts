/** Runs as a whole: time budget, failures, what is written of each row. */
import { describe, expect, it } from 'vitest';
import { isoTime } from '../../functions/clock.ts';
import type { Run } from '../../functions/sync/run.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { failingStore } from '../support/failing-store.ts';
import { simSource, simTarget } from '../support/sim-config.ts';
import { dayMs, hourMs, minuteMs, stoppedAfter, syncedSource } from '../support/synced-source.ts';

/** Measures the longest slice of a target by the steps of its progress. */
function slicesOf(target: string): { longestMs: number; readonly onProgress: Run['onProgress'] } {
  let beforeMs = 0;
  const slices = {
    longestMs: 0,
    onProgress: (progress: Parameters<Run['onProgress']>[0]) => {
      if (progress.target === target) {
        slices.longestMs = Math.max(slices.longestMs, progress.doneMs - beforeMs);
        beforeMs = progress.doneMs;
      }
    },
  };
  return slices;
}

describe('a run', () => {
  it('an interrupted run commits even a few rows, and the next run continues from there', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(2_000, { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() - hourMs });
    const source = simSource(world.sim, { requests: 4, perSeconds: 3600 });
    const short = { connect: world.connect, limitMs: 2_000_000, ...stoppedAfter(1_200) };
    const first = await world.syncWell(short, { source });
    expect(first.done).toBe(false);
    expect(first.rowsWritten).toBeGreaterThan(500);
    expect(first.rowsWritten).toBeLessThan(2_000);
    expect(Date.parse(first.watermark ?? '')).toBeGreaterThan(world.clock.now() - 20 * dayMs);
    const second = await world.syncWell();
    expect(second).toMatchObject({ done: true });
    expect(second.rowsRead).toBeLessThan(1_600);
    await world.expectTruth();
    expect(await world.observationCount()).toBe(2_000);
  });

  it('a run that is interrupted again commits what it has read since, although it reads the newest rows first', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(9_000, { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() - hourMs });
    for (const rows of [4_000, 2_000, 1_500]) {
      const { rowsWritten } = await world.syncWell(stoppedAfter(rows));
      expect(rowsWritten).toBeGreaterThan(500);
    }
    await world.syncWell();
    await world.expectTruth();
    expect(await world.observationCount()).toBe(9_000);
  });

  it('commits after two minutes of work even if it has few rows', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(2_000, { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() - hourMs });
    const source = simSource(world.sim, { requests: 4, perSeconds: 3600 });
    const committedAtMs = [world.clock.now()];
    const store = failingStore(world.store, ({ key, method }) => {
      // The first commit begins with the time zone. Pages that arrive while it is written move the clock on.
      if ((key.startsWith('state/.time-zones/') || key === 'state/sales/checkpoint.json') && method !== 'get') {
        committedAtMs.push(world.clock.now());
      }
      return 'ok';
    });
    world.sim.traps.afterPage = () => world.clock.advance(20_000);
    await world.syncWell({ store, connect: world.connect, limitMs: 2_000_000 }, { source });
    expect(world.clock.now() - committedAtMs[0]!).toBeGreaterThan(6 * minuteMs);
    const [firstMs, ...pausesMs] = committedAtMs.slice(1).map((atMs, index) => atMs - committedAtMs[index]!);
    expect(Math.max(...pausesMs)).toBeLessThanOrEqual(3 * minuteMs);
    // Three requests check the source before the first read.
    expect(firstMs).toBeLessThanOrEqual(4 * minuteMs);
    await world.expectTruth();
  });

  it('a run without time does nothing and reports that it is not done', async () => {
    const world = await syncedSource({ history: { days: 2 } });
    expect(await world.syncWell({ limitMs: 0 })).toMatchObject({ done: false, rowsWritten: 0 });
  });

  it('cuts slices that are small enough for a short time limit', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(5_000, { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() - hourMs });
    const source = simSource(world.sim, { requests: 1000, perSeconds: 1000 });
    const slices = slicesOf('sales');
    await world.syncWell({ limitMs: 20_000, onProgress: slices.onProgress }, { source });
    expect(slices.longestMs).toBeGreaterThan(0);
    // A day has 250 rows. The time allows reading 2,000.
    expect(slices.longestMs).toBeLessThan(8 * dayMs);
    await world.expectTruth();
  });

  it('leaves the other targets their share of the time', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(1_000, { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() });
    const source = simSource(world.sim, { requests: 1000, perSeconds: 500 });
    const targets = ['first', 'second', 'third', 'fourth'].map((name) => simTarget(world.credentials, { name }));
    const initialFrom = isoTime(world.clock.now() - 20 * dayMs);
    const slices = targets.map(({ name }) => slicesOf(name));
    const onProgress: Run['onProgress'] = (progress) => {
      for (const one of slices) {
        one.onProgress(progress);
      }
    };
    await world.sync({ limitMs: 16_000, connect: world.connect, onProgress }, { targets, source, initialFrom });
    const [firstMs = 0, , , lastMs] = slices.map(({ longestMs }) => longestMs);
    expect(firstMs).toBeGreaterThan(0);
    // The first has a quarter of the time, the last has all that is left. Slices are as long as the time allows.
    expect(lastMs).toBeGreaterThan(3 * firstMs);
  });

  it('never reads a row dated in the future before its time, and reads it then', async () => {
    const world = await syncedSource({ history: { days: 2, tasks: 10 } });
    world.sim.life.addFutureDated(2 * hourMs);
    const first = await world.syncWell();
    expect(Date.parse(first.watermark ?? '')).toBe(world.clock.now());
    await world.expectTruth();
    world.clock.advance(3 * hourMs);
    await world.syncWell();
    await world.expectTruth();
  });

  it.each([
    [80, 2, 0],
    [200, 4, 0],
    [200, 4, -30_000],
    [200, 4, -hourMs],
  ])(
    'reads all of %i old rows if one leaves while a late one appears and pages are short (%i h, clock of the source %i ms off)',
    async (rows, hours, dateSkewMs) => {
      for (let seed = 1; seed <= 3; seed += 1) {
        const world = await syncedSource({ seed, traps: { dateSkewMs } });
        world.sim.life.addMany(rows, { fromMs: world.clock.now() - hours * hourMs, toMs: world.clock.now() });
        world.sim.traps.pageCap = 10;
        world.sim.traps.afterPage = ({ n, life }) => {
          const oldest = world.sim
            .truth()
            .executions.find((execution) => execution.startTimeMs < world.clock.now() - hourMs);
          if (n % 3 === seed % 3 && oldest !== undefined && n < 60) {
            life.remove(oldest.id);
            life.addLate(5 * minuteMs - dateSkewMs);
          }
        };
        await world.sync();
        world.sim.traps.afterPage = null;
        world.clock.advance(minuteMs);
        await world.syncWell();
        await world.expectTruth();
      }
    },
  );

  it('ends even if the measured skew of the source changes with every reply', async () => {
    const world = await syncedSource({ traps: { dateSkewMs: -hourMs } });
    world.sim.life.addMany(2_000, { fromMs: world.clock.now() - 20 * hourMs, toMs: world.clock.now() });
    world.sim.traps.afterPage = ({ n }) => {
      world.sim.traps.dateSkewMs = -hourMs - 40 * n + (n % 3) * 500;
    };
    expect((await world.syncWell()).requests).toBeLessThan(60);
    await world.expectTruth();
  });

  it('accepts settings that are not whole milliseconds', async () => {
    const world = await syncedSource({ history: { days: 2, tasks: 10 } });
    const config = { lookbackMinutes: 0.123456, settleSeconds: 0.1005 };
    await world.syncWell({}, config);
    world.clock.advance(hourMs);
    await world.syncWell({}, config);
    world.clock.advance(1000);
    await world.syncWell({}, config);
    await world.expectTruth();
  });

  it("appends nothing twice if the source's clock is an hour behind", async () => {
    const world = await syncedSource({ history: { days: 2, tasks: 40 }, traps: { dateSkewMs: -hourMs } });
    await world.syncWell();
    const before = await world.observationCount();
    expect((await world.syncWell()).rowsWritten).toBe(0);
    expect(await world.observationCount()).toBe(before);
  });

  it("appends nothing twice at the edge of the next run's lookback", async () => {
    const world = await syncedSource();
    const lookbackFromMs = world.clock.now() - 15 * minuteMs;
    for (const offsetMs of [-3, -2, -1, 0, 1]) {
      const startTimeMs = lookbackFromMs + offsetMs;
      world.sim.life.addExecution({ startTimeMs, endTimeMs: startTimeMs + 1 });
    }
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 5 });
    const again = await world.syncWell();
    expect(again.rowsRead).toBeGreaterThanOrEqual(3);
    expect(again.rowsWritten).toBe(0);
  });

  it.each(['start-desc', 'unstable'] as const)(
    'appends nothing twice if slices stop and resume between milliseconds that all have rows (%s)',
    async (order) => {
      const world = await syncedSource({ traps: { order } });
      const nowMs = world.clock.now();
      world.sim.life.addMany(300, { fromMs: nowMs - 20 * dayMs, toMs: nowMs - hourMs });
      const burst = { fromMs: nowMs - 10 * dayMs, toMs: nowMs - 10 * dayMs + 500 };
      world.sim.life.addMany(1_500, { ...burst, perMillisecond: 3 });
      const source = simSource(world.sim, { requests: 1000, perSeconds: 1000 });
      await world.syncWell({ limitMs: 20_000, connect: world.connect }, { source });
      await world.expectTruth();
      expect(await world.observationCount()).toBe(1_800);
    },
  );

  it('keeps a row shown at the end of its request, even if the row has left by the time it is due', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    const { id } = world.sim.life.addExecution({ startTimeMs: nowMs, endTimeMs: nowMs, runStatus: 'FAILED' });
    await world.syncWell();
    world.sim.life.remove(id);
    world.clock.advance(hourMs);
    await world.syncWell();
    expect((await world.view()).map((row) => row['id'])).toEqual([String(id)]);
  });

  it('records for each row its project, its run and the time of the observation', async () => {
    const world = await syncedSource();
    const startedAtMs = world.clock.now();
    world.sim.life.addMany(300, { fromMs: startedAtMs - 2 * dayMs, toMs: startedAtMs - dayMs });
    world.sim.traps.afterPage = () => world.clock.advance(1000);
    await world.syncWell();
    const rows = await world.observations();
    expect(new Set(rows.map((row) => row['project_id']))).toEqual(new Set([defaultWorkspace.projectId]));
    const seenAtMs = rows.map((row) => Number(row['observed_at']));
    expect(Math.min(...seenAtMs)).toBeGreaterThan(startedAtMs);
    expect(new Set(seenAtMs).size).toBeGreaterThan(1);
    const [file] = await Array.fromAsync(world.store.list('quality_instance_observations/'));
    const [runId] = [...new Set(rows.map((row) => row['run_id']))];
    expect(file?.key).toContain(`/${runId}-`);
    expect(runId).toMatch(/^20260601T120000Z-[0-9a-f]{8}$/);
  });

  it.each(['sync', 'backfill'])('covers nothing if no row of the source can be read: %s', async (mode) => {
    const world = await syncedSource();
    for (let row = 0; row < 250; row += 1) {
      world.sim.life.addUnreadable('id-text');
    }
    world.clock.advance(minuteMs);
    const nowMs = world.clock.now();
    const task = { window: { fromMs: nowMs - dayMs, toMs: nowMs }, again: false };
    const [summary] = await world.sync(mode === 'sync' ? {} : { backfill: task });
    expect(summary).toMatchObject({ done: false, rowsWritten: 0, watermark: null });
    expect(summary?.error?.message).toContain('none of the source\'s rows can be read: id is not an integer: "x-');
  });

  it('quarantines each row once over several commits, even if replies of the store are lost', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    world.sim.life.addMany(3_000, { fromMs: nowMs - 20 * dayMs, toMs: nowMs - hourMs });
    // The run commits every minute.
    world.sim.traps.afterPage = () => world.clock.advance(20_000);
    const texts = [19, 10, 2].map((days) =>
      world.sim.life.addUnreadable('id-text', { startTimeMs: nowMs - days * dayMs }),
    );
    const lossy = failingStore(world.store, ({ key, method }) =>
      key.startsWith('quarantine/') && method !== 'get' ? 'lose-reply' : 'ok',
    );
    const config = { initialFrom: isoTime(nowMs - 20 * dayMs) };
    expect(await world.syncWell({ store: lossy }, config)).toMatchObject({ done: true, quarantined: 3 });
    const [file, ...others] = await Array.fromAsync(world.store.list('quarantine/'));
    expect(others).toEqual([]);
    const lines = new TextDecoder()
      .decode((await world.store.get(file!.key))!.bytes)
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line).row)).toEqual(texts);
    expect(lossy.calls.filter(({ key, method }) => key === file!.key && method !== 'get').length).toBeGreaterThan(1);
  });

  it('writes days of the configured time zone', async () => {
    const world = await syncedSource({ history: { days: 3, tasks: 10 } });
    await world.syncWell({}, { partitionTimeZone: 'Asia/Shanghai' });
    const rows = await world.view();
    const shanghaiDay = new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Shanghai' });
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.filter((row) => row['dt'] !== shanghaiDay.format(Number(row['start_time'])))).toEqual([]);
  });
});
