import { beforeEach, describe, expect, it } from 'vitest';
import { ask } from './ask.ts';
import { frozenClock } from './movable-clock.ts';
import { defaultWorkspace, type Simulator, startSimulator } from './server.ts';

const nowMs = 1_790_000_000_000;
let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator({
    clock: frozenClock(nowMs),
    workspaces: [defaultWorkspace, { projectId: 'other-project', workspace: 'other-workspace' }],
  });
  return () => simulator.close();
});

describe('the instance list', () => {
  it('writes a row with the documented members and the exact id', async () => {
    simulator.life.addExecution({
      id: 9_007_199_254_740_993_001n,
      name: '𠮷 "check"',
      startTimeMs: nowMs - 9_000,
      runStatus: 'ALARMING',
      notifyStatus: 'FAILED',
      endTimeMs: nowMs - 8_000,
    });
    const { text } = await ask(simulator);
    expect(text).toBe(
      '{"count":1,"resources":[{"id":9007199254740993001,"name":"𠮷 \\"check\\"","task_id":1323923668992000001,' +
        '"task_type":"QUALITY_TASK","run_status":"ALARMING","notity_status":"FAILED",' +
        '"start_time":1789999991000,"end_time":1789999992000}]}',
    );
  });

  it('serves every row exactly once over the pages of a window, with the total as count', async () => {
    simulator.life.addMany(250, { fromMs: nowMs - 60_000, toMs: nowMs, perSecond: 7 });
    const pages = [];
    for (const offset of [0, 100, 200, 300]) {
      pages.push(await ask(simulator, { limit: 100, offset, start_time: nowMs - 60_000, end_time: nowMs }));
    }
    expect(pages.map(({ ids }) => ids.length)).toEqual([100, 100, 50, 0]);
    expect(pages.map(({ count }) => count)).toEqual([250, 250, 250, 250]);
    const truth = simulator.truth().executions.map(({ id }) => String(id));
    expect(new Set(pages.flatMap(({ ids }) => ids))).toEqual(new Set(truth));
    expect(truth).toHaveLength(250);
  });

  it('returns ten rows without a limit', async () => {
    simulator.life.addMany(20, { fromMs: nowMs - 1_000, toMs: nowMs });
    expect((await ask(simulator)).ids).toHaveLength(10);
  });

  it.each([
    [{ name: 'ull_ch' }, ['1']],
    [{ name: 'NULL' }, []],
    [{ task_type: 'CONSISTENCY_TASK' }, ['2']],
    [{ run_status: 'RUNNING' }, ['3']],
    [{ notify_status: 'FAILED' }, ['4']],
    [{ run_status: 'SUCCESS', task_type: 'QUALITY_TASK' }, ['4', '1']],
  ])('filters by %j', async (question, ids) => {
    simulator.life.addExecution({ id: 1n, startTimeMs: nowMs - 4, name: 'null_check' });
    simulator.life.addExecution({ id: 2n, startTimeMs: nowMs - 3, name: 'b', taskType: 'CONSISTENCY_TASK' });
    simulator.life.addExecution({ id: 3n, startTimeMs: nowMs - 2, name: 'c', runStatus: 'RUNNING' });
    simulator.life.addExecution({ id: 4n, startTimeMs: nowMs - 1, name: 'd', notifyStatus: 'FAILED' });
    const answer = await ask(simulator, question);
    expect(answer.ids).toEqual(ids);
    expect(answer.count).toBe(ids.length);
  });

  it.each([
    { limit: 101 },
    { limit: 0 },
    { limit: 'x' },
    { offset: -1 },
    { offset: 1.5 },
    { start_time: 1_790_000_000 },
    { end_time: '2026-01-01' },
    { task_type: 'OTHER' },
    { run_status: 'success' },
    { notify_status: 'RUNNING' },
  ])('refuses %j with a DQC error', async (question: Record<string, string | number>) => {
    const answer = await ask(simulator, question);
    expect([answer.status, answer.code]).toEqual([400, 'DQC.1001']);
  });

  it('refuses a missing, an unknown and a foreign workspace', async () => {
    const answers = [
      await ask(simulator, {}, { workspace: '' }),
      await ask(simulator, {}, { workspace: 'nowhere' }),
      await ask(simulator, {}, { workspace: 'other-workspace' }),
    ];
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [400, 'DQC.1002'],
      [400, 'DQC.2001'],
      [400, 'DQC.2001'],
    ]);
  });

  it('refuses an unknown project and an unknown path', async () => {
    const unknownProject = await ask(simulator, {}, {}, 'nobody');
    const unknownPath = await fetch(`${simulator.url}/v1/nothing`);
    expect([unknownProject.status, unknownPath.status]).toEqual([403, 404]);
  });

  it('keeps workspaces apart', async () => {
    simulator.life.addExecution({ id: 5n, workspace: 'other-workspace' });
    const first = await ask(simulator);
    const other = await ask(simulator, {}, { workspace: 'other-workspace' }, 'other-project');
    expect([first.ids, other.ids]).toEqual([[], ['5']]);
  });

  it('counts requests and rows, and records the requests', async () => {
    simulator.life.addMany(5, { fromMs: nowMs - 10_000, toMs: nowMs });
    await ask(simulator, { limit: 3 });
    await ask(simulator, { limit: 0 });
    expect(simulator.counters).toMatchObject({ requests: 2, instances: 2, rows: 3 });
    expect(simulator.counters.perSecond.get(nowMs / 1_000)).toBe(2);
    expect(simulator.counters.log.map(({ status, rows }) => [status, rows])).toEqual([
      [200, 3],
      [400, 0],
    ]);
    expect(simulator.counters.log[0]?.url).toContain('?limit=3');
  });

  it('dates replies by its own clock', async () => {
    simulator.traps.dateSkewMs = -3_600_000;
    const { headers } = await ask(simulator);
    expect(Date.parse(headers.get('date') ?? '')).toBe(nowMs - 3_600_000);
  });
});

describe('the control endpoints', () => {
  it('return the truth, set traps and advance the clock', async () => {
    const clock = frozenClock(nowMs);
    const controlled = await startSimulator({ clock, control: clock });
    controlled.life.addExecution({ id: 9_007_199_254_740_993_001n, startTimeMs: nowMs + 500 });
    await fetch(`${controlled.url}/_traps`, { method: 'POST', body: '{"pageCap":7}' });
    await fetch(`${controlled.url}/_advance?ms=1000`, { method: 'POST' });
    const truth = await (await fetch(`${controlled.url}/_truth`)).text();
    await controlled.close();
    expect(controlled.traps.pageCap).toBe(7);
    expect(clock.now()).toBe(nowMs + 1_000);
    expect(truth).toContain('"id": "9007199254740993001"');
  });

  it('return 404 unless enabled', async () => {
    expect((await fetch(`${simulator.url}/_truth`)).status).toBe(404);
  });
});

it('an alarming execution has the result of a rule that alarms', () => {
  const { id } = simulator.life.addExecution({ startTimeMs: nowMs - 60_000, runStatus: 'ALARMING' });
  expect(simulator.results(id).some(({ alarmed }) => alarmed)).toBe(true);
});
