/** Announcements of changed outcomes. */
import { describe, expect, it } from 'vitest';
import type { PendingChange } from '../../functions/checkpoint/last-outcomes.ts';
import type { OutcomeChanges } from '../../functions/sync/outcomes/outcome-changes.ts';
import type { TargetOutcome } from '../../functions/sync/summary.ts';
import { outcomesKey } from '../../functions/warehouse/layout.ts';
import { failingStore, type StoreFate } from '../support/failing-store.ts';
import { dayMs, hourMs, minuteMs, type SyncedSource, syncedSource, warnings } from '../support/synced-source.ts';

/** Collects the announcements of all runs. */
function listener() {
  const heard: PendingChange[] = [];
  return {
    heard,
    announce: async ({ changes }: OutcomeChanges): Promise<void> => {
      heard.push(...changes);
    },
  };
}

const textOf = ({ from, to, inARow, executionId }: PendingChange): string =>
  `${from}→${to} × ${inARow}, ${executionId}`;

/** Adds an execution that started some minutes ago. */
function addRun(
  world: SyncedSource,
  task: ReturnType<SyncedSource['sim']['life']['addTask']>,
  runStatus: string,
  id: bigint,
) {
  const startTimeMs = world.clock.now() - 5 * minuteMs;
  world.sim.life.addExecution({ task, runStatus, id, startTimeMs });
}

