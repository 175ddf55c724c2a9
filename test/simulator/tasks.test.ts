import { beforeEach, describe, expect, it } from 'vitest';
import { frozenClock } from './movable-clock.ts';
import { type Simulator, startSimulator } from './server.ts';

const nowMs = 1_790_000_000_000;
let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator({ clock: frozenClock(nowMs), quota: { requests: 40, perSeconds: 10 } });
  return () => simulator.close();
});

interface Row {
  readonly name: string;
  readonly last_run_time: number | null;
  readonly sub_rule_id: string;
  readonly results: readonly object[];
}

interface Body {
  readonly count: number;
  readonly resources: readonly Row[];
  readonly sub_rules: readonly (readonly { readonly connection: string }[])[];
}

/** Requests a path below `/quality/`. The text keeps ids exact. */
async function get(path: string): Promise<{ readonly status: number; readonly text: string; readonly body: Body }> {
  const { projectId = '', workspace = '' } = simulator.workspaces[0] ?? {};
  const reply = await fetch(`${simulator.url}/v2/${projectId}/quality/${path}`, {
    headers: { workspace, 'x-auth-token': 'simulated-static-token' },
  });
  const text = await reply.text();
  return { status: reply.status, text, body: JSON.parse(text) as Body };
}

describe('the lists of tasks', () => {
  it('show each task in the list of its type, with its exact id and the start of its newest instance', async () => {
    const ran = simulator.life.addTask({ name: 'orders/unique', everyMs: 86_400_000, rules: 1 });
    simulator.life.addTask({ name: 'never ran' });
    simulator.life.addTask({ name: 'compare', taskType: 'CONSISTENCY_TASK' });
    const { id } = simulator.life.addExecution({ task: ran, startTimeMs: nowMs - 9_000 });
    simulator.life.addExecution({ task: ran, startTimeMs: nowMs - 90_000 });
    const first = await get('quality-tasks?limit=100');
    expect(first.body.count).toBe(2);
    expect(first.text).toContain(`"id":${ran.task.taskId},"name":"orders/unique"`);
    expect(first.body.resources.map((task) => [task.name, task.last_run_time])).toEqual([
      ['never ran', null],
      ['orders/unique', nowMs - 9_000],
    ]);
    expect(first.body.resources[1]).toMatchObject({
      schedule_status: 'SCHEDULING',
      schedule_period: 'DAY',
      schedule_interval: '1',
    });
    simulator.life.remove(id);
    expect((await get('quality-tasks')).body.resources[1]?.last_run_time).toBe(nowMs - 90_000);
    expect((await get('consistency-tasks')).body.resources.map((task) => task.name)).toEqual(['compare']);
  });

  it.each([
    ['quality-tasks', 10],
    ['quality-tasks?limit=100', 25],
    ['quality-tasks?limit=7&offset=21', 4],
    ['quality-tasks?limit=0', 'refused'],
    ['quality-tasks?limit=101', 'refused'],
    ['instances/1/result?limit=101', 'refused'],
  ])('serve %s with %s rows', async (path, rows) => {
    simulator.life.addExecution({ id: 1n });
    for (let n = 0; n < 24; n += 1) {
      simulator.life.addTask();
    }
    const { status, body } = await get(path);
    expect(status === 400 ? 'refused' : body.resources.length).toBe(rows);
  });

  it('have the same tasks and rules for the same seed, in whatever order they are requested', async () => {
    const clock = frozenClock(nowMs);
    const [one, other] = await Promise.all([1, 1].map((seed) => startSimulator({ clock, seed, history: { days: 3 } })));
    other!.tasks().toReversed();
    expect(one!.tasks()).toEqual(other!.tasks());
    expect(one!.tasks().length).toBe(40);
    await Promise.all([one!.close(), other!.close()]);
  });
});

