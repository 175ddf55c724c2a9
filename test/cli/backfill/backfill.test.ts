/** Runs `dqsync backfill`. */
import { describe, expect, it } from 'vitest';
import { addExecutions, aWhileAgo, aWorld, hourMs, type World } from '../world.ts';

/** Makes a world of `count` executions over 20 hours, none of them synced, with initialFrom an hour ago. */
async function aWorldWithHistory(count: number): Promise<{ world: World; range: string[] }> {
  const world = await aWorld();
  addExecutions(world, count);
  await world.configure((config) => {
    config['initialFrom'] = new Date(aWhileAgo(world, hourMs)).toISOString();
  });
  const from = new Date(aWhileAgo(world, 24 * hourMs)).toISOString();
  const to = new Date(aWhileAgo(world, hourMs)).toISOString();
  return { world, range: ['--from', from, '--to', to] };
}

describe('dqsync backfill', () => {
  it('estimates its cost from a few counts, and writes nothing', async () => {
    const { world, range } = await aWorldWithHistory(3_000);
    const dry = await world.call(['backfill', ...range, '--dry-run']);
    expect(dry).toMatchObject({ exitCode: 0, stderr: '' });
    expect(dry.stdout).toMatch(
      /^sales {2}would read \S+Z to \S+Z:\n {2}2,8\d\d rows, \d\d requests, \d seconds? at 75 % .*\n$/,
    );
    const [estimate] = JSON.parse((await world.call(['backfill', ...range, '--dry-run', '--json'])).stdout);
    expect(estimate).toMatchObject({ target: 'sales', isCounted: true, requestsUsed: 1 });
    Object.assign(world.simulator.traps, { count: 'missing' });
    const [unknown] = JSON.parse((await world.call(['backfill', ...range, '--dry-run', '--json'])).stdout);
    expect(unknown).toMatchObject({ rows: null, requests: null, isCounted: false });
    const [status] = JSON.parse((await world.call(['status', '--json'])).stdout);
    expect(status).toMatchObject({ watermark: null, coverage: { rows: 0 } });
  });

  it.each(['inclusive', 'exclusive'] as const)('counts no execution of the next day if edges are %s', async (edge) => {
    const world = await aWorld();
    Object.assign(world.simulator.traps, { startEdge: edge, endEdge: edge });
    const fromMs = Date.parse('2026-05-01T00:00:00Z');
    for (let hours = 0; hours <= 48; hours += 6) {
      world.simulator.life.addExecution({ startTimeMs: fromMs + hours * hourMs });
    }
    const range = ['--from', '2026-05-01', '--to', '2026-05-02'];
    const [estimate] = JSON.parse((await world.call(['backfill', ...range, '--dry-run', '--json'])).stdout);
    expect(estimate).toMatchObject({ rows: 4, isCounted: true });
  });

  it.each([1, 7])('estimates its cost if the source limits spans to %i days', async (maxSpanDays) => {
    const { world } = await aWorldWithHistory(3_000);
    Object.assign(world.simulator.traps, { maxSpanDays });
    const [estimate] = JSON.parse(
      (await world.call(['backfill', '--from', '45d', '--to', 'now', '--dry-run', '--json'])).stdout,
    );
    expect(estimate).toMatchObject({ windows: [{}], rows: expect.any(Number) });
    expect(estimate.requestsUsed).toBeLessThan(20);
  });

  it('fills the range once, and reports a complete range the second time', async () => {
    const { world, range } = await aWorldWithHistory(500);
    const first = await world.cli(['backfill', ...range]);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(/^✓ sales {2}\S+Z to \S+Z is complete\n {2}\d+ rows read in \d+ requests, \d+ rows/);
    const second = await world.call(['backfill', ...range]);
    expect(second.stdout).toMatch(/^✓ sales {2}\S+Z to \S+Z was already complete\n$/);
    const estimate = async (...options: string[]) =>
      JSON.parse((await world.call(['backfill', ...range, '--dry-run', '--json', ...options])).stdout);
    expect(await estimate()).toMatchObject([{ windows: [], rows: 0 }]);
    expect(await estimate('--again')).toMatchObject([{ windows: [{}], isCounted: true }]);
    const [summary] = JSON.parse((await world.call(['backfill', ...range, '--again', '--json'])).stdout);
    expect(summary).toMatchObject({ mode: 'backfill', done: true, watermark: null });
    expect(summary.rowsWritten).toBeGreaterThan(400);
  });

  it('stops at Ctrl-C after a commit, and the command that it prints finishes the backfill', async () => {
    const { world, range } = await aWorldWithHistory(20_000);
    await world.configure((config) => {
      config['initialFrom'] = new Date(aWhileAgo(world, hourMs)).toISOString();
      config.source['quota'] = { requests: 150, perSeconds: 1 };
    });
    const running = world.start(['backfill', ...range]);
    await expect.poll(() => world.simulator.counters.requests, { timeout: 60_000 }).toBeGreaterThan(60);
    running.process.kill('SIGINT');
    const stopped = await running.ended;
    expect(stopped.exitCode).toBe(130);
    expect(stopped.stdout).toContain(`run the same command again to continue: dqsync backfill ${range.join(' ')}`);
    const before = world.simulator.counters.requests;
    expect(await world.call(['backfill', ...range])).toMatchObject({ exitCode: 0 });
    expect(world.simulator.counters.requests - before).toBeLessThan(190);
    const { stdout } = await world.call(['query', '--json', 'SELECT count(*) AS n FROM quality_instance_observations']);
    const counted = await world.call(['query', '--json', 'SELECT count(*) AS n FROM quality_instances']);
    expect(stdout).toBe(counted.stdout);
  });

  it('fills the gaps that status shows if it gets no range', async () => {
    const { world } = await aWorldWithHistory(500);
    expect((await world.call(['backfill'])).stdout).toMatch(/nothing is covered yet, so there are no gaps/);
    await world.call(['sync']);
    const early = [24, 20].map((hours) => new Date(aWhileAgo(world, hours * hourMs)).toISOString());
    await world.call(['backfill', '--from', early[0]!, '--to', early[1]!]);
    const [status] = JSON.parse((await world.call(['status', '--json'])).stdout);
    expect(status.coverage.gaps).toHaveLength(1);
    expect(await world.call(['backfill'])).toMatchObject({ exitCode: 0 });
    const [filled] = JSON.parse((await world.call(['status', '--json'])).stdout);
    expect(filled.coverage).toMatchObject({ gaps: [], rows: 500 });
  });

  it('takes local times, and quotes them in the command that continues it', async () => {
    const { world } = await aWorldWithHistory(10);
    await world.configure((config) => {
      config['partitionTimeZone'] = 'Asia/Shanghai';
    });
    const range = ['--from', '2026-01-01 08:00', '--to', '2026-01-02T08:00'];
    const [summary] = JSON.parse((await world.call(['backfill', ...range, '--json'])).stdout);
    expect(summary).toMatchObject({ from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z', done: true });
    await world.write('secret.json', '{"token":"wrong"}');
    const { stdout } = await world.call(['backfill', ...range, '--again']);
    expect(stdout).toContain('To continue: dqsync backfill --from "2026-01-01 08:00" --to 2026-01-02T08:00 --again\n');
    const relative = await world.call(['backfill', '--from', '90m', '--to', 'yesterday']);
    expect(relative.exitCode).toBe(2);
    const later = await world.call(['backfill', '--from', 'yesterday', '--to', '90m']);
    expect(later.stdout).toMatch(
      /To continue: dqsync backfill --from \d{4}-\d\d-\d\d --to \d{4}-\d\d-\d\dT\S+\+08:00\n/,
    );
  });

  it('says how many rows are committed if it fails, not that something is', async () => {
    const { world, range } = await aWorldWithHistory(10);
    await world.call(['sync']);
    await world.write('warehouse/state/sales/checkpoint.json', '{');
    const { exitCode, stdout } = await world.call(['backfill', ...range]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('✗ sales  failed. 0 rows are committed. To continue: dqsync backfill');
  });

  it.each([
    [['--from', '2026-01-01'], /--from and --to belong together/],
    [['--from', '2026-02-01', '--to', '2026-01-01'], /is not before --to/],
    [['--from', 'someday', '--to', '2026-01-01'], /--from "someday" is not a time/],
    [['--from', '2199-01-01', '--to', '2199-02-01'], /--from "2199-01-01" is in the future\. .* before 20\S+Z: /],
    [['--from', '0m', '--to', '2199-02-01'], /--from "0m" is within the settle time\. .* before 20\S+Z: /],
    [['--from', '2199-01-01', '--to', '2199-02-01', '--dry-run'], /--from "2199-01-01" is in the future/],
    [['--again'], /--again needs --from and --to/],
    [['--target', 'stock'], /no target of the config is named "stock"/],
  ])('refuses %s', async (args, message) => {
    const world = await aWorld();
    const run = await world.call(['backfill', ...args]);
    expect(run).toMatchObject({ exitCode: 2, stdout: '' });
    expect(run.stderr).toMatch(message);
  });
});
