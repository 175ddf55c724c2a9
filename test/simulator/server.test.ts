import { beforeEach, describe, expect, it } from 'vitest';
import { defaultAccount } from './accounts.ts';
import { ask, askToken } from './ask.ts';
import { frozenClock } from './movable-clock.ts';
import { defaultWorkspace, type Simulator, startSimulator } from './server.ts';

const nowMs = 1_790_000_000_000;
let simulator: Simulator;

beforeEach(async () => {
  simulator = await startSimulator({ clock: frozenClock(nowMs) });
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
    expect(simulator.counters).toMatchObject({ requests: 1, instances: 1, rows: 1 });
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

it('a token is valid for a day unless it is revoked, and only for the project it was issued for', async () => {
  const clock = frozenClock(nowMs);
  const workspaces = [defaultWorkspace, { projectId: 'second-project', workspace: 'second' }];
  const timed = await startSimulator({ clock, workspaces });
  const tokenOf = async (projectId: string): Promise<string> =>
    (await askToken(timed, defaultAccount.password, projectId)).headers.get('x-subject-token') ?? '';
  const own = await tokenOf(defaultWorkspace.projectId);
  const statusWith = async (token: string) => (await ask(timed, {}, { 'x-auth-token': token })).status;
  expect(await statusWith(await tokenOf('second-project'))).toBe(403);
  clock.advance(86_399_999);
  expect(await statusWith(own)).toBe(200);
  clock.advance(1);
  expect(await statusWith(own)).toBe(401);
  const fresh = await tokenOf(defaultWorkspace.projectId);
  timed.traps.faults = [{ kind: 'revoke-tokens', when: { nth: 1 } }];
  expect([await statusWith(fresh), await statusWith(fresh)]).toEqual([401, 401]);
  await timed.close();
});
