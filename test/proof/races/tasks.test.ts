/** I21: tasks and rules match the source after runs that were killed or overlapped, in any combination. */
import { describe, expect, it } from 'vitest';
import type { Run } from '../../../functions/sync/run.ts';
import { taskTableName } from '../../../functions/warehouse/layout.ts';
import type { Store } from '../../../functions/warehouse/store.ts';
import { failingStore } from '../../support/failing-store.ts';
import { storedFiles } from '../../support/stored-rows.ts';
import { dayMs, type SyncedSource, syncedSource } from '../../support/synced-source.ts';
import { assigned, isTaskRow, taskProblems } from '../../support/task-problems.ts';

const withTasks: Partial<Run> = { tasks: true };

type Task = ReturnType<SyncedSource['sim']['life']['addTask']>;

/** Fails unless the latest rows equal the source, with exact ids. */
async function expectTasks({ store, sim }: SyncedSource): Promise<void> {
  expect(await taskProblems(await storedFiles(store, `${taskTableName}/`), sim)).toEqual([]);
}

describe('tasks', () => {
  it.each<[string, (task: Task) => () => unknown]>([
    ['a name', ({ task }) => assigned(task, { name: 'renamed' })],
    ['a schedule', (task) => assigned(task, { scheduleStatus: 'PAUSED' })],
    ['the name of a rule', (task) => assigned(task.rules[0]![0]!, { name: 'renamed' })],
    ['the number of its rules, after one less', (task) => assigned(task, { rules: task.rules.slice(1) })],
    [
      'the number of its rules, after one more',
      (task) => assigned(task, { rules: [...task.rules, [{ ...task.rules[0]![0]!, idText: '7' }]] }),
    ],
  ])('I21: match the source after a run was killed, even if %s returns to its earlier state', async (_, change) => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 3 });
    await world.syncWell(withTasks);
    for (let step = 1, isReached = true; isReached; step += 1) {
      isReached = false;
      const undo = change(task);
      const store = failingStore(world.store, ({ n }) => {
        isReached ||= n === step;
        return n === step ? 'die-before' : 'ok';
      });
      world.clock.advance(8 * dayMs);
      await world.sync({ ...withTasks, store });
      undo();
      world.clock.advance(8 * dayMs);
      await world.syncWell(withTasks);
      await expectTasks(world);
    }
  });

  const fates = ['die-before', 'die-after', 'ok'] as const;
  it.each(fates.flatMap((first) => fates.map((second) => ({ first, second }))))(
    'I21: match the source after two runs that saw other rules, with the fates $first and $second of their rows',
    async ({ first, second }) => {
      const world = await syncedSource();
      const task = world.sim.life.addTask({ rules: 4 });
      const all = task.rules;
      let shown = '';
      const show = (rules: string): void => {
        shown = rules;
        Object.assign(task, { rules: [...rules].map((rule) => all[Number(rule)]!) });
        world.clock.advance(8 * dayMs);
      };
      for (const [atFirst, atSecond, after] of [
        ['01', '013', '012'],
        ['013', '012', '012'],
        ['01', '013', '013'],
      ] as const) {
        for (const isAtOnce of [false, true]) {
          if (shown !== '012') {
            show('012');
            await world.syncWell(withTasks);
          }
          const runSecond = async (): Promise<void> => {
            show(atSecond);
            const store = failingStore(world.store, ({ key }) => (isTaskRow(key) ? second : 'ok'));
            await world.sync({ ...withTasks, store });
          };
          show(atFirst);
          let isDone = false;
          const store = failingStore(world.store, ({ key }) => (isTaskRow(key) ? first : 'ok'));
          const putIfAbsent: Store['putIfAbsent'] = async (key, bytes) => {
            if (isTaskRow(key) && isAtOnce && !isDone) {
              isDone = true;
              await runSecond();
            }
            return await store.putIfAbsent(key, bytes);
          };
          await world.sync({ ...withTasks, store: { ...store, putIfAbsent } });
          await (isAtOnce ? undefined : runSecond());
          show(after);
          await world.syncWell(withTasks);
          await expectTasks(world);
        }
      }
    },
  );
});
