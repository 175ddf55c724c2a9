/** Runs on machines whose clocks differ from each other and from the source's (PROTOCOL.md, I11 and I13). */
import { describe, expect, it } from 'vitest';
import { gapsIn } from '../../functions/intervals.ts';
import { taskTableName } from '../../functions/warehouse/layout.ts';
import { storedFiles } from '../support/stored-rows.ts';
import {
  checkpointOf,
  dayMs,
  hourMs,
  minuteMs,
  onMachineAhead,
  type SyncedSource,
  syncedSource,
} from '../support/synced-source.ts';
import { taskProblems } from '../support/task-problems.ts';

type ListedTask = ReturnType<SyncedSource['sim']['life']['addTask']>;

/** Adds an execution of two hours ago that a machine whose clock is ten minutes ahead has observed as open. */
async function worldSeenAhead(): Promise<{ world: SyncedSource; id: bigint }> {
  const world = await syncedSource();
  const startTimeMs = world.clock.now() - 2 * hourMs;
  const { id } = world.sim.life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
  await world.syncWell(onMachineAhead(world, 10 * minuteMs));
  const [row] = await world.observations();
  expect(Number(row?.['observed_at'])).toBe(world.clock.now() + 10 * minuteMs);
  expect((await checkpointOf(world)).latestObservedMs).toBe(world.clock.now() + 10 * minuteMs);
  world.clock.advance(1000);
  return { world, id };
}

describe('after a run on a machine whose clock was ahead', () => {
  it('the next observed state counts as the later one', async () => {
    const { world, id } = await worldSeenAhead();
    world.sim.life.finish(id, 'FAILED');
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0, rowsWritten: 1 });
    await world.expectTruth();
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 0 });
  });

  it('the observation that an execution vanished counts as later than its last state', async () => {
    const { world, id } = await worldSeenAhead();
    world.sim.life.remove(id);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0, rowsWritten: 1 });
    const [row] = await world.view();
    expect(row?.['extra']).toContain('vanished_at');
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 0 });
  });

  it.each<[string, number, (world: SyncedSource, task: ListedTask) => unknown]>([
    ['a name, which the list of tasks shows', 0, (_, { task }) => Object.assign(task, { name: 'renamed' })],
    ['a rule, which only the details show', 8, (_, { rules }) => rules.splice(1, 1)],
    ['nothing but that the task is gone', 0, ({ sim }, { task }) => sim.life.tasks().remove(BigInt(task.taskId))],
  ])('the table of tasks shows what has changed since: %s', async (_, days, change) => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 3 });
    await world.syncWell();
    await world.maintain(onMachineAhead(world, 60 * dayMs));
    world.clock.advance(days * dayMs + minuteMs);
    change(world, task);
    await world.maintain();
    expect(await taskProblems(await storedFiles(world.store, `${taskTableName}/`), world.sim)).toEqual([]);
  });
});

describe('with the clock of the source hours behind', () => {
  const behindMs = 2 * hourMs;

  it('an execution that just ended by that clock is re-checked until its notification', async () => {
    const world = await syncedSource({ traps: { dateSkewMs: -behindMs } });
    const theirNowMs = world.clock.now() - behindMs;
    const fields = { runStatus: 'ALARMING', startTimeMs: theirNowMs - 3 * hourMs, endTimeMs: theirNowMs };
    const { id } = world.sim.life.addExecution(fields);
    await world.syncWell();
    world.sim.life.setNotify(id, 'SUCCESS');
    world.clock.advance(minuteMs);
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 1 });
    await world.expectTruth();
  });

  it('an open execution expires after maxOpenDays by that clock', async () => {
    const world = await syncedSource({ traps: { dateSkewMs: -behindMs } });
    const startTimeMs = world.clock.now() - behindMs - 7 * dayMs + hourMs;
    world.sim.life.addExecution({ runStatus: 'RUNNING', startTimeMs });
    expect(await world.syncWell()).toMatchObject({ openExecutions: 1 });
    world.clock.advance(2 * hourMs);
    expect(await world.syncWell()).toMatchObject({ openExecutions: 0 });
  });
});