describe('the details of a task', () => {
  it('have the rules of a quality task in a list, and both sides of each comparison in a list of lists', async () => {
    const quality = simulator.life.addTask({ rules: 1_000 });
    const consistency = simulator.life.addTask({ rules: 3, taskType: 'CONSISTENCY_TASK' });
    const one = await get(`quality-tasks/${quality.task.taskId}`);
    expect(one.body.sub_rules).toHaveLength(1_000);
    expect(one.text).toContain(`{"id":${quality.rules[999]?.[0]?.idText},`);
    const two = await get(`consistency-tasks/${consistency.task.taskId}`);
    expect(two.body.sub_rules.map((sides) => sides.map((side) => side.connection))).toEqual(
      new Array(3).fill(['mrs_hive', 'dws_prod']),
    );
    expect(new Set([one, two].flatMap(({ text }) => text.match(/"id":\d+/g))).size).toBe(1_000 + 6 + 2);
  });

  it('are 404 for a deleted task, an unknown one, and one of the other type', async () => {
    const { task } = simulator.life.addTask();
    expect((await get(`consistency-tasks/${task.taskId}`)).status).toBe(404);
    simulator.life.tasks().remove(BigInt(task.taskId));
    expect((await get(`quality-tasks/${task.taskId}`)).status).toBe(404);
    expect((await get('quality-tasks')).body.count).toBe(0);
  });
});

describe('the results of an instance', () => {
  it('name rules by their ids as text, and the objects by labels in the language that is set', async () => {
    const task = simulator.life.addTask({ name: 'orders/unique', rules: 3 });
    const { id } = simulator.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs: nowMs - 60_000 });
    const english = await get(`instances/${id}/result`);
    expect(english.body.resources.map((row) => row.sub_rule_id)).toEqual(task.rules.flat().map((rule) => rule.idText));
    const [result = {}] = english.body.resources[0]?.results ?? [];
    expect(result).toEqual({
      'Total Rows': expect.stringMatching(/^\d+$/),
      Status: expect.stringMatching(/^(true|false)$/),
      Name: '1_dwd.orders',
    });
    simulator.traps.resultLabels = 'zh';
    const chinese = await get(`instances/${id}/result`);
    expect(Object.values(chinese.body.resources[0]?.results[0] ?? {})).toEqual(Object.values(result));
    expect(simulator.results(id).some(({ alarmed }) => alarmed)).toBe(true);
  });

  it.each([
    ['RUNNING', 0, 0],
    ['SUCCESS', 0, 3],
    ['FAILED', 0, 3],
    ['ALARMING', 120_000, 0],
    ['ALARMING', 30_000, 3],
  ])('with status %s and a delay of %i ms have %i rows', async (runStatus, resultDelayMs, rows) => {
    const task = simulator.life.addTask({ rules: 3 });
    const { id } = simulator.life.addExecution({ task, runStatus, startTimeMs: nowMs - 60_000 });
    simulator.traps.resultDelayMs = resultDelayMs;
    expect((await get(`instances/${id}/result`)).body.resources).toHaveLength(rows);
  });

  it('are 404 for an instance that was deleted', async () => {
    const { id } = simulator.life.addExecution();
    simulator.life.remove(id);
    expect(await get(`instances/${id}/result`)).toMatchObject({ status: 404, body: { error_code: 'DQC.4001' } });
  });
});

it('the simulator has a separate quota and counter for each call', async () => {
  const { id } = simulator.life.addExecution();
  const paths = ['instances', 'quality-tasks', 'consistency-tasks', `instances/${id}/result`];
  const statuses = [];
  for (let n = 0; n < 41; n += 1) {
    statuses.push(await Promise.all(paths.map(async (path) => (await get(path)).status)));
  }
  expect(statuses.map((row) => row.join())).toEqual([
    ...new Array<string>(40).fill('200,200,200,200'),
    '429,429,429,429',
  ]);
  const { instances, tasks, results } = simulator.counters;
  expect([instances, tasks, results]).toEqual([41, 82, 41]);
});
