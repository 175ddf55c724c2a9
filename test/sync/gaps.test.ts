/** Syncs fill gaps in coverage in the time they have left, without a disadvantage for new executions. */
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../functions/checkpoint/checkpoint.ts';
import { watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { applyUnproven, nextTryMs, type UnprovenWindow } from '../../functions/checkpoint/unproven.ts';
import { systemClock } from '../../functions/clock.ts';
import { openConnections } from '../../functions/connect.ts';
import { SourceError } from '../../functions/errors.ts';
import { gapsIn } from '../../functions/intervals.ts';
import type { Run } from '../../functions/sync/run.ts';
import { simTarget } from '../support/sim-config.ts';
import {
  checkpointOf,
  dayMs,
  hourMs,
  minuteMs,
  type SyncedSource,
  stoppedAfter,
  syncedSource,
  warnings,
  withSource,
} from '../support/synced-source.ts';

/** Opens a world that has been synced for 2 days. Of the 20 days before, only the first ones are backfilled. */
async function worldWithGap(rows: number): Promise<SyncedSource> {
  const world = await syncedSource({}, {});
  const nowMs = world.clock.now();
  world.sim.life.addMany(rows, { fromMs: nowMs - 20 * dayMs, toMs: nowMs - minuteMs });
  const config = { initialFrom: new Date(nowMs - 2 * dayMs).toISOString() };
  await world.syncWell({}, config);
  await world.backfill({ window: { fromMs: nowMs - 20 * dayMs, toMs: nowMs - 19 * dayMs } }, {}, config);
  return {
    ...world,
    sync: (change, other) => world.sync(change, { ...config, ...other }),
    syncWell: (change, other) => world.syncWell(change, { ...config, ...other }),
  };
}

function gapsOf(world: SyncedSource, { coverage }: Checkpoint): { fromMs: number; toMs: number }[] {
  return gapsIn({ fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() }, coverage);
}

/** Returns connections that count their requests and call a function before each. */
function yieldingBy(
  world: SyncedSource,
  before: (n: number) => void,
): Pick<Run, 'connectYielding'> & { count: () => number } {
  let requests = 0;
  return {
    count: () => requests,
    connectYielding: withSource(world, ({ fetchPage }) => ({
      fetchPage: async (request) => {
        requests += 1;
        before(requests);
        return await fetchPage(request);
      },
    })).connect,
  };
}

describe('a sync with time left', () => {
  it('requests one token for its executions, rule results, tasks and gaps', async () => {
    const world = await worldWithGap(2_000);
    const startTimeMs = world.clock.now() - minuteMs;
    world.sim.life.addExecution({ runStatus: 'ALARMING', startTimeMs, visibleAtMs: world.clock.now() });
    world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    world.sim.counters.reset();
    const { connect } = await openConnections(
      world.config,
      () => undefined,
      {},
      { ...systemClock, now: () => world.clock.now() },
    );
    const summary = await world.syncWell({ results: 'spare', tasks: true, connect });
    expect(summary.results).toBeGreaterThan(0);
    expect(summary.openExecutions).toBe(1);
    expect(gapsOf(world, await checkpointOf(world))).toEqual([]);
    expect(world.sim.counters.tokens).toBe(1);
  });

  it("fills the gaps that a backfill has left, with a backfill's share of the quota", async () => {
    const world = await worldWithGap(2_000);
    const yielding = yieldingBy(world, () => undefined);
    const summary = await world.syncWell(yielding);
    expect(summary).toMatchObject({ mode: 'incremental', done: true });
    expect(summary.rowsWritten).toBeGreaterThan(1_300);
    expect(yielding.count()).toBeGreaterThan(13);
    expect(gapsOf(world, await checkpointOf(world))).toEqual([]);
    await world.expectTruth();
    expect(await world.syncWell(yieldingBy(world, () => expect.fail('no gap is left')))).toMatchObject({
      rowsWritten: 0,
    });
  });

  it.each([840_000, 20_000, 4_000])('fills gaps in a run that may take %i ms', async (limitMs) => {
    const world = await worldWithGap(300);
    await world.syncWell({ limitMs, connect: world.connect });
    expect(gapsOf(world, await checkpointOf(world))).toEqual([]);
  });

  it('reports gaps for which no time is left', async () => {
    const world = await worldWithGap(300);
    const { log, messages } = warnings();
    let nowMs = world.clock.now();
    const clock = { now: () => nowMs, sleep: async () => undefined };
    const slow = withSource(world, ({ fetchPage }) => ({
      fetchPage: (request) => {
        nowMs += 840_000 - 5_000;
        return fetchPage(request);
      },
    }));
    const yielding = yieldingBy(world, () => expect.fail('there is no time'));
    expect(await world.syncWell({ ...slow, ...yielding, clock, log, limitMs: 840_000 })).toMatchObject({ done: true });
    expect(messages).toEqual([
      'gaps in coverage were not filled, because the run has no time left; a later run tries again. If they remain, raise maxRunSeconds or run "dqsync backfill"',
    ]);
    expect(gapsOf(world, await checkpointOf(world))).toHaveLength(1);
  });

  it('fills the newest gaps first, commits part by part, and continues in the next run', async () => {
    const world = await worldWithGap(20_000);
    const before = await checkpointOf(world);
    const [gap] = gapsOf(world, before);
    const { done, watermark } = await world.syncWell(stoppedAfter(12_000));
    expect({ done, watermark }).toEqual({ done: true, watermark: new Date(watermarkOf(before) ?? 0).toISOString() });
    const left = gapsOf(world, await checkpointOf(world));
    expect(left[0]?.fromMs).toBe(gap?.fromMs);
    expect(left.at(-1)?.toMs).toBeLessThan((gap?.toMs ?? 0) - dayMs);
    await world.syncWell();
    expect(gapsOf(world, await checkpointOf(world))).toEqual([]);
    await world.expectTruth();
  });

  it('syncs every target before it fills the gaps of one', async () => {
    const world = await worldWithGap(2_000);
    const config = { targets: ['sales', 'b'].map((name) => simTarget(world.credentials, { name })) };
    await world.sync({ targets: ['b'] }, config);
    world.clock.advance(hourMs);
    const order: string[] = [];
    const connect: Run['connect'] = (target, signal) => {
      order.push(target.name);
      return world.connect(target, signal);
    };
    const summaries = await world.sync(
      { connect, connectYielding: connect, onTargetDone: ({ summary }) => order.push(`${summary.target} done`) },
      config,
    );
    expect(order).toEqual(['sales', 'b', 'b done', 'sales', 'sales done']);
    expect(summaries.map(({ target, done }) => [target, done])).toEqual([
      ['sales', true],
      ['b', true],
    ]);
  });

  it('reports a failure to fill gaps, and does not fail', async () => {
    const world = await worldWithGap(2_000);
    const { log, messages } = warnings();
    const failing = yieldingBy(world, (n) => {
      if (n > 12) {
        throw new SourceError('the source is down', { remedy: 'Wait.', httpStatus: 503 });
      }
    });
    expect(await world.syncWell({ ...failing, log })).toMatchObject({ done: true });
    expect(messages).toEqual(['gaps in coverage could not be filled: the source is down; a later run tries again']);
    expect((await checkpointOf(world)).lastRun).toMatchObject({ mode: 'incremental', outcome: 'done', error: null });
    await world.syncWell();
    await world.expectTruth();
  });

  it('reserves half of the time for gaps if rule results wait too', async () => {
    const world = await worldWithGap(300);
    const timesMs: (number | undefined)[] = [];
    const connect: Run['connect'] = (target, signal, timeLeftMs) => {
      timesMs.push(timeLeftMs?.());
      return world.connect(target, signal);
    };
    const waiting = { connect, connectYielding: connect, limitMs: 200_000, results: 'spare' } as const;
    await world.syncWell(waiting);
    await world.syncWell(waiting);
    // The limits of sync, results and gaps, and without gaps of sync and results, each less 15 s for the last commit.
    expect(timesMs).toEqual([185_000, 85_000, 185_000, 185_000, 185_000]);
  });
});

describe('a window that cannot be proven', () => {
  it('costs few requests over days, fails each run that omits it, and is covered once it can be proven', async () => {
    const world = await syncedSource({ traps: { deepestOffset: 300 } });
    const nowMs = world.clock.now();
    const ms = nowMs - dayMs;
    world.sim.life.addMany(500, { fromMs: nowMs - 2 * dayMs, toMs: nowMs - minuteMs });
    world.sim.life.addMany(500, { fromMs: ms, toMs: ms + 1, perMillisecond: 500 });
    const [first] = await world.sync();
    expect(first?.error?.kind).toBe('incomplete');
    const requests: number[] = [];
    const failures: (string | undefined)[] = [];
    for (let hour = 0; hour < 2 * 24; hour += 1) {
      world.clock.advance(hourMs);
      const [summary] = await world.sync();
      requests.push(summary?.requests ?? 0);
      failures.push(summary?.error?.message);
    }
    const cost = requests.toSorted((a, b) => a - b);
    expect(cost[24]).toBeLessThanOrEqual(6);
    // It is tried less and less often.
    expect(requests.filter((count) => count > 6).length).toBeLessThanOrEqual(8);
    expect(failures.filter((message) => message?.includes('cannot be proven complete') !== true)).toEqual([]);
    expect(failures.filter((message) => message?.includes('the next try is due at 2026-')).length).toBeGreaterThan(38);
    world.sim.traps.deepestOffset = null;
    world.clock.advance(25 * hourMs);
    await world.sync();
    await world.syncWell();
    await world.expectTruth();
    const checkpoint = await checkpointOf(world);
    expect(watermarkOf(checkpoint)).toBe(world.clock.now());
    expect(checkpoint.unproven).toEqual([]);
  });

  it.each<
    [string, UnprovenWindow[], { fromMs: number; toMs: number }[], { fromMs: number; toMs: number }[], unknown[]]
  >([
    ['is remembered', [], [{ fromMs: 0, toMs: 10 }], [], [[0, 10, 1]]],
    [
      'is counted again',
      [{ fromMs: 0, toMs: 10, tries: 3, triedAtMs: 1 }],
      [{ fromMs: 2, toMs: 12 }],
      [],
      [
        [0, 2, 3],
        [2, 12, 4],
      ],
    ],
    [
      'is forgotten where it is proven',
      [{ fromMs: 0, toMs: 10, tries: 3, triedAtMs: 1 }],
      [],
      [{ fromMs: 4, toMs: 20 }],
      [[0, 4, 3]],
    ],
    [
      'is remembered although it was covered before',
      [{ fromMs: 100, toMs: 110, tries: 9, triedAtMs: 1 }],
      [{ fromMs: 100, toMs: 110 }],
      [],
      [[100, 110, 10]],
    ],
    [
      'is forgotten after five days if it was covered before',
      [{ fromMs: 100, toMs: 110, tries: 10, triedAtMs: 1 }],
      [{ fromMs: 100, toMs: 110 }],
      [],
      [],
    ],
  ])('%s', (_what, before, tried, proven, expected) => {
    const after = applyUnproven(before, { tried, proven, atMs: 1_000 }, [...proven, { fromMs: 100, toMs: 200 }]);
    expect(after.map(({ fromMs, toMs, tries }) => [fromMs, toMs, tries])).toEqual(expected);
  });

  it('waits longer and longer, at most a day', () => {
    const waits = [1, 2, 3, 4, 8, 60].map((tries) => nextTryMs({ fromMs: 0, toMs: 1, tries, triedAtMs: 0 }) / minuteMs);
    expect(waits).toEqual([0, 30, 60, 120, 1440, 1440]);
  });
});
