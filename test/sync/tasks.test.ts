/** Tasks and rules: each change adds a row, with few requests. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SourceError } from '../../functions/errors.ts';
import type { Run } from '../../functions/sync/run.ts';
import { tasksKey, taskTableName } from '../../functions/warehouse/layout.ts';
import { type Store, waitedForUntil } from '../../functions/warehouse/store.ts';
import type { Fault } from '../simulator/faults.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import { failingStore } from '../support/failing-store.ts';
import { duckdb } from '../support/referee.ts';
import { simTarget } from '../support/sim-config.ts';
import { storedFiles } from '../support/stored-rows.ts';
import { dayMs, minuteMs, type SyncedSource, syncedSource, warnings, withSource } from '../support/synced-source.ts';
import { assigned, isTaskRow, taskProblems } from '../support/task-problems.ts';
import { opened } from '../support/warehouse-sql.ts';

/** Reads all rows, or the latest of each task and rule, by SQL that is independent of the product's. */
async function rowsOf(world: SyncedSource, which: 'all' | 'latest' = 'latest'): Promise<Record<string, unknown>[]> {
  const table = join(world.folder, 'warehouse', 'quality_task_observations');
  const files = await readdir(table, { recursive: true }).catch(() => []);
  if (!files.some((file) => file.endsWith('.parquet'))) {
    return [];
  }
  return await duckdb(`FROM (
    SELECT *, row_number() OVER (PARTITION BY workspace, project_id, task_id, rule_id, rule_part ORDER BY observed_at DESC, run_id DESC) AS n
    FROM read_parquet('${join(table, '**', '*.parquet')}', hive_partitioning = true, hive_types = {'workspace': VARCHAR, 'dt': VARCHAR})
  ) WHERE ${which === 'all'} OR n = 1 ORDER BY task_id, rule_id, rule_part`);
}

/** Fails unless the latest rows equal the source, with exact ids. */
async function expectTasks({ store, sim }: SyncedSource): Promise<void> {
  expect(await taskProblems(await storedFiles(store, `${taskTableName}/`), sim)).toEqual([]);
}

const withTasks: Partial<Run> = { tasks: true };

type Task = ReturnType<SyncedSource['sim']['life']['addTask']>;

