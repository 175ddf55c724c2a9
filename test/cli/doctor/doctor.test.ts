/** `dqsync doctor` finds each problem and prints its remedy. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultAccount } from '../../simulator/accounts.ts';
import { startLoopback } from '../../source/loopback.ts';
import { addExecutions, aWorld, hourMs, secretTexts, type World } from '../world.ts';

interface CheckJson {
  readonly name: string;
  readonly target?: string;
  readonly outcome: string;
  readonly finding: string;
  readonly remedy?: string;
}

/** Runs it with --json. Returns the exit code and the checks by name. */
async function examined(world: World) {
  const run = await world.call(['doctor', '--json']);
  for (const secret of secretTexts) {
    expect(run.stdout + run.stderr).not.toContain(secret);
  }
  const { ok, checks }: { ok: boolean; checks: CheckJson[] } = JSON.parse(run.stdout);
  expect(ok).toBe(run.exitCode === 0);
  return {
    exitCode: run.exitCode,
    check: (name: string) => checks.find((each) => each.name === name),
    failed: checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name),
  };
}

describe('dqsync doctor', () => {
  it('passes every check of a healthy setup, and leaves one probe', async () => {
    const world = await aWorld();
    addExecutions(world, 200);
    const run = await world.cli(['doctor']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout.match(/^✓ (.*?) {2,}/gm)?.map((line) => line.slice(2).trim())).toEqual([
      'config',
      'warehouse',
      'secret',
      'credentials',
      'list',
      'windows',
      'clock',
      'future rows',
      'tasks',
      'checkpoint',
      'set aside',
    ]);
    expect(await readFile(join(world.folder, 'warehouse', 'state', '.doctor', 'probe.json'), 'utf8')).toContain(
      'dqsync.probe',
    );
    expect((await world.call(['doctor'])).exitCode).toBe(0);
  });

  it('accepts an access key and a token as well', async () => {
    const world = await aWorld();
    await world.write('secret.json', JSON.stringify(defaultAccount.accessKeys[0]));
    expect((await examined(world)).check('secret')?.finding).toContain('holds an access key');
    await world.write('secret.json', JSON.stringify({ token: defaultAccount.tokens[0] }));
    expect((await examined(world)).exitCode).toBe(0);
  });

  it('finds a wrong config, and exits with 2', async () => {
    const world = await aWorld();
    await world.write('dqsync.json', '{"sauce": 1}');
    const { exitCode, check } = await examined(world);
    expect(exitCode).toBe(2);
    expect(check('config')).toMatchObject({ outcome: 'failed', finding: expect.stringContaining('"sauce"') });
  });

  it('finds a file where the warehouse is expected', async () => {
    const world = await aWorld();
    await world.write('warehouse', '');
    expect((await world.call(['doctor'])).stdout).toMatch(
      /✗ warehouse +cannot \w+ .*: a part of the path is a file, not a folder \(code ENOTDIR\)\. Set "warehouse" to a fol/,
    );
    expect((await examined(world)).failed).toEqual(['warehouse', 'checkpoint']);
  });

  it('finds a secret of the wrong shape, and makes the checks that do not need it', async () => {
    const world = await aWorld();
    await world.write('secret.json', '{"key": "pass word+1%"}');
    const { exitCode, failed, check } = await examined(world);
    expect(exitCode).toBe(1);
    expect(failed).toEqual(['secret']);
    expect(check('credentials')?.outcome).toBe('skipped');
    expect(check('warehouse')?.outcome).toBe('passed');
    expect(check('checkpoint')?.outcome).toBe('passed');
  });

  it('finds credentials that are refused', async () => {
    const world = await aWorld();
    await world.write('secret.json', JSON.stringify({ ...defaultAccount.password, password: 'wrong' }));
    const { failed, check } = await examined(world);
    expect(failed).toEqual(['credentials']);
    expect(check('credentials')?.remedy).toContain('Check domainName, userName and password');
  });

  it('finds a workspace that does not exist if the credentials are valid', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config.targets[0]!['workspace'] = 'nowhere';
    });
    const { failed, check } = await examined(world);
    expect(failed).toEqual(['list']);
    expect(check('credentials')?.outcome).toBe('passed');
  });

  it.each([
    ["agrees with this machine's", 0, []],
    ["is 3 hours ahead of this machine's", 3 * hourMs + 5_000, ['clock']],
  ])(
    'judges the clock, which %s, if the source does not list executions that start in the future',
    async (finding, dateSkewMs, alsoFailed) => {
      const world = await aWorld({ traps: { dateSkewMs } });
      // The first request lists the last day.
      world.simulator.traps.faults = [{ kind: 'status', status: 404, when: { from: 2 } }];
      const { failed, check } = await examined(world);
      expect(failed).toEqual([...alsoFailed, 'future rows']);
      expect(check('clock')?.finding).toBe(`the source's clock ${finding}`);
      expect(check('future rows')?.finding).toMatch(
        /^the source refused the list of instances from \S+Z with HTTP 404/,
      );
    },
  );

  it('refuses an initialFrom in the future, as sync does before its first request', async () => {
    const world = await aWorld();
    const initialFrom = new Date(world.simulator.clock.now() + 24 * 3_600_000).toISOString();
    await world.configure((config) => Object.assign(config, { initialFrom }));
    const said = /"initialFrom" is \S+, which is in the future: nothing would be read.*Set it to the time to sync from/;
    const runs = [await world.call(['sync']), await world.call(['doctor'])];
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
    for (const { stdout } of runs) {
      expect(stdout).toMatch(said);
    }
  });

  it('reports rows dated in the future, and refused tasks and rule results, as notices, not as failures', async () => {
    const world = await aWorld();
    world.simulator.traps.faults = [{ kind: 'status', status: 403, when: { from: 1 }, on: 'tasks' }];
    world.simulator.life.addFutureDated(48 * hourMs);
    const { exitCode, check } = await examined(world);
    expect(exitCode).toBe(0);
    expect(check('future rows')).toMatchObject({ outcome: 'noticed', finding: expect.stringContaining('1 row') });
    expect(check('tasks')).toMatchObject({
      outcome: 'noticed',
      remedy: expect.stringContaining('role admin or developer'),
    });
  });

  it.each([
    ['88 rows', 'total', 88],
    ['at least 10 rows', 'missing', 88],
    ['at least 3 rows', 'missing', 3],
    ['3 rows', 'total', 3],
  ] as const)(
    'reports %s dated in the future on a page of at most 10, with the count %s',
    async (found, count, rows) => {
      const world = await aWorld({ traps: { pageCap: 10, count } });
      for (let index = 0; index < rows; index += 1) {
        world.simulator.life.addFutureDated(48 * hourMs + index * 1000);
      }
      expect((await examined(world)).check('future rows')?.finding).toMatch(
        new RegExp(`^${found} dated in the future, the latest `),
      );
    },
  );

  it('finds that the source ignores the window, and exits with 1', async () => {
    const world = await aWorld({ traps: { ignoredEnds: ['start_time'] } });
    world.simulator.life.addMany(3, {
      fromMs: world.simulator.clock.now() - hourMs,
      toMs: world.simulator.clock.now(),
    });
    const { exitCode, check } = await examined(world);
    expect(exitCode).toBe(1);
    expect(check('windows')).toMatchObject({
      outcome: 'failed',
      finding: expect.stringContaining('ignores start_time'),
    });
  });

  it('finds that another target has synced the workspace in another time zone', async () => {
    const world = await aWorld();
    addExecutions(world, 20);
    expect((await world.call(['sync'])).exitCode).toBe(0);
    await world.configure((config) => {
      config.targets = config.targets.map((target) => ({ ...target, name: 'stock' }));
      config['partitionTimeZone'] = 'Asia/Shanghai';
    });
    const { failed, check } = await examined(world);
    expect(failed).toEqual(['checkpoint']);
    expect(check('checkpoint')?.remedy).toMatch(/Restore "partitionTimeZone": "UTC", or set another "warehouse"/);
  });

  it('finds an unreachable source', async () => {
    const world = await aWorld();
    await world.write('secret.json', JSON.stringify({ token: defaultAccount.tokens[0] }));
    await world.simulator.close();
    const { failed, check } = await examined(world);
    expect(failed).toEqual(['list']);
    expect(check('credentials')?.outcome).toBe('skipped');
    expect(check('list')?.remedy).toContain('source.endpoint');
  });

  it.each([
    [429, 'skipped'],
    [502, 'skipped'],
    [403, 'passed'],
  ])('a reply with status %i leaves the check of the credentials %s', async (status, outcome) => {
    const world = await aWorld();
    await world.write('secret.json', JSON.stringify({ token: defaultAccount.tokens[0] }));
    const body = status === 502 ? '<html>' : '{"error_code":"DQC.1","error_msg":"no"}';
    const server = await startLoopback(() => ({ status, headers: { 'retry-after': '9999' }, body }));
    await world.configure((config) => {
      config.source['endpoint'] = server.url;
    });
    const { failed, check } = await examined(world);
    expect(failed).toEqual(['list']);
    expect(check('credentials')?.outcome).toBe(outcome);
  });
});
