/** Audits that compare the last run of each task with the newest start that the checkpoint records of it. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Checkpoint } from '../../functions/checkpoint/checkpoint.ts';
import { encodeCheckpoint } from '../../functions/checkpoint/codec.ts';
import { endOf } from '../../functions/checkpoint/coverage.ts';
import { StoppedError, StorageError } from '../../functions/errors.ts';
import type { Run } from '../../functions/sync/run.ts';
import { checkpointKey, tableName } from '../../functions/warehouse/layout.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import type { SimulatedTask } from '../simulator/task-book.ts';
import { failingStore } from '../support/failing-store.ts';
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

/** Replaces one execution that started in the span by one of `task`, so that the count is the same. */
function replaceOne({ sim }: SyncedSource, fromMs: number, toMs: number, startTimeMs: number, task: SimulatedTask) {
  const [leaving] = sim.truth(undefined, { fromMs, toMs }).executions;
  sim.life.remove(leaving!.id);
  return sim.life.addExecution({ task, startTimeMs });
}

async function changeCheckpoint(world: SyncedSource, change: (checkpoint: Checkpoint) => Checkpoint): Promise<void> {
  const { etag } = (await world.store.get(checkpointKey('sales')))!;
  const bytes = encodeCheckpoint(change(await checkpointOf(world)));
  expect(await world.store.putIfMatch(checkpointKey('sales'), bytes, etag)).toMatchObject({ kind: 'won' });
}

/** Syncs, and an hour later again, so that the rows so far are older than the lookback. */
async function syncTwice(world: SyncedSource, change: Partial<Run> = {}): Promise<void> {
  await world.syncWell(change);
  world.clock.advance(hourMs);
  await world.syncWell(change);
}