it('coverage that extends into the future by more than the lookback fails runs with a command to rewind, until that time', async () => {
  const world = await syncedSource();
  world.sim.life.addMany(100, { fromMs: world.clock.now() - dayMs, toMs: world.clock.now() });
  await world.syncWell(onMachineAhead(world, hourMs));
  const [summary] = await world.sync();
  expect(summary).toMatchObject({
    requests: 0,
    error: { kind: 'state', remedy: expect.stringMatching(/ correct time .*: dqsync rewind --to <time>$/) },
  });
  expect(summary?.error?.message).toMatch(/2026-06-01T13:00:00.000Z.* in the future/);
  world.clock.advance(2 * hourMs);
  world.sim.life.addMany(100, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() });
  await world.syncWell();
  await world.expectTruth();
});

it.each([
  ['ahead', hourMs, 15 * minuteMs],
  ['behind', -hourMs, 75 * minuteMs],
])(
  "a backfill covers up to the lookback by the slower clock, with the source's clock %s",
  async (_which, dateSkewMs, agoMs) => {
    const world = await syncedSource({ traps: { dateSkewMs } });
    const nowMs = world.clock.now();
    world.sim.life.addMany(500, { fromMs: nowMs - 5 * hourMs, toMs: nowMs });
    await world.backfill({ window: { fromMs: nowMs - dayMs, toMs: nowMs } });
    const { coverage } = await checkpointOf(world);
    expect(coverage.at(-1)?.toMs).toBeLessThanOrEqual(nowMs - agoMs + 1000);
    expect(coverage.at(-1)?.toMs).toBeGreaterThan(nowMs - agoMs - minuteMs);
    await world.syncWell();
    await world.expectTruth();
  },
);

it("a backfill is done if the source's clock turns out to be behind only while it reads", async () => {
  const world = await syncedSource({ traps: { maxSpanDays: 1 } }, { initialFrom: '2026-06-01T09:00:00Z' });
  const nowMs = world.clock.now() + 2 * hourMs;
  world.sim.life.addMany(1_000, { fromMs: nowMs - 12 * dayMs, toMs: nowMs - 2 * hourMs });
  await world.syncWell();
  world.clock.advance(2 * hourMs);
  world.sim.traps.beforePage = ({ query: { startTimeMs } }) => {
    const daysAgo = (nowMs - (startTimeMs ?? 0)) / dayMs;
    world.sim.traps.dateSkewMs = daysAgo > 4 && daysAgo < 10 ? -hourMs : world.sim.traps.dateSkewMs;
  };
  expect(await world.backfill({ window: { fromMs: nowMs - 12 * dayMs, toMs: nowMs } })).toMatchObject({ done: true });
  const { coverage } = await checkpointOf(world);
  expect(coverage.at(-1)?.toMs).toBeLessThan(nowMs - 75 * minuteMs + 1000);
  await world.syncWell();
  await world.expectTruth();
});

it("two backfills of one range are done if the source's clock turns out to be days behind while they read", async () => {
  const world = await syncedSource({ traps: { maxSpanDays: 1 } }, { initialFrom: '2026-06-01T09:00:00Z' });
  const nowMs = world.clock.now();
  world.sim.life.addMany(12_000, { fromMs: nowMs - 12 * dayMs, toMs: nowMs - 2 * hourMs });
  await world.syncWell();
  const window = { fromMs: nowMs - 12 * dayMs, toMs: nowMs };
  let requests = 0;
  world.sim.traps.beforePage = async () => {
    requests += 1;
    if (requests === 6) {
      await world.backfill({ window: { ...window, toMs: window.fromMs + dayMs } });
      world.sim.traps.dateSkewMs = -7 * dayMs;
    }
  };
  expect(await world.backfill({ window })).toMatchObject({ done: true });
  const { coverage } = await checkpointOf(world);
  expect(gapsIn({ ...window, toMs: nowMs - 7 * dayMs - hourMs }, coverage)).toEqual([]);
});
