/** Interrupts a sync by Ctrl-C. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunningCli } from '../../support/run-cli.ts';
import { addExecutions, aWorld, stopped, type World } from '../world.ts';

/** Lets the source serve some pages, then sends SIGINT, and lets the source hang. */
function pressCtrlCAfter(world: World, pages: number, press: (run: RunningCli) => void): Promise<RunningCli> {
  const run = Promise.withResolvers<RunningCli>();
  world.simulator.traps.afterPage = async ({ n }) => {
    if (n < pages) {
      return;
    }
    const running = await run.promise;
    if (n === pages) {
      press(running);
    }
    await running.ended;
  };
  run.resolve(world.start(['sync', '--json']));
  return run.promise;
}

describe('Ctrl-C', () => {
  it('commits everything that is proven complete, reports it, and exits with 130', async () => {
    const world = await aWorld();
    await world.configure((config) => Object.assign(config, { results: 'none' }));
    addExecutions(world, 6_000);
    const running = await pressCtrlCAfter(world, 55, (run) => run.process.kill('SIGINT'));
    const run = await running.ended;
    expect(run.exitCode).toBe(130);
    expect(run.stderr).toContain('Press Ctrl-C again to exit immediately');
    const [summary] = JSON.parse(run.stdout);
    expect(summary).toMatchObject({ done: false, rowsWritten: expect.any(Number) });
    expect(summary.error).toBeUndefined();
    expect(summary.rowsWritten).toBeGreaterThan(1_000);
    expect(summary.watermark).not.toBeNull();

    world.simulator.traps.afterPage = null;
    const status = await world.call(['status']);
    expect(status.stdout).toContain('stopped early');
    const next = await world.call(['sync']);
    expect(next.exitCode).toBe(0);
    const count = await world.call(['query', '--csv', 'SELECT count(*) FROM quality_instances']);
    expect(count.stdout).toContain('\n6000\n');
  });

  it('has the same effect as closing the terminal', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    const running = await pressCtrlCAfter(world, 1, ({ process }) => process.kill('SIGHUP'));
    const run = await running.ended;
    expect(run.exitCode).toBe(129);
    expect(JSON.parse(run.stdout)).toMatchObject([{ done: false }]);
    expect((await world.call(['status'])).stdout).toContain('stopped early');
  });

  it('counts once if it arrives twice at the same time, from the terminal and from npm', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    const running = await pressCtrlCAfter(world, 1, ({ process }) => {
      process.kill('SIGINT');
      process.kill('SIGINT');
    });
    const run = await running.ended;
    expect(run.exitCode).toBe(130);
    expect(JSON.parse(run.stdout)).toHaveLength(1);
  });

  it('prints the command to continue', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    const run = await stopped(world, ['sync']);
    expect(run.exitCode).toBe(130);
    expect(run.stdout).toMatch(
      /^… sales {2}interrupted\. [\d,]+( of [\d,]+)? rows are committed, .*; run dqsync sync again to continue\n/,
    );
  });

  it('exits immediately when it is pressed again, even if the source hangs', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    const s3 = await aBucketThatHangsOnPut();
    await world.configure((config) => {
      config['warehouse'] = 's3://bucket';
    });
    const running = world.start(['sync'], {
      env: {
        AWS_ENDPOINT_URL_S3: s3.url,
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'secret',
        AWS_REGION: 'eu-west-1',
      },
    });
    await s3.putSeen;
    // Signals within 0.4 s count as one, so send them until one has an effect.
    const pressing = setInterval(() => running.process.kill('SIGINT'), 100);
    const run = await running.ended;
    clearInterval(pressing);
    expect(run).toMatchObject({ exitCode: 130, stdout: '' });
    expect(run.stderr).toContain('Stopping');
  });
});

async function aBucketThatHangsOnPut(): Promise<{ url: string; putSeen: Promise<void> }> {
  const put = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    if (request.method === 'PUT') {
      put.resolve();
    } else {
      response.writeHead(404, { 'content-type': 'application/xml' });
      response.end('<Error><Code>NoSuchKey</Code><Message>none</Message></Error>');
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, putSeen: put.promise };
}
