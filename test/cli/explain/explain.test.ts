/** Runs `dqsync explain` and `dqsync list --tasks`. */
import { copyFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aWorld, hourMs } from '../world.ts';

describe('dqsync explain', () => {
  it('shows states, task, rules, results and notification of one instance, with exact ids', async () => {
    const world = await aWorld();
    const { life, clock } = world.simulator;
    const task = life.addTask({ name: 'orders/unique', everyMs: 24 * hourMs, rules: 2 });
    const { id } = life.addExecution({
      task,
      runStatus: 'ALARMING',
      notifyStatus: 'SUCCESS',
      startTimeMs: clock.now() - hourMs,
    });
    await world.call(['sync', '--tasks']);
    const run = await world.cli(['explain', String(id)]);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toContain(`instance ${id}`);
    expect(run.stdout).toContain(`orders/unique (${task.task.taskId}, QUALITY_TASK), level ${task.level}, every 1 DAY`);
    expect(run.stdout).toMatch(/ALARMING, ended \S+Z, notification SUCCESS/);
    expect(run.stdout).toMatch(/✗ unique \d on 1_dwd\.orders {2}Total Rows: \d+\n/);
    const json = JSON.parse((await world.call(['explain', String(id), '--json'])).stdout);
    expect(json.results.map((row: { rule_id: string }) => row.rule_id).sort()).toEqual(
      task.rules.flat().map((rule) => rule.idText),
    );
    // In a bucket, a compaction leaves the files that it has replaced.
    const data = (await readdir(world.folder, { recursive: true })).filter((path) => path.endsWith('.parquet'));
    for (const path of data.map((file) => join(world.folder, file))) {
      await copyFile(path, join(dirname(path), 'compact-1-0-0.parquet'));
    }
    expect(data.length).toBeGreaterThan(2);
    expect((await world.call(['explain', String(id)])).stdout).toBe(run.stdout);
    expect(JSON.parse((await world.call(['explain', String(id), '--json'])).stdout)).toEqual(json);
  });

  it.each([
    [
      'a task and results that have not been read',
      (world: World) => world.configure((config) => Object.assign(config, { results: 'none' })),
      /no rule results: not fetched/,
    ],
    [
      'a deleted instance',
      async (world: World) => {
        world.simulator.traps.faults = [{ kind: 'status', status: 403, when: { first: 1 }, on: 'results' }];
      },
      /no rule results: the instance was deleted/,
    ],
    [
      'an instance that left before it ended',
      async () => undefined,
      /no longer at the source, last seen RUNNING: deleted, or started again\n {4}no rule results: the execution left the source/,
      'RUNNING',
    ],
  ])('reports what is missing: %s', async (_, prepare, said, runStatus = 'FAILED') => {
    const world = await aWorld();
    const { life, clock } = world.simulator;
    const { id } = life.addExecution({ runStatus, startTimeMs: clock.now() - hourMs });
    await prepare(world);
    await world.call(['sync']);
    life.remove(id);
    await world.call(['sync']);
    const run = await world.call(['explain', String(id)]);
    expect(run.stdout).toMatch(said);
    expect(run.stdout).toMatch(/not observed yet: dqsync sync --tasks/);
  });

  it('says of an instance that has not ended that it was still open', async () => {
    const world = await aWorld();
    const { life, clock } = world.simulator;
    const { id } = life.addExecution({ runStatus: 'RUNNING', startTimeMs: clock.now() - hourMs });
    await world.call(['sync']);
    const run = await world.call(['explain', String(id)]);
    expect(run.stdout).toMatch(/RUNNING, not ended, .*\n {4}no rule results yet: the instance was still open/);
  });

  it.each([
    ['7', 1, /The table has no instance 7\./],
    ['-1012386207306600400', 1, /The table has no instance -1012386207306600400\./],
    ['x', 2, /"x" is not an instance id/],
  ])('dqsync explain for %s exits with %i', async (id, exitCode, said) => {
    const world = await aWorld();
    const run = await world.call(['explain', id]);
    expect(run.exitCode).toBe(exitCode);
    expect(run.stdout + run.stderr).toMatch(said);
  });
});

it('dqsync list --tasks shows all tasks in the order of the source, with exact ids', async () => {
  const world = await aWorld();
  const ran = world.simulator.life.addTask({ name: 'ran', everyMs: hourMs });
  world.simulator.life.addTask({ name: 'compares', taskType: 'CONSISTENCY_TASK' });
  world.simulator.life.addExecution({ task: ran });
  const run = await world.call(['list', '--tasks']);
  expect(run.exitCode).toBe(0);
  expect(run.stdout).toMatch(new RegExp(`${ran.task.taskId} +ran +quality +1 HOUR +\\d{4}-`));
  expect(run.stdout).toMatch(/compares +consistency +NOT_START +never/);
  const { tasks } = JSON.parse((await world.call(['list', '--tasks', '--json'])).stdout);
  expect(tasks.map((task: { id: string }) => task.id)).toEqual(
    world.simulator.tasks().map(({ definition }) => definition.task.taskId),
  );
  expect((await world.call(['list', '--tasks', '--vertical'])).stdout).toContain(`id             ${ran.task.taskId}\n`);
});

it.each([
  ['--limit', '5'],
  ['--offset', '5'],
  ['--from', '7d'],
  ['--to', 'now'],
  ['--columns', 'id'],
  ['--name', 'ran'],
  ['--task-type', 'QUALITY_TASK'],
  ['--run-status', 'FAILED'],
  ['--notify-status', 'FAILED'],
])('dqsync list --tasks refuses %s, which chooses among instances, instead of ignoring it', async (option, value) => {
  const run = await (await aWorld()).call(['list', '--tasks', option, value]);
  expect(run).toMatchObject({ exitCode: 2, stdout: '' });
  expect(run.stderr).toMatch(new RegExp(`^error: option '--tasks' cannot be used with option '${option} `));
});

type World = Awaited<ReturnType<typeof aWorld>>;
