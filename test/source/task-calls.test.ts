/** The other calls than the instance list, tested with the simulator and with unusual replies. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { SourceError } from '../../functions/errors.ts';
import { createPacer } from '../../functions/source/pacing.ts';
import type { TaskCall } from '../../functions/source/task-calls.ts';
import { listAllTasks } from '../../functions/source/task-list.ts';
import { parseResultPage, parseTaskDetails, parseTaskPage } from '../../functions/source/task-wire.ts';
import { frozenClock } from '../simulator/movable-clock.ts';
import { type SimulatorOptions, startSimulator } from '../simulator/server.ts';
import { aTarget, connect, errorOf, secretFile, startLoopback, testClock } from './loopback.ts';

async function simulated(options: SimulatorOptions = {}) {
  const sim = await startSimulator({ clock: frozenClock(1_790_000_000_000), ...options });
  onTestFinished(() => sim.close());
  const clock = testClock();
  const { ref } = secretFile({ token: 'simulated-static-token' });
  const target = { ...aTarget, ...sim.workspaces[0]! };
  return { sim, clock, source: connect(sim.url, { credentialsRef: ref, target, clock }) };
}

describe('listing all tasks', () => {
  it.each([
    ['as documented', {}, 5],
    ['pages of 30 rows', { pageCap: 30 }, 11],
    ['an offset in pages', { offsetUnit: 'page' }, 7],
    ['a count of the page', { count: 'page' }, 5],
    ['no count', { count: 'missing' }, 5],
  ] as const)('returns each of 263 tasks once, with exact ids: %s', async (_, traps, requests) => {
    const { sim, source } = await simulated({ traps });
    for (let n = 0; n < 263; n += 1) {
      sim.life.addTask({ name: `task ${n}`, taskType: n % 80 === 0 ? 'CONSISTENCY_TASK' : 'QUALITY_TASK' });
    }
    const { tasks, isComplete } = await listAllTasks(source.tasks);
    expect(isComplete).toBe(true);
    expect(tasks.map(({ id }) => String(id)).sort()).toEqual(
      sim
        .tasks()
        .map(({ definition }) => definition.task.taskId)
        .sort(),
    );
    expect(source.tasks.stats()).toMatchObject({ requests, throttled: 0, retries: 0 });
    expect(source.stats().requests).toBe(0);
  });

  it('reports an incomplete list if the source counts more tasks than it shows', async () => {
    const server = await startLoopback(() => ({ body: '{"count":3,"resources":[{"id":1},{"id":2}]}' }));
    const { tasks, isComplete } = await listAllTasks(connect(server.url).tasks);
    expect([tasks.length, isComplete]).toEqual([4, false]);
  });

  it('returns the last run of each task, null if there is none', async () => {
    const { sim, source } = await simulated();
    const task = sim.life.addTask();
    sim.life.addTask();
    const { startTimeMs } = sim.life.addExecution({ task });
    const { tasks } = await listAllTasks(source.tasks);
    expect(tasks.map(({ lastRunTimeMs }) => lastRunTimeMs)).toEqual([null, startTimeMs]);
  });
});

describe('details of a task and results of an instance', () => {
  it('have the exact values of the source', async () => {
    const { sim, source } = await simulated();
    const task = sim.life.addTask({ rules: 2, taskType: 'CONSISTENCY_TASK' });
    const { id } = sim.life.addExecution({ task, runStatus: 'ALARMING' });
    const details = await source.tasks.fetchTask('CONSISTENCY_TASK', BigInt(task.task.taskId));
    expect(details?.rules.map((rule) => [rule.id, rule.part, rule.position, rule.connection])).toEqual(
      task.rules.flatMap((sides, outer) =>
        sides.map((side, inner) => [BigInt(side.idText), 0, `${outer}.${inner}`, side.connection]),
      ),
    );
    expect(details).toMatchObject({ level: task.level, description: task.description, extra: '{"alarm_notify":true}' });
    const page = await source.tasks.fetchResults(id, 0);
    expect(
      page?.rules.flat().map(({ ruleId, ruleInstanceId, alarmed, objectName, abnormalTableStatus }) => ({
        ...{ ruleId, ruleInstanceId, alarmed, objectName, abnormalTableStatus },
      })),
    ).toEqual(sim.results(id));
  });

  it('are null if the service does not know them', async () => {
    const { sim, source } = await simulated();
    const task = sim.life.addTask();
    const { id } = sim.life.addExecution({ task });
    sim.life.remove(id);
    sim.life.tasks().remove(BigInt(task.task.taskId));
    expect(await source.tasks.fetchResults(id, 0)).toBeNull();
    expect(await source.tasks.fetchTask('QUALITY_TASK', BigInt(task.task.taskId))).toBeNull();
  });

  it.each([
    [404, '{"error_code":"APIG.0101","error_msg":"The API does not exist"}', /APIG\.0101|does not exist/],
    [403, '{"error_code":"DQC.0403","error_msg":"no permission"}', /no permission/],
  ])('fail with a status %i that is not about them', async (status, body, said) => {
    const server = await startLoopback(() => ({ status, body }));
    const error = await errorOf(connect(server.url).tasks.fetchResults(7n, 0));
    expect(error).toBeInstanceOf(SourceError);
    expect(error.message).toMatch(said);
    expect(error.message).toContain('the results of instance 7');
    expect(status === 403 ? error.remedy : 'role admin or developer').toContain('role admin or developer');
  });

  it('wait only for the quota of their own call', async () => {
    const { sim, clock } = await simulated();
    const { ref } = secretFile({ token: 'simulated-static-token' });
    const target = { ...aTarget, ...sim.workspaces[0]! };
    const pacers = new Map<TaskCall, ReturnType<typeof createPacer>>();
    const pacerOf = (call: TaskCall) => {
      const pacer = pacers.get(call) ?? createPacer({ requests: 2, perSeconds: 10 }, clock);
      pacers.set(call, pacer);
      return pacer;
    };
    const source = connect(sim.url, { credentialsRef: ref, target, clock, pacerOf });
    const startedAtMs = clock.now();
    await listAllTasks(source.tasks);
    await source.tasks.fetchTask('QUALITY_TASK', 1n);
    await source.tasks.fetchTask('CONSISTENCY_TASK', 1n);
    await source.tasks.fetchResults(1n, 0);
    await source.tasks.fetchResults(2n, 0);
    expect(clock.now()).toBe(startedAtMs);
    const calls = ['consistency-task', 'consistency-tasks', 'quality-task', 'quality-tasks', 'results'];
    expect([...pacers.keys()].sort()).toEqual(calls);
    await source.tasks.fetchResults(3n, 0);
    expect(clock.now()).toBeGreaterThanOrEqual(startedAtMs + 10_000);
  });
});

describe('a result', () => {
  const resultOf = (objectText: string) => {
    const content = parseResultPage(
      `{"count":1,"resources":[{"sub_rule_id":"1012386207306600449","results":[${objectText}]}]}`,
    );
    const [result] = 'value' in content ? content.value.rules.flat() : [];
    return result;
  };

  it.each([
    ['{"Total Rows":"4","Status":"true","Name":"1_a.b"}', true, '1_a.b'],
    ['{"Status":"FALSE","名称":"表"}', false, '表'],
    ['{"状态":"true","总行数":"4"}', true, null],
    ['{"Statut":"true","Lignes":"4"}', true, null],
    ['{"a":"true","b":"false"}', null, null],
    ['{"a":"true","Status":"false"}', false, null],
    ['{"Status":"unknown","flag":true}', true, null],
    ['[{"Status":"true"}]', true, null],
    ['{"Status":["true"]}', null, null],
    ['{"Status":{"toString":1,"valueOf":2}}', null, null],
    ['"text"', null, null],
    ['{}', null, null],
  ])('a result with the content %s is parsed as alarmed: %s, object name: %s', (text, alarmed, objectName) => {
    expect(resultOf(text)).toMatchObject({ ruleId: 1_012_386_207_306_600_449n, alarmed, objectName });
  });

  it('keeps the exact numbers of its metrics', () => {
    expect(resultOf('{"b":9007199254740993,"a":1.50}')?.metrics).toBe('{"a":1.50,"b":9007199254740993}');
  });

  it('keeps a rule without objects, and an invalid id in extra', () => {
    const content = parseResultPage('{"resources":[{"sub_rule_id":"x1","results":null,"more":1}],"count":1}');
    expect(content).toMatchObject({
      value: { rules: [[{ ruleId: null, metrics: null, extra: '{"more":1,"sub_rule_id":"x1"}' }]] },
    });
  });
});

describe('unusual replies', () => {
  it('unusual replies with details keep both sides of a comparison under one id, and lists as JSON', () => {
    const content = parseTaskDetails(
      '{"id":1012386182149165001,"last_run_time":null,"create_time":-1,"sub_rules":[[{"id":7,"tables":["a","b"]}],[{"id":7,"weight":2.5}]]}',
      'CONSISTENCY_TASK',
    );
    expect(content).toMatchObject({
      value: {
        id: 1_012_386_182_149_165_001n,
        lastRunTimeMs: null,
        createTimeMs: null,
        extra: '{"create_time":-1}',
        rules: [
          { id: 7n, part: 0, position: '0.0', tables: '["a","b"]' },
          { id: 7n, part: 1, position: '1.0', weight: null, extra: '{"weight":2.5}' },
        ],
      },
    });
  });

  it('unusual replies with details of another task are not details of this one', async () => {
    const server = await startLoopback(() => ({ body: '{"id":8,"sub_rules":[{"id":7}]}' }));
    const details = connect(server.url).tasks.fetchTask('QUALITY_TASK', 7n);
    await expect(details).rejects.toThrow('it is about task 8');
  });

  it('unusual replies with details keep rules that are not a list in extra', () => {
    const content = parseTaskDetails('{"id":1,"sub_rules":{"id":7}}', 'QUALITY_TASK');
    expect(content).toMatchObject({ value: { rules: [], extra: '{"sub_rules":{"id":7}}' } });
  });

  it.each(['[]', '{"count":1}', '{', 'null'])('like %s are not pages', (text) => {
    expect(parseTaskPage(text, 'QUALITY_TASK')).toHaveProperty('problem');
    expect(parseResultPage(text)).toHaveProperty('problem');
    expect(parseTaskDetails(text, 'QUALITY_TASK')).toHaveProperty('problem');
  });
});
