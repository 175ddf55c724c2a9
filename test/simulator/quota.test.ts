import { expect, it } from 'vitest';
import { ask } from './ask.ts';
import { frozenClock } from './movable-clock.ts';
import { Quota } from './quota.ts';
import { startSimulator } from './server.ts';

it('the quota of each user allows another request one span after each', () => {
  const quota = new Quota({ requests: 2, perSeconds: 10 });
  const atMs = [0, 4_000, 9_999, 10_000, 10_001];
  expect(atMs.map((ms) => quota.arrive('u', ms))).toEqual([true, true, false, true, false]);
  expect(quota.arrive('other', 10_001)).toBe(true);
});

it('the quota is separate for each call, and used up it gives 429 with the gateway’s message', async () => {
  const clock = frozenClock(1_790_000_000_000);
  const simulator = await startSimulator({ clock, quota: { requests: 40, perSeconds: 10 } });
  for (let n = 0; n < 40; n += 1) {
    await ask(simulator);
  }
  const refused = await ask(simulator);
  const { projectId = '', workspace = '' } = simulator.workspaces[0] ?? {};
  const tasks = await fetch(`${simulator.url}/v2/${projectId}/quality/quality-tasks`, {
    headers: { workspace, 'x-auth-token': 'simulated-static-token' },
  });
  await simulator.close();
  expect(JSON.parse(refused.text)).toEqual({
    error_code: 'APIG.0308',
    error_msg: 'The throttling threshold has been reached: policy user over ratelimit,limit:40,time:10 second',
    request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect([simulator.counters.throttled, tasks.status]).toEqual([1, 200]);
});
