/** Runs `dqsync sync`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultWorkspace } from '../../simulator/server.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { addExecutions, aWorld, hourMs, stopped } from '../world.ts';

describe('dqsync sync', () => {
  it('says in the summary how many open executions are too old to be re-checked', async () => {
    const world = await aWorld();
    const { life, clock } = world.simulator;
    await world.configure((config) => Object.assign(config, { initialFrom: new Date(clock.now() - 240 * hourMs) }));
    life.addExecution({ runStatus: 'RUNNING', startTimeMs: clock.now() - 200 * hourMs });
    life.addExecution({ runStatus: 'RUNNING', startTimeMs: clock.now() - 2 * hourMs });
    expect((await world.call(['sync'])).stdout).toContain(
      '\n  1 execution still open (and 1 expired: open for longer than maxOpenDays), none quarantined\n',
    );
  });

  it('copies the source, prints a short summary, and shows no progress bar in a pipe', async () => {
    const world = await aWorld();
    addExecutions(world, 250);
    const run = await world.cli(['sync']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(
      /^✓ sales {2}complete up to \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n {2}\d+ rows read in \d+ requests, 250 rows written in \d files? \([\d.]+ kB\)\n {2}0 executions still open, none quarantined, rule results of \d+ executions\n$/,
    );
    expect(existsSync(join(world.folder, 'warehouse', 'state', 'sales', 'checkpoint.json'))).toBe(true);
  });

  it('logs each commit with --verbose, only warnings without, and writes nothing the second time', async () => {
    const world = await aWorld();
    addExecutions(world, 10);
    const verbose = await world.call(['sync', '--verbose', '--json']);
    expect(verbose.stderr).toMatch(/^\[info\] target sales: committed \(rows=10, files=\d, until=\S+Z\)\n/);
    expect(JSON.parse(verbose.stdout)).toHaveLength(1);
    const second = await world.call(['sync']);
    expect(second).toMatchObject({ exitCode: 0, stderr: '' });
    expect(second.stdout).toContain('nothing new to write');
  });

  it('prints the summaries as one JSON array with the documented names', async () => {
    const world = await aWorld();
    addExecutions(world, 30);
    world.simulator.life.addExecution({ runStatus: 'RUNNING', startTimeMs: world.simulator.clock.now() - 3_600_000 });
    const run = await world.call(['sync', '--json']);
    expect(run.exitCode).toBe(0);
    expect(JSON.parse(run.stdout)).toEqual([
      {
        target: 'sales',
        mode: 'incremental',
        from: expect.stringMatching(/Z$/),
        to: expect.stringMatching(/Z$/),
        watermark: expect.stringMatching(/Z$/),
        done: true,
        rowsRead: expect.any(Number),
        rowsWritten: 31,
        files: expect.any(Number),
        bytes: expect.any(Number),
        requests: expect.any(Number),
        throttled: 0,
        retries: 0,
        openExecutions: 1,
        expired: 0,
        quarantined: 0,
        lateRows: 0,
        results: expect.any(Number),
      },
    ]);
  });

  it('runs only the named targets, and continues if one fails', async () => {
    const world = await aWorld();
    addExecutions(world, 5);
    await world.configure((config) => {
      const [sales] = config.targets;
      config.targets = [{ ...sales, name: 'broken', workspace: 'nowhere' }, { ...sales }, { ...sales, name: 'other' }];
    });
    const some = await world.call(['sync', '--json', '--target', 'sales', '--target', 'other']);
    expect(some.exitCode).toBe(0);
    expect(JSON.parse(some.stdout).map((each: { target: string }) => each.target)).toEqual(['sales', 'other']);
    const all = await world.call(['sync']);
    expect(all.exitCode).toBe(1);
    expect(all.stdout).toContain('✗ broken  failed');
    expect(all.stdout).toContain('Check targets[].workspace');
    expect(all.stdout).toContain('✓ other');
    expect(all.stdout).not.toMatch(/\n\s+at /);
  });

  it.each([
    ['sync', [], 'not started: interrupted. Run dqsync sync again to continue.'],
    [
      'backfill',
      ['--from', '2026-01-01', '--to', '2026-01-02'],
      'not started: interrupted. To continue: dqsync backfill',
    ],
  ])('lists the targets that an interrupted %s has not started', async (command, args, told) => {
    const world = await aWorld();
    await world.configure((config) => {
      const [sales] = config.targets;
      config.targets = [{ ...sales }, { ...sales, name: 'returns' }];
    });
    const run = await stopped(world, [command, ...args]);
    expect(run.exitCode).toBe(130);
    expect(run.stdout).toContain(`… returns  ${told}`);
  });

  it.each([
    ['sync', []],
    ['backfill', ['--from', '1d', '--to', 'now', '--results']],
  ])('stops at Ctrl-C while %s fetches rule results, and prints how many are missing', async (command, args) => {
    const faults = [{ kind: 'stall', when: { from: 1 }, on: 'results' }] as const;
    const world = await aWorld({ traps: { faults: [...faults] } });
    addExecutions(world, 60);
    const running = world.start([command, ...args]);
    await expect.poll(() => world.simulator.counters.results, { timeout: 60_000 }).toBeGreaterThan(0);
    running.process.kill('SIGINT');
    const ended = await running.ended;
    expect(ended.exitCode).toBe(130);
    const told =
      /^✓ sales {2}[\s\S]* 60 rows written [\s\S]*\n {2}(\d+) executions wait for rule results; later syncs fetch them; to fetch all now, in about 1 second: dqsync sync --results\n$/;
    expect(ended.stdout).toMatch(told);
    world.simulator.traps.faults = [];
    const again = await world.call([command, ...args]);
    expect(again.exitCode).toBe(0);
    expect(again.stdout).toContain(`rule results of ${told.exec(ended.stdout)?.[1]} executions\n`);
  });

  it('prints how long the rule results take of executions that it found while it filled gaps', async () => {
    const world = await aWorld();
    const nowMs = world.simulator.clock.now();
    expect((await world.call(['sync'])).exitCode).toBe(0);
    for (let index = 0; index < 130; index += 1) {
      const startTimeMs = nowMs - 48 * hourMs + index * 60_000;
      world.simulator.life.addExecution({ startTimeMs, endTimeMs: startTimeMs + 1000, runStatus: 'ALARMING' });
    }
    expect((await world.call(['backfill', '--from', '4d', '--to', '3d'])).exitCode).toBe(0);
    await world.configure((config) => {
      config.source['quota'] = { requests: 60, perSeconds: 30 };
    });
    expect((await world.call(['sync'])).stdout).toMatch(
      / 130 rows written [\s\S]*\n {2}130 executions wait for rule results; later syncs fetch them; to fetch all now, in about 1 minute: dqsync sync --results\n$/,
    );
  });

  it('stops at Ctrl-C while gaps are filled, and says that some are left', async () => {
    const world = await aWorld();
    const nowMs = world.simulator.clock.now();
    world.simulator.life.addMany(3_000, { fromMs: nowMs - 12 * 24 * hourMs, toMs: nowMs - hourMs });
    expect((await world.call(['sync'])).exitCode).toBe(0);
    expect((await world.call(['backfill', '--from', '12d', '--to', '11d'])).exitCode).toBe(0);
    world.simulator.traps.afterPage = async ({ query }) => {
      if ((query.endTimeMs ?? nowMs) < nowMs - 2 * 24 * hourMs) {
        running.process.kill('SIGINT');
        await running.ended;
      }
    };
    const running = world.start(['sync']);
    const ended = await running.ended;
    expect(ended.exitCode).toBe(130);
    expect(ended.stdout).toMatch(
      /^✓ sales {2}complete up to [\s\S]*\n {2}interrupted with 1 gap in coverage left; later syncs fill them; to fill all now: dqsync backfill\n$/,
    );
  });

  it('reads a config with comments and trailing commas', async () => {
    const world = await aWorld();
    await world.write(
      'commented.json',
      `{ // where
        "source": {"endpoint": "${world.simulator.url}", "iamEndpoint": "${world.simulator.url}"},
        "targets": [{"name": "sales", "projectId": "${defaultWorkspace.projectId}", "workspace": "${defaultWorkspace.workspace}", "credentials": "env:SECRET"},], /* one */
        "initialFrom": "2026-01-01T00:00:00Z",
      }`,
    );
    const run = await world.call(['sync', '--config', 'commented.json'], {
      env: { SECRET: '{"token":"simulated-static-token"}' },
    });
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(existsSync(join(world.folder, '.dqsync', 'warehouse', 'state', 'sales', 'checkpoint.json'))).toBe(true);
  });

  it('works with a bucket, as do doctor and query', async () => {
    const world = await aWorld();
    const s3 = await FakeS3.start();
    addExecutions(world, 120);
    await world.configure((config) => {
      config['warehouse'] = `s3://${s3.bucket}/dq`;
    });
    const env = s3.environment;
    expect(await world.call(['sync'], { env })).toMatchObject({ exitCode: 0, stderr: '' });
    const doctor = await world.call(['doctor'], { env });
    expect(doctor.stdout).toMatch(/✓ warehouse +s3:\/\/warehouse\/dq accepts writes, reads and conditional writes/);
    expect(doctor.exitCode).toBe(0);
    const query = await world.call(['query', '--csv', 'SELECT count(*) AS n FROM quality_instances'], { env });
    expect(query.stdout).toBe('n\n120\n');
  });
});
