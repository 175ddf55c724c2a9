/** Runs `dqsync rewind`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { confirm } from '../../../functions/cli/terminal/ask.ts';
import { addExecutions, aWorld, hourMs, type World } from '../world.ts';

const checkpointOf = (world: World) =>
  readFile(join(world.folder, 'warehouse', 'state', 'sales', 'checkpoint.json'), 'utf8');
const isoAgo = (world: World, hours: number) =>
  new Date(Math.floor(world.simulator.clock.now() - hours * hourMs)).toISOString();

async function countInView(world: World): Promise<string> {
  const { stdout } = await world.call(['query', '--csv', 'SELECT count(*) AS n FROM quality_instances']);
  return stdout;
}

describe('dqsync rewind', () => {
  it('prints its plan before it asks, rewinds with --yes, and the next sync reads and writes from there', async () => {
    const world = await aWorld();
    addExecutions(world, 400);
    await world.call(['sync']);
    const to = isoAgo(world, 10);
    expect((await world.call(['rewind', '--to', to])).stdout).toMatch(
      /^sales {2}complete up to \S+Z now, up to \S+Z after; about \d+ executions to be read again\n/,
    );
    const run = await world.cli(['rewind', '--to', to, '--yes']);
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    expect(run.stdout).toMatch(/^✓ sales {2}rewound from \S+Z to \S+Z; about \d+ executions will be read again\n/);
    expect(run.stdout).toContain('dqsync sync');
    expect(run.stdout).toContain('dqsync backfill');
    const [status] = JSON.parse((await world.call(['status', '--json'])).stdout);
    expect(status.watermark).toBe(to);

    const [summary] = JSON.parse((await world.call(['sync', '--json'])).stdout);
    expect(summary.rowsWritten).toBeGreaterThan(190);
    expect(summary.rowsWritten).toBeLessThan(215);
    expect(await countInView(world)).toContain('\n400\n');
  });

  it('takes a day as midnight in partitionTimeZone, and refuses what is not a time', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config['partitionTimeZone'] = 'Asia/Shanghai';
      config['initialFrom'] = '2026-01-01T00:00:00Z';
    });
    await world.call(['sync']);
    const run = await world.call(['rewind', '--to', '2026-03-01', '--yes', '--json']);
    expect(JSON.parse(run.stdout)).toEqual([
      {
        target: 'sales',
        watermark: expect.stringMatching(/Z$/),
        to: '2026-02-28T16:00:00.000Z',
        rowsAgain: 0,
        changed: true,
      },
    ]);
    const refused = await world.call(['rewind', '--to', 'some day', '--json']);
    expect(refused).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('--to \\"some day\\" is not a time'),
    });
  });

  it('refuses a time before the start of coverage, also after a rewind, with a backfill that reads from there', async () => {
    const world = await aWorld();
    addExecutions(world, 10);
    world.simulator.life.addExecution({ startTimeMs: world.simulator.clock.now() - 30 * hourMs });
    await world.call(['sync']);
    const before = await checkpointOf(world);
    const run = await world.call(['rewind', '--to', isoAgo(world, 48), '--yes']);
    expect(run).toMatchObject({ exitCode: 1, stdout: 'Nothing was changed.\n' });
    expect(run.stderr).toMatch(
      /^error: target sales: --to is \S+Z, which is before the start of coverage, \S+Z\. Nothing was changed\./,
    );
    expect(await checkpointOf(world)).toBe(before);

    const [, start = '', command = ''] =
      /give --to (\S+Z)\. .*: dqsync (backfill .*)$/.exec(run.stderr.trimEnd()) ?? [];
    expect((await world.call(['rewind', '--to', start, '--yes'])).exitCode).toBe(0);
    expect((await world.call(['rewind', '--to', isoAgo(world, 48), '--yes'])).exitCode).toBe(1);
    expect((await world.call(command.split(' '))).exitCode).toBe(0);
    expect((await world.call(['rewind', '--to', isoAgo(world, 40), '--yes', '--json'])).stdout).not.toContain('error');
    expect((await world.call(['sync'])).exitCode).toBe(0);
    expect(await countInView(world)).toContain('\n11\n');
  });

  it('refuses to run without a terminal or --yes, and changes nothing', async () => {
    const world = await aWorld();
    addExecutions(world, 10);
    await world.call(['sync']);
    const before = await checkpointOf(world);
    const run = await world.cli(['rewind', '--to', isoAgo(world, 10)]);
    expect(run.exitCode).toBe(2);
    expect(run.stdout).toContain('to be read again');
    expect(run.stderr).toMatch(
      /no terminal to ask on\. Nothing was changed\. To rewind without being asked, add --yes/,
    );
    expect(await checkpointOf(world)).toBe(before);
  });

  it('changes nothing if nothing after the given time is covered', async () => {
    const world = await aWorld();
    const nothing = await world.call(['rewind', '--to', isoAgo(world, 10)]);
    expect(nothing).toMatchObject({
      exitCode: 0,
      stdout: 'sales  nothing to rewind: no sync has covered anything yet\nNothing was changed.\n',
    });
    await world.call(['sync']);
    const to = isoAgo(world, 10);
    await world.call(['rewind', '--to', to, '--yes']);
    const before = await checkpointOf(world);
    const again = await world.call(['rewind', '--to', to]);
    expect(again).toMatchObject({ exitCode: 0, stderr: '' });
    expect(again.stdout).toMatch(
      /^sales {2}nothing to rewind: it is complete only up to \S+Z\nNothing was changed\.\n$/,
    );
    expect(await checkpointOf(world)).toBe(before);
  });

  it('continues with the other targets if the checkpoint of one cannot be read', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config.targets.push({ ...config.targets[0], name: 'stock' });
    });
    await world.call(['sync']);
    await world.write('warehouse/state/sales/checkpoint.json', '{');
    const run = await world.call(['rewind', '--to', isoAgo(world, 10), '--yes', '--json']);
    expect(run.exitCode).toBe(1);
    expect(JSON.parse(run.stdout)).toMatchObject([
      { target: 'sales', error: { kind: 'state' } },
      { target: 'stock', changed: true },
    ]);
  });
});

it.each([
  ['y\n', true],
  [' YES \n', true],
  ['\n', false],
  ['n\n', false],
  ['yesterday\n', false],
  ['', null],
])('the question before a rewind understands %j as %s', async (typed, answer) => {
  const input = new PassThrough();
  const output = new PassThrough();
  input.end(typed);
  expect(await confirm('Take 1 target back?', { input, output })).toBe(answer);
  expect(String(output.read())).toContain('Take 1 target back? (y/N): ');
});

it('the question of a rewind stays on its line while the answer is corrected', async () => {
  // Readline corrects nothing on a terminal of the kind "dumb".
  vi.stubEnv('TERM', 'xterm');
  onTestFinished(() => void vi.unstubAllEnvs());
  const input = new PassThrough();
  const output = new PassThrough();
  input.end('yx\x7f\r');
  expect(await confirm('Take 1 target back?', { input, output })).toBe(true);
  const lineStart = '\x1b[1G';
  const [, ...shown] = String(output.read()).split(lineStart);
  expect(shown.length).toBeGreaterThan(0);
  expect(shown.filter((line) => !line.includes('Take 1 target back? (y/N): '))).toEqual([]);
  expect(shown.at(-1)).toContain('(y/N): y');
});