describe('changes of outcomes', () => {
  it('are announced once, with the length of the streak, except for executions before the first run', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ name: '订单' });
    world.sim.life.addExecution({ task, runStatus: 'FAILED', id: 1n, startTimeMs: world.clock.now() - 40 * hourMs });
    world.sim.life.addExecution({ task, runStatus: 'SUCCESS', id: 2n, startTimeMs: world.clock.now() - 30 * hourMs });
    const { heard, announce } = listener();
    await world.syncWell({ announce });
    expect(heard).toEqual([]);

    world.clock.advance(hourMs);
    addRun(world, task, 'FAILED', 3n);
    world.clock.advance(hourMs);
    addRun(world, task, 'FAILED', 4n);
    await world.syncWell({ announce });
    await world.syncWell({ announce });
    expect(heard.map(textOf)).toEqual(['SUCCESS→FAILED × 2, 3']);
    expect(heard[0]).toMatchObject({ name: '订单', taskId: expect.stringMatching(/^\d{19}$/) });

    world.clock.advance(hourMs);
    addRun(world, task, 'SUCCESS', 5n);
    addRun(world, world.sim.life.addTask({ name: 'new and failing' }), 'ALARMING', 6n);
    addRun(world, world.sim.life.addTask({ name: 'new and fine' }), 'SUCCESS', 7n);
    await world.syncWell({ announce });
    expect(heard.slice(1).map(textOf).sort()).toEqual(['FAILED→SUCCESS × 1, 5', 'null→ALARMING × 1, 6']);
  });

  it('are not counted in the history that the first sync reads, so that it raises no alarm', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask();
    for (const hours of [40, 30, 20, 10]) {
      const runStatus = hours % 20 === 0 ? 'FAILED' : 'SUCCESS';
      world.sim.life.addExecution({ task, runStatus, startTimeMs: world.clock.now() - hours * hourMs });
    }
    addRun(world, world.sim.life.addTask(), 'ALARMING', 9n);
    const seen: unknown[] = [];
    await world.syncWell({ announce: listener().announce, onTargetDone: ({ quality }) => seen.push(quality) });
    expect(seen).toMatchObject([{ newlyFailing: 1, alarms: 1, failed: 0, passed: 0, recovered: 0, failingNow: 1 }]);
  });

  it('do not count a task as failing now that has not run for 30 days, because it may be deleted', async () => {
    const world = await syncedSource();
    const seen: unknown[] = [];
    const run = {
      announce: listener().announce,
      onTargetDone: (done: TargetOutcome) => seen.push(done.quality?.failingNow),
    };
    addRun(world, world.sim.life.addTask(), 'FAILED', 1n);
    await world.syncWell(run);
    world.clock.advance(29 * dayMs);
    addRun(world, world.sim.life.addTask(), 'ALARMING', 2n);
    await world.syncWell(run);
    world.clock.advance(2 * dayMs);
    await world.syncWell(run);
    expect(seen).toEqual([1, 2, 1]);
  });

  it('are announced when an execution ends, not when it starts, and not when its notification changes', async () => {
    const world = await syncedSource();
    const { heard, announce } = listener();
    await world.syncWell({ announce });
    world.clock.advance(hourMs);
    const startTimeMs = world.clock.now() - minuteMs;
    const { id } = world.sim.life.addExecution({ runStatus: 'RUNNING', startTimeMs });
    await world.syncWell({ announce });
    expect(heard).toEqual([]);
    world.clock.advance(minuteMs);
    world.sim.life.finish(id, 'ALARMING');
    await world.syncWell({ announce });
    await world.syncWell({ announce });
    expect(heard.map(textOf)).toEqual([`null→ALARMING × 1, ${id}`]);
  });

  it('cost a run without new rows one read, and are not recorded without a listener', async () => {
    const world = await syncedSource();
    const { announce } = listener();
    await world.syncWell();
    expect(await world.store.get(outcomesKey('sales'))).toBeNull();
    world.sim.life.addExecution({ startTimeMs: world.clock.now() - hourMs });
    await world.syncWell({ announce });
    const store = failingStore(world.store, () => 'ok');
    await world.syncWell({ store, announce });
    expect(store.calls.filter(({ key }) => key === outcomesKey('sales')).map(({ method }) => method)).toEqual(['get']);
  });

  it('are announced from the first run on, even if that run saw no execution', async () => {
    const world = await syncedSource();
    const { heard, announce } = listener();
    await world.syncWell({ announce });
    world.clock.advance(10 * minuteMs);
    addRun(world, world.sim.life.addTask(), 'FAILED', 1n);
    world.clock.advance(hourMs);
    await world.syncWell({ announce });
    expect(heard.map(textOf)).toEqual(['null→FAILED × 1, 1']);
  });

  it('start over, with a warning, if the document is damaged', async () => {
    const world = await syncedSource();
    const { heard, announce } = listener();
    await world.store.putIfAbsent(outcomesKey('sales'), Buffer.from('{"format":"?"}'));
    const { log, messages } = warnings();
    await world.syncWell({ announce, log });
    expect(messages).toEqual([expect.stringContaining('the last outcomes of tasks cannot be read')]);
    world.clock.advance(hourMs);
    addRun(world, world.sim.life.addTask(), 'FAILED', 1n);
    await world.syncWell({ announce });
    expect(heard.map(textOf)).toEqual(['null→FAILED × 1, 1']);
  });

  it('changes of outcomes of two concurrent runs are announced at least once, with the same ids', async () => {
    const world = await syncedSource();
    const { heard, announce } = listener();
    await world.syncWell({ announce });
    world.clock.advance(hourMs);
    const task = world.sim.life.addTask();
    addRun(world, task, 'FAILED', 1n);
    let hasOther = false;
    const store = failingStore(world.store, async ({ method, key }): Promise<StoreFate> => {
      if (!hasOther && method !== 'get' && key === outcomesKey('sales')) {
        hasOther = true;
        world.clock.advance(10 * minuteMs);
        addRun(world, task, 'SUCCESS', 2n);
        await world.syncWell({ announce });
      }
      return 'ok';
    });
    const seen: unknown[] = [];
    await world.syncWell({ store, announce, onTargetDone: ({ quality }) => seen.push(quality) });
    await world.syncWell({ announce });
    expect(new Set(heard.map(textOf))).toEqual(new Set(['null→FAILED × 1, 1', 'FAILED→SUCCESS × 1, 2']));
    // The other run has counted the failure.
    expect(seen).toMatchObject([{ failed: 0, newlyFailing: 0, failingNow: 0 }]);
  });

  it.each<StoreFate>(['die-before', 'die-after', 'lose-reply'])(
    'are all announced after a call of the store with the fate %s',
    async (fate) => {
      const world = await syncedSource();
      const { heard, announce } = listener();
      await world.syncWell({ announce });
      const task = world.sim.life.addTask();
      let isReached = true;
      let step = 0;
      while (isReached) {
        isReached = false;
        step += 1;
        world.clock.advance(hourMs);
        addRun(world, task, step % 2 === 1 ? 'FAILED' : 'SUCCESS', BigInt(step));
        const store = failingStore(world.store, ({ n }) => {
          isReached ||= n === step;
          return n === step ? fate : 'ok';
        });
        await world.sync({ store, announce });
        await world.syncWell({ announce });
      }
      await world.expectTruth();
      const expected = Array.from({ length: step }, (_, index) => index + 1);
      expect(new Set(heard.map(({ executionId }) => Number(executionId)))).toEqual(new Set(expected));
      expect(new Set(heard.map(({ id }) => id)).size).toBe(step);
    },
  );
});
