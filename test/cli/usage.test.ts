/** Help, wrong usage, and the launcher. */
import { existsSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeProgram } from '../../functions/cli/commands.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { callCli } from '../support/call-cli.ts';
import { runCli, sourceLauncher } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { addExecutions, aWorld, stopped } from './world.ts';

const commands = makeProgram(() => undefined).commands.map((each) => each.name());

describe('help', () => {
  it('names every command and the exit codes', async () => {
    const run = await callCli(['--help'], { cwd: await tempFolder() });
    expect(run).toMatchObject({ exitCode: 0, stderr: '' });
    for (const command of commands) {
      expect(run.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
    expect(run.stdout).toContain('Exit codes: 0 success, 1 a target failed, 2 wrong usage or config');
    expect(run.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it.each(commands)('of "dqsync %s" fits 80 columns, and has examples', async (command) => {
    const { exitCode, stdout, stderr } = await callCli([command, '--help'], { cwd: await tempFolder() });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(/Examples:\n {2}.*dqsync (\w+)/.exec(stdout)?.[1]).toBe(command === 'help' ? undefined : command);
  });

  it('is accompanied by --version, which prints the version', async () => {
    const run = await callCli(['--version'], { cwd: await tempFolder() });
    expect(run).toMatchObject({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });
});

describe('colors', () => {
  it.each<[string, string[], Record<string, string>, boolean]>([
    ['none in a pipe', [], {}, false],
    ['some in a pipe with FORCE_COLOR', [], { FORCE_COLOR: '1' }, true],
    ['none with FORCE_COLOR=0', [], { FORCE_COLOR: '0' }, false],
    ['FORCE_COLOR before NO_COLOR', [], { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['--no-color before all', ['--no-color'], { FORCE_COLOR: '1' }, false],
  ])('are %s', async (_, args, env, hasColors) => {
    const world = await aWorld();
    const run = await world.cli(['status', ...args], { env });
    expect(run.exitCode).toBe(0);
    expect(run.stdout.includes('\u001b[')).toBe(hasColors);
  });
});

describe('wrong usage exits with 2 and refers to the help', () => {
  it.each([
    [[], 'Usage: dqsync'],
    [['sinc'], 'Did you mean sync?'],
    [['help', 'nope'], "unknown command 'nope'"],
    [['help', 'stauts'], 'Did you mean status?'],
    [['query', ' \n'], 'the query is empty'],
    [['rewind'], "required option '--to <time>' not specified"],
    [['completion'], "missing required argument 'shell'"],
    [['completion', 'tcsh'], 'Allowed choices are bash, zsh, fish'],
    [['status', '--max-age', 'soon'], 'a length of time, for example 90m, 3h or 2d'],
    [['sync', '--bogus'], 'Run "dqsync sync --help"'],
    [['query', 'SELECT 1', '--csv', '--json'], 'cannot be used with'],
    [['list', '--run-status', 'BROKEN'], 'Allowed choices are RUNNING, FAILED, ALARMING, SUCCESS, SUSPENDING, UNKNOWN'],
    [['list', '--task-type', 'x'], 'Allowed choices are QUALITY_TASK, CONSISTENCY_TASK'],
    [['list', '--notify-status', 'x'], 'Allowed choices are NOT_TRIGGERED, SUCCESS, FAILED'],
    [['list', '--limit', '0'], 'a whole number from 1'],
    [['list', '--offset', '-1'], 'a whole number from 0'],
  ])('%j', async (args, message) => {
    const run = await callCli(args, { cwd: await tempFolder() });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(message);
    expect(run.stderr).not.toMatch(/\n\s+at \S/);
  });

  it('wrong usage is reported as a JSON document if --json was given', async () => {
    const run = await callCli(['sync', '--json', '--bogus'], { cwd: await tempFolder() });
    expect(run.exitCode).toBe(2);
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { kind: 'config', message: "unknown option '--bogus'" } });
  });

  it('wrong usage is reported for a target that the config does not have', async () => {
    const world = await aWorld();
    const commandsWithTarget = ['sync', 'status', 'list', 'doctor'];
    const runs = await Promise.all(commandsWithTarget.map((command) => world.call([command, '--target', 'stock'])));
    for (const run of runs) {
      expect(run.exitCode).toBe(2);
      expect(run.stdout + run.stderr).toContain('no target of the config is named "stock". It has: sales.');
    }
  });
});

describe('the launcher of the sources', () => {
  const bin = sourceLauncher;
  /** Makes this Node report an old version to the launcher. */
  const asOldNode = [
    '--import',
    'data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.20.2" })',
  ];

  it("works with this machine's Node of any version", async () => {
    const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
    const node = folders.map((folder) => join(folder, 'node')).find((path) => existsSync(path)) ?? process.execPath;
    const run = await runCli(['--version'], { cwd: await tempFolder(), node, bin });
    expect(run).toMatchObject({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  it('forwards the end of stdin, and the exit code', async () => {
    const run = await runCli(['query'], { cwd: await tempFolder(), nodeArgs: asOldNode, bin });
    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('the query is empty') });
  });

  it('forwards Ctrl-C, and waits for the commit', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    const run = await stopped(world, ['sync', '--json'], { nodeArgs: asOldNode, bin });
    expect(run.exitCode).toBe(130);
    expect(JSON.parse(run.stdout)).toMatchObject([{ target: 'sales', done: false }]);
  });

  it('dies by the same signal as its child', async () => {
    const run = await stopped(await aWorld(), ['list'], { signal: 'SIGTERM', nodeArgs: asOldNode, bin });
    expect(run).toMatchObject({ exitCode: null, signal: 'SIGTERM' });
  });

  it("works through a symlink, and starts the package's Node if the running one is too old", async () => {
    const folder = await tempFolder();
    const link = join(folder, 'dqsync');
    await symlink(bin, link);
    const run = await runCli(['--version'], { cwd: folder, bin: link });
    expect(run.stdout).toBe(`${packageJson.version}\n`);
    const old = await runCli(['--version'], { cwd: folder, bin: link, nodeArgs: asOldNode });
    expect(old).toMatchObject({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });
});