describe('tasks', () => {
  it('are written once with all their rules, with one request per task and per list', async () => {
    const world = await syncedSource({ history: { days: 1, tasks: 20 } });
    await world.syncWell(withTasks);
    await expectTasks(world);
    expect(world.sim.counters.tasks).toBe(20 + 4);
    const before = (await rowsOf(world, 'all')).length;
    world.sim.counters.reset();
    await world.syncWell(withTasks);
    expect(world.sim.counters.tasks).toBe(4);
    expect(await rowsOf(world, 'all')).toHaveLength(before);
  });

  it('are observed by the maintenance unless the config disables it', async () => {
    const world = await syncedSource({ history: { days: 2, tasks: 8 } });
    await world.syncWell();
    await world.maintain({}, { tasks: false });
    expect(await rowsOf(world)).toEqual([]);
    const summary = await world.maintain();
    await expectTasks(world);
    // The summary counts the files of the observations of executions only, as in each other mode.
    expect(summary).toMatchObject({ files: 0, bytes: 0 });
  });

  it('tasks with 1,000 rules are written with all of them', async () => {
    const world = await syncedSource();
    world.sim.life.addTask({ rules: 1_000, taskType: 'CONSISTENCY_TASK' });
    await world.syncWell(withTasks);
    expect(await rowsOf(world)).toHaveLength(1 + 2_000);
    await expectTasks(world);
  });

  it.each([
    [
      'a run',
      1,
      0,
      (world: SyncedSource, task: Task) => void world.sim.life.addExecution({ task, startTimeMs: world.clock.now() }),
    ],
    [
      'another schedule',
      1,
      0,
      (_: SyncedSource, task: Task) => void Object.assign(task, { scheduleStatus: 'NOT_START' }),
    ],
    [
      'a renamed rule',
      1,
      8,
      (_: SyncedSource, task: Task) => void Object.assign(task.rules[0]![0]!, { name: 'renamed' }),
    ],
    ['a rule less, which moves another up', 2, 8, (_: SyncedSource, task: Task) => void task.rules.splice(1, 1)],
    [
      'another level',
      4,
      8,
      (_: SyncedSource, task: Task) => void Object.assign(task, { level: task.level === 'FATAL' ? 'MINOR' : 'FATAL' }),
    ],
  ])('tasks that change in one thing, %s, have %i more rows, after %i days', async (_, rows, days, change) => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 3, everyMs: dayMs });
    world.sim.life.addTask();
    await world.syncWell(withTasks);
    const before = (await rowsOf(world, 'all')).length;
    world.clock.advance(days * dayMs + minuteMs);
    change(world, task);
    await world.syncWell(withTasks);
    expect(await rowsOf(world, 'all')).toHaveLength(before + rows);
    await expectTasks(world);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['kind of task', { taskType: 'QUALITY_TASK' }, { taskType: 'CONSISTENCY_TASK' }],
    ['name', { name: 'orders' }, { name: 'check' }],
  ])(
    'never return to older details if two targets, which differ in their filter by %s, observe them',
    async (_, ...filters) => {
      const world = await syncedSource();
      const targets = filters.map((filter, at) => simTarget(world.credentials, { name: `target-${at}`, filter }));
      const task = world.sim.life.addTask({ name: 'orders/check', rules: 1 });
      Object.assign(task, { level: 'MINOR' });
      const observe = async (...of: number[]): Promise<void> => {
        const summaries = await world.sync({ ...withTasks, targets: of.map((at) => `target-${at}`) }, { targets });
        expect(summaries.map(({ error }) => error)).toEqual(of.map(() => undefined));
      };
      await observe(0, 1);
      world.clock.advance(7.5 * dayMs);
      await observe(0);
      Object.assign(task, { level: 'FATAL' });
      for (const at of [1, 0, 1, 0, 1, 0, 1, 0]) {
        world.clock.advance(dayMs);
        world.sim.life.addExecution({ task, startTimeMs: world.clock.now() });
        await observe(at);
      }
      await expectTasks(world);
      const rows = await rowsOf(world, 'all');
      const levels = rows
        .filter((row) => row['rule_id'] === null)
        .sort((a, b) => (String(a['observed_at']) < String(b['observed_at']) ? -1 : 1))
        .map((row) => row['level']);
      expect(levels.filter((level, at) => level !== levels[at - 1])).toEqual(['MINOR', 'FATAL']);
    },
  );

  it('tasks that are deleted keep their last state, with the time at which the deletion was found', async () => {
    const world = await syncedSource();
    const { task } = world.sim.life.addTask({ name: 'gone', rules: 2 });
    world.sim.life.addTask();
    await world.syncWell(withTasks);
    world.sim.life.tasks().remove(BigInt(task.taskId));
    world.clock.advance(dayMs);
    await world.syncWell(withTasks);
    await expectTasks(world);
    const rows = (await rowsOf(world)).filter((row) => row['task_id'] === task.taskId);
    expect(rows.map((row) => [row['task_name'], row['deleted_at'] !== null])).toEqual(
      new Array(3).fill(['gone', true]),
    );
    world.clock.advance(dayMs);
    world.sim.counters.reset();
    await world.syncWell(withTasks);
    expect(world.sim.counters.tasks).toBe(3);
  });

  it('that were deleted before a run that cannot parse its document are listed by the query in its warning', async () => {
    const world = await syncedSource();
    const [gone] = ['gone', 'stays', 'stays too'].map((name) => world.sim.life.addTask({ name }).task);
    await world.syncWell(withTasks);
    world.sim.life.tasks().remove(BigInt(gone!.taskId));
    world.clock.advance(dayMs);
    const { etag } = (await world.store.get(tasksKey(defaultWorkspace)))!;
    await world.store.putIfMatch(tasksKey(defaultWorkspace), Buffer.from('{"format":"other"}'), etag);
    const { log, messages } = warnings();
    await world.syncWell({ ...withTasks, log });
    expect(messages).toEqual([expect.stringMatching(/^state\/\.tasks\/.*\.json cannot be understood/)]);
    const query = messages[0]!.slice(messages[0]!.indexOf('SELECT *')).replace('*', 'task_name');
    expect((await (await opened(world.store)).run(query)).rows).toEqual([['gone']]);
  });

  const faults: readonly (readonly [string, Fault])[] = [
    ['are refused', { kind: 'status', status: 403, when: { from: 1 }, on: 'tasks' }],
    ['fail', { kind: 'status', status: 500, when: { from: 1 }, on: 'tasks' }],
    ['are no lists', { kind: 'wrong-shape', when: { from: 1 }, on: 'tasks' }],
  ];
  it.each(faults)(
    'that %s do not fail a sync or the maintenance, cause one warning, and are written later',
    async (_, fault) => {
      const world = await syncedSource({ history: { days: 2, tasks: 10 } });
      world.sim.traps.faults = [fault];
      const { log, messages } = warnings();
      expect(await world.syncWell({ ...withTasks, log })).toMatchObject({ done: true });
      expect(await world.maintain({ log })).toMatchObject({ done: true });
      expect(messages).toEqual(new Array(2).fill(expect.stringMatching(/^tasks were not observed: .* still synced/)));
      world.sim.traps.faults = [];
      await world.syncWell(withTasks);
      await expectTasks(world);
      await world.expectTruth();
    },
  );

  it.each([
    ['two new tasks', 2, false],
    ['all tasks, which are new', 20, false],
    ['all tasks, which are known', 20, true],
  ])('are written as the list shows them while the source refuses the details of %s', async (_, many, isKnown) => {
    const world = await syncedSource();
    const tasks = Array.from({ length: 20 }, () => world.sim.life.addTask({ rules: 2 }));
    const ill = new Set(tasks.slice(0, many).map(({ task }) => BigInt(task.taskId)));
    const failing = withSource(world, ({ tasks: own }) => ({
      tasks: {
        ...own,
        fetchTask: async (type, id) => {
          if (ill.has(id)) {
            throw new SourceError('HTTP 400', { httpStatus: 400, remedy: 'Ask support.' });
          }
          return await own.fetchTask(type, id);
        },
      },
    }));
    const { log, messages } = warnings();
    await world.syncWell({ ...withTasks, ...(isKnown ? {} : failing) });
    for (const { task, rules } of tasks) {
      Object.assign(task, { name: `${task.name} renamed` });
      Object.assign(rules[0]![0]!, { name: 'renamed' });
    }
    world.clock.advance(minuteMs);
    await world.syncWell({ ...withTasks, ...failing, log });
    expect(messages).toEqual([expect.stringMatching(/^tasks were not observed: HTTP 400.* Ask support/)]);
    const rows = await rowsOf(world);
    const names = rows.filter((row) => row['rule_id'] === null).map((row) => row['task_name']);
    expect(names.toSorted()).toEqual(tasks.map(({ task }) => task.name).toSorted());
    const renamed = rows.filter((row) => row['rule_name'] === 'renamed');
    expect(renamed).toHaveLength(20 - many);
    world.clock.advance(minuteMs);
    await world.syncWell(withTasks);
    await expectTasks(world);
  });

  it.each([
    ['listed', false],
    ['no longer listed', true],
  ])('are read although the source refuses the details of many others, which are %s', async (_, isHidden) => {
    const world = await syncedSource();
    const refused = Array.from({ length: 18 }, () => world.sim.life.addTask({ rules: 1 }));
    const others = Array.from({ length: 5 }, () => world.sim.life.addTask({ rules: 1 }));
    await world.syncWell(withTasks);
    const ids = new Set(refused.map(({ task }) => BigInt(task.taskId)));
    const refusing = withSource(world, ({ tasks }) => ({
      tasks: {
        ...tasks,
        listTasks: async (type, offset) => {
          const page = await tasks.listTasks(type, offset);
          const shown = page.tasks.filter(({ id }) => !(isHidden && ids.has(id)));
          // The first come first where they are equally old.
          shown.sort((a, b) => Number(a.id - b.id));
          return { ...page, tasks: shown, count: shown.length };
        },
        fetchTask: async (type, id) => {
          if (ids.has(id)) {
            throw new SourceError('HTTP 403', { httpStatus: 403, remedy: 'Ask support.' });
          }
          return await tasks.fetchTask(type, id);
        },
      },
    }));
    const maintainDaily = async (days: number): Promise<void> => {
      for (let day = 0; day < days; day += 1) {
        world.clock.advance(dayMs);
        await world.syncWell({ ...withTasks, ...refusing });
      }
    };
    await maintainDaily(10);
    for (const { rules } of others) {
      Object.assign(rules[0]![0]!, { name: 'renamed' });
    }
    await maintainDaily(10);
    expect((await rowsOf(world)).filter((row) => row['rule_name'] === 'renamed')).toHaveLength(5);
  });

  it.each(['die-before', 'die-after', 'lose-reply'] as const)(
    'are complete after a call of the store with the fate %s',
    async (fate) => {
      const world = await syncedSource({ history: { days: 1, tasks: 10 } });
      await world.syncWell();
      for (let step = 1, isReached = true; isReached; step += 1) {
        isReached = false;
        world.sim.life.addTask();
        const store = failingStore(world.store, ({ n }) => {
          isReached ||= n === step;
          return n === step ? fate : 'ok';
        });
        await world.sync({ ...withTasks, store });
        await world.syncWell(withTasks);
        await expectTasks(world);
      }
    },
  );

  it('do not make their document grow if each run is killed while it writes their rows', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 3 });
    await world.syncWell(withTasks);
    const sizes: number[] = [];
    for (const name of ['first', 'other', 'third', 'fourth']) {
      Object.assign(task.task, { name: name.padEnd(6) });
      world.clock.advance(minuteMs);
      await world.sync({
        ...withTasks,
        store: failingStore(world.store, ({ key }) => (isTaskRow(key) ? 'die-before' : 'ok')),
      });
      sizes.push((await world.store.get(tasksKey(defaultWorkspace)))!.bytes.length);
    }
    expect(new Set(sizes).size).toBe(1);
  });

  it.each([
    ['a minute later', minuteMs],
    ['in the same millisecond', 0],
  ])(
    'match the source after a slower run that saw a rule which was gone when a faster run looked %s',
    async (_, ms) => {
      const world = await syncedSource();
      const task = world.sim.life.addTask({ rules: 3 });
      await world.syncWell(withTasks);
      world.clock.advance(8 * dayMs);
      const undo = assigned(task, { rules: [...task.rules, [{ ...task.rules[0]![0]!, idText: '7' }]] });
      const plainStore = waitedForUntil(world.store, new AbortController().signal);
      let isOvertaken = false;
      const putIfMatch: Store['putIfMatch'] = async (key, bytes, etag) => {
        if (key === tasksKey(defaultWorkspace) && !isOvertaken) {
          isOvertaken = true;
          undo();
          world.clock.advance(ms);
          await world.syncWell(withTasks);
        }
        return await world.store.putIfMatch(key, bytes, etag);
      };
      await world.syncWell({ ...withTasks, store: { ...plainStore, putIfMatch } });
      await expectTasks(world);
    },
  );

  it.each([
    ['was killed', 2, false],
    ['was killed', 2, true],
    ['completed', Number.POSITIVE_INFINITY, true],
    ['completed', Number.POSITIVE_INFINITY, false],
  ])(
    'match the source after a run %s while a slower run was active, which saw only the state before and after: %#',
    async (_, liveWrites, isOtherChanged) => {
      const world = await syncedSource();
      const task = world.sim.life.addTask({ rules: 3 });
      await world.syncWell(withTasks);
      world.clock.advance(8 * dayMs);
      let isFirst = true;
      const slow = withSource(world, ({ tasks }) => ({
        tasks: {
          ...tasks,
          fetchTask: async (type, id) => {
            if (isFirst) {
              isFirst = false;
              const undo = assigned(task.rules[0]![0]!, { name: 'renamed' });
              let writes = 0;
              const store = failingStore(world.store, ({ key }) => {
                writes += key === tasksKey(defaultWorkspace) ? 1 : 0;
                return writes > liveWrites ? 'die-before' : 'ok';
              });
              await world.sync({ ...withTasks, store });
              expect((await rowsOf(world)).some((row) => row['rule_name'] === 'renamed')).toBe(true);
              undo();
              Object.assign(task.rules[1]![0]!, isOtherChanged ? { name: 'also renamed' } : {});
              world.clock.advance(minuteMs);
            }
            return await tasks.fetchTask(type, id);
          },
        },
      }));
      await world.syncWell({ ...withTasks, ...slow });
      expect(isFirst).toBe(false);
      world.clock.advance(8 * dayMs);
      await world.syncWell(withTasks);
      await expectTasks(world);
    },
  );
});
