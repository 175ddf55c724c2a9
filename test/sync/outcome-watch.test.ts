/** Announcements of changed outcomes. */
import { describe, expect, it } from 'vitest';
import type { PendingChange } from '../../functions/checkpoint/last-outcomes.ts';
import type { OutcomeChanges } from '../../functions/sync/outcome-changes.ts';
import { outcomesKey } from '../../functions/warehouse/layout.ts';
import { type Random, seededRandom } from '../simulator/random.ts';
import { failingStore, type StoreFate } from '../support/failing-store.ts';
import { hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

const statuses = ['SUCCESS', 'ALARMING', 'FAILED'] as const;

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

  it('start over, with a warning, if the document is damaged', async () => {
    const world = await syncedSource();
    const { heard, announce } = listener();
    await world.store.putIfAbsent(outcomesKey('sales'), Buffer.from('{"format":"?"}'));
    const warnings: string[] = [];
    await world.syncWell({ announce, log: (level, message) => (level === 'warn' ? warnings.push(message) : 0) });
    expect(warnings).toEqual([expect.stringContaining('the last outcomes of tasks cannot be read')]);
    world.clock.advance(hourMs);
    addRun(world, world.sim.life.addTask(), 'FAILED', 1n);
    await world.syncWell({ announce });
    expect(heard.map(textOf)).toEqual(['null→FAILED × 1, 1']);
  });

  it('of two concurrent runs are announced at least once, with the same ids', async () => {
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
    await world.syncWell({ store, announce });
    await world.syncWell({ announce });
    expect(new Set(heard.map(textOf))).toEqual(new Set(['null→FAILED × 1, 1', 'FAILED→SUCCESS × 1, 2']));
  });

  it.each([1, 2, 3])('are all announced over days of killed runs and failing listeners (seed %i)', async (seed) => {
    const world = await syncedSource();
    const random = seededRandom(seed);
    const addHour = randomHours(world, random);
    const heard: PendingChange[] = [];
    await world.syncWell({ announce: async () => undefined });
    let expected = addHour();
    for (let hour = 0; hour < 36; hour += 1) {
      const deathAt = random.chance(0.7) ? random.between(1, 14) : null;
      const fate = random.pick(['die-before', 'die-after', 'lose-reply'] as const);
      const store = failingStore(world.store, ({ n }) => (n === deathAt ? fate : 'ok'));
      const isDeaf = random.chance(0.3);
      const announce = async ({ changes }: OutcomeChanges): Promise<void> => {
        expect(isDeaf, 'nobody hears this').toBe(false);
        heard.push(...changes);
      };
      await world.sync({ store, announce });
      expected = addHour();
    }
    await world.syncWell({ announce: async ({ changes }) => void heard.push(...changes) });
    await world.expectTruth();
    const found = new Set(heard.map(({ from, to, executionId }) => `${from}→${to}, ${executionId}`));
    expect(expected.size).toBeGreaterThan(50);
    expect(found).toEqual(expected);
    expect(new Set(heard.map(({ id }) => id)).size).toBe(expected.size);
  });
});

/** Lets an hour pass in which several tasks run. Returns all changes so far. */
function randomHours({ sim, clock, ...world }: SyncedSource, random: Random): () => Set<string> {
  const tasks = Array.from({ length: 12 }, (_, index) => ({
    task: sim.life.addTask({ name: `task ${index}` }),
    last: '',
  }));
  const changes = new Set<string>();
  let id = 0n;
  return () => {
    clock.advance(hourMs);
    for (const each of tasks) {
      const runStatus = random.chance(0.6) ? 'SUCCESS' : random.pick(statuses);
      id += 1n;
      addRun({ sim, clock, ...world }, each.task, runStatus, id);
      if ((each.last || 'SUCCESS') !== runStatus) {
        changes.add(`${each.last || null}→${runStatus}, ${id}`);
      }
      each.last = runStatus;
    }
    return changes;
  };
}