describe('an audit that compares last runs', () => {
  it('writes nothing and finds nothing late if the checkpoint was begun by a version that recorded no starts', async () => {
    const world = await syncedSource();
    const { life } = world.sim;
    const nowMs = world.clock.now();
    for (let day = 1; day <= 8; day += 1) {
      for (let task = 0; task < 10; task += 1) {
        life.addExecution({ startTimeMs: nowMs - day * dayMs + task * minuteMs });
      }
    }
    await syncTwice(world);
    await changeCheckpoint(world, (checkpoint) => ({
      ...checkpoint,
      newestStarts: [],
      newestStartsFromMs: endOf(checkpoint.coverage),
    }));
    const { log, messages } = warnings();
    expect(await world.maintain({ log })).toMatchObject({ lateRows: 0, rowsWritten: 0, done: true });
    // A run after the upgrade that is listed late, in place of another.
    const startMs = world.clock.now();
    life.addMany(60, { fromMs: startMs, toMs: startMs + hourMs });
    world.clock.advance(hourMs);
    await syncTwice(world);
    replaceOne(world, startMs, startMs + hourMs, startMs + 10 * minuteMs, life.addTask());
    expect(await world.maintain({ log })).toMatchObject({ lateRows: 1, done: true });
    expect(messages).toHaveLength(1);
    await world.expectTruth();
  });

  it('finds a run that started between two whole seconds', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    world.sim.life.addMany(300, { fromMs: nowMs - 2 * dayMs, toMs: nowMs, grain: 'millisecond' });
    await syncTwice(world);
    const task = world.sim.life.addTask();
    replaceOne(world, nowMs - dayMs + minuteMs, nowMs - 13 * hourMs, nowMs - dayMs + 700, task);
    const { log, messages } = warnings();
    expect(await world.maintain({ log })).toMatchObject({ lateRows: 1, done: true });
    expect(messages).toEqual([expect.stringContaining('rows appeared later than the lookback')]);
    await world.expectTruth();
  });

  it('does not warn that runs are missing if executions show no task', async () => {
    const world = await syncedSource({ history: { days: 2, tasks: 30, rerunShare: 0 } });
    const withoutTasks = withSource(world, ({ fetchPage }) => ({
      fetchPage: async (request) => {
        const page = await fetchPage(request);
        return { ...page, executions: page.executions.map((execution) => ({ ...execution, taskId: null })) };
      },
    }));
    await syncTwice(world, withoutTasks);
    const { log, messages } = warnings();
    expect(await world.maintain({ ...withoutTasks, log })).toMatchObject({ lateRows: 0, rowsWritten: 0, done: true });
    expect(messages).toEqual([]);
  });

  it('does not warn that a run is missing if a row of its second is unreadable', async () => {
    const world = await syncedSource({ traps: { lastRunSkewMs: 7_000 } });
    const { life } = world.sim;
    const startTimeMs = world.clock.now() - 2 * hourMs;
    life.addExecution({ startTimeMs });
    life.addUnreadable('id-text', { startTimeMs: startTimeMs + 7_000 });
    await syncTwice(world);
    const { log, messages } = warnings();
    expect(await world.maintain({ log })).toMatchObject({ lateRows: 0, done: true });
    expect(messages).toEqual([]);
  });

  it('does not warn that a run is missing if its second cannot be proven complete', async () => {
    const world = await syncedSource({ traps: { lastRunSkewMs: 7_000 } });
    world.sim.life.addExecution({ startTimeMs: world.clock.now() - 2 * hourMs });
    await syncTwice(world);
    const { log, messages } = warnings();
    const unprovable = withSource(world, ({ fetchPage }) => ({
      fetchPage: async (request) => {
        const page = await fetchPage(request);
        return request.endTimeMs - request.startTimeMs < minuteMs ? { ...page, count: 5 } : page;
      },
    }));
    expect(await world.maintain({ ...unprovable, log })).toMatchObject({ lateRows: 0, done: true });
    expect(messages).toEqual([]);
  });

  it('reads a second once for all the tasks that ran in it', async () => {
    const world = await syncedSource({ traps: { lastRunSkewMs: 7_000 } });
    const startTimeMs = world.clock.now() - 2 * hourMs;
    for (let task = 0; task < 250; task += 1) {
      world.sim.life.addExecution({ startTimeMs });
    }
    await syncTwice(world);
    const { log, messages } = warnings();
    const summary = await world.maintain({ log });
    expect(summary).toMatchObject({ lateRows: 0, done: true });
    expect(summary.requests).toBeLessThan(50);
    expect(messages).toEqual([
      expect.stringMatching(
        /^the task list shows last runs that are not in the instance list.*next audit looks for them again/,
      ),
    ]);
  });

  it('continues a stopped repair even if the last run that caused it is recorded by now', async () => {
    const world = await syncedSource();
    const { life } = world.sim;
    const nowMs = world.clock.now();
    const regular = life.addTask();
    life.addMany(20_000, { fromMs: nowMs - 40 * hourMs, toMs: nowMs - 30 * hourMs });
    life.addExecution({ task: regular, startTimeMs: nowMs - 31 * hourMs });
    await world.syncWell();
    const [fromMs, toMs] = [nowMs - 37 * hourMs, nowMs - 36 * hourMs];
    replaceOne(world, fromMs, toMs, nowMs - 35.5 * hourMs, life.addTask());
    // Its task has a later run, so no last run shows that the table lacks this one.
    replaceOne(world, fromMs, toMs, nowMs - 39 * hourMs, regular);
    expect(await world.maintain(stoppedAfter(4_000))).toMatchObject({ done: false, lateRows: 1 });
    expect(await world.maintain()).toMatchObject({ done: true, lateRows: 1 });
    await world.expectTruth();
    expect(await world.maintain()).toMatchObject({ done: true, lateRows: 0, rowsWritten: 0 });
  });

  it('does not repair a day twice, nor counts its late rows twice, if its repair fails', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    world.sim.life.addMany(300, { fromMs: nowMs - 40 * hourMs, toMs: nowMs - 30 * hourMs });
    await syncTwice(world);
    world.sim.life.addExecution({ startTimeMs: nowMs - 35 * hourMs });
    const store: Store = {
      ...failingStore(world.store, () => 'ok'),
      putIfAbsent: async (key, bytes) => {
        if (key.startsWith(tableName)) {
          throw new StorageError('disk full', { remedy: 'Make room.' });
        }
        return await world.store.putIfAbsent(key, bytes);
      },
    };
    const [failed] = await world.sync({ isMaintenance: true, store });
    expect(failed).toMatchObject({ lateRows: 1, done: false, error: { message: 'disk full' } });
    expect(await world.maintain()).toMatchObject({ lateRows: 1, done: true });
    await world.expectTruth();
  });

  it('is not done, and records only what it compared, if its time ends while it looks for runs', async () => {
    const world = await syncedSource({ history: { days: 3, tasks: 30, rerunShare: 0 } });
    await syncTwice(world);
    const { life } = world.sim;
    const oldMs = world.clock.now() - dayMs;
    replaceOne(world, oldMs + hourMs, oldMs + 3 * hourMs, oldMs, life.addTask());
    const before = await checkpointOf(world);
    const outOfTime = withSource(world, ({ fetchPage }) => ({
      fetchPage: async (request) => {
        if ((request.endTimeMs ?? 0) - (request.startTimeMs ?? 0) < minuteMs) {
          throw new StoppedError('time is up', { remedy: 'Run again.' });
        }
        return await fetchPage(request);
      },
    }));
    expect(await world.maintain(outOfTime)).toMatchObject({ lateRows: 0, done: false });
    const after = await checkpointOf(world);
    expect(after.coverage).toEqual(before.coverage);
    expect(await world.maintain()).toMatchObject({ lateRows: 1, done: true });
  });

  it('is stopped at the end of its share of the time even if the task list is long, and the other steps run', async () => {
    const world = await syncedSource({ history: { days: 1, tasks: 10, rerunShare: 0 } });
    await syncTwice(world);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let pages = 0;
    const slow = withSource(world, ({ tasks }) => ({
      tasks: {
        ...tasks,
        listTasks: async (type, offset) => {
          const page = await tasks.listTasks(type, offset);
          pages += 1;
          if (pages === 1) {
            // Of 80 s without the margin, the audit has 64 s.
            vi.advanceTimersByTime(70_000);
          }
          return page;
        },
      },
    }));
    const { log, messages } = warnings();
    expect(await world.maintain({ ...slow, log, limitMs: 95_000 })).toMatchObject({ lateRows: 0, done: false });
    expect(messages).toEqual([expect.stringContaining('step "audit" did not finish: its time limit was reached')]);
  });
});
