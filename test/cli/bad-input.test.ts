/** Errors of users lead to one paragraph with a remedy and the right exit code, without a stack trace or a secret. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultWorkspace } from '../simulator/server.ts';
import type { CliRun } from '../support/run-cli.ts';
import { addExecutions, aWorld, secretTexts, type World } from './world.ts';

/** Expects one paragraph per error, without a stack trace or a secret. */
function expectClear(run: CliRun, ...parts: readonly (string | RegExp)[]): void {
  const text = run.stdout + run.stderr;
  for (const part of parts) {
    expect(text).toMatch(part);
  }
  expect(text).toMatch(/error: [^\n]{40,}[.}]\n/);
  expect(text).not.toMatch(/\n\s+at \S|node:internal|UnhandledPromise|InternalError/);
  for (const secret of secretTexts) {
    expect(text).not.toContain(secret);
  }
}

const checkpointPath = (world: World): string => join(world.folder, 'warehouse', 'state', 'sales', 'checkpoint.json');

describe('a config that is wrong', () => {
  it.each([
    ['an unknown key', '{"sauce": {}}', ['unknown key "sauce"']],
    ['a syntax error', '{"source": {},\n "targets": [}', ['not JSON: the syntax is wrong at line 2, column 14']],
    ['half a file', '{"source": {"endpo', ['not JSON: the syntax is wrong at line 1, column 13']],
    ['100,000 lists in each other', '['.repeat(100_000), ['its lists or objects are nested too deeply']],
    ['another JSON value', '[]', ['not a valid configuration']],
    ['an unencrypted endpoint', '{"source": {"endpoint": "http://example.com"}}', ['source.endpoint', 'https://']],
  ])('a config that is wrong with %s exits with 2 and shows the position', async (_what, text, parts) => {
    const world = await aWorld();
    await world.write('dqsync.json', text);
    const run = await world.call(['sync']);
    expect(run.exitCode).toBe(2);
    expect(run.stdout).toBe('');
    expectClear(run, 'dqsync.json', ...parts);
  });

  it.each(['Null', '__HIVE_DEFAULT_PARTITION__'])(
    'with the workspace %s, which query engines read as NULL, exits with 2 and an explanation',
    async (workspace) => {
      const world = await aWorld();
      await world.configure((config) => {
        config.targets[0]!['workspace'] = workspace;
      });
      const run = await world.call(['sync']);
      expect(run.exitCode).toBe(2);
      expectClear(run, /"targets\[0\]\.workspace": must not be "null"/, 'as NULL');
    },
  );

  it.each(['nullable', '0'])('is valid with the workspace %s', async (workspace) => {
    const world = await aWorld({ workspaces: [{ ...defaultWorkspace, workspace }] });
    await world.configure((config) => {
      config.targets[0]!['workspace'] = workspace;
    });
    expect(await world.call(['sync'])).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('a config that does not exist exits with 2 and names the command that creates one', async () => {
    const world = await aWorld();
    const run = await world.cli(['sync', '--config', 'elsewhere.json']);
    expect(run.exitCode).toBe(2);
    expectClear(run, 'no config file elsewhere.json', '"dqsync init"');
  });

  it('is reported as a JSON document too with --json', async () => {
    const world = await aWorld();
    await world.write('dqsync.json', '{"sauce": 1}');
    const run = await world.call(['sync', '--json']);
    expect(run.exitCode).toBe(2);
    expect(JSON.parse(run.stdout)).toMatchObject({
      error: { kind: 'config', message: expect.stringContaining('"sauce"'), remedy: expect.any(String) },
    });
    expectClear(run, 'sauce');
  });
});

describe('a warehouse that cannot be used', () => {
  it('because the disk is full fails the sync, and the next one with free space writes everything', async () => {
    const world = await aWorld();
    await world.configure((config) => Object.assign(config, { results: 'none' }));
    addExecutions(world, 3_000);
    // No file may be larger than 4 kB.
    const limited = ['-c', 'trap "" XFSZ; ulimit -f 8; exec "$0" "$@"', process.execPath];
    const full = await world.cli(['sync'], { node: 'sh', nodeArgs: limited });
    expect(full.exitCode).toBe(1);
    expectClear(full, 'EFBIG');
    expect((await world.call(['sync'])).exitCode).toBe(0);
    const count = await world.call(['query', '--csv', 'SELECT count(*) AS n FROM quality_instances']);
    expect(count.stdout).toBe('n\n3000\n');
  });

  it('because its checkpoint is damaged fails the sync, which overwrites nothing', async () => {
    const world = await aWorld();
    addExecutions(world, 3);
    await world.call(['sync']);
    const damaged = (await readFile(checkpointPath(world), 'utf8')).slice(0, -40);
    await writeFile(checkpointPath(world), damaged);
    for (const command of ['sync', 'status', 'doctor']) {
      const run = await world.call([command]);
      expect(run.exitCode).toBe(1);
      expect(run.stdout).toMatch(/checkpoint state\/sales\/checkpoint\.json[^\n]+\./);
      expect(run.stdout).not.toMatch(/\n\s+at \S/);
    }
    expect(await readFile(checkpointPath(world), 'utf8')).toBe(damaged);
  });
});

describe('an output that cannot be written', () => {
  const expectUnwritten = ({ exitCode, stderr }: CliRun): void => {
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: the output cannot be written: ENOSPC[^\n]+\n$/);
  };
  const ontoFullDisk = { node: 'sh', nodeArgs: ['-c', 'exec "$0" "$@" >/dev/full', process.execPath] };

  it.each([
    ['rows', ['query', '--csv', 'SELECT repeat(dt, 100) FROM quality_instances']],
    ['the help', ['--help']],
  ])('an output that cannot be written with %s exits with 1 and a one-line reason', async (_what, args) => {
    const world = await aWorld();
    addExecutions(world, 100);
    await world.call(['sync']);
    expectUnwritten(await world.cli(args, ontoFullDisk));
  });

  it('leaves what a sync has committed', async () => {
    const world = await aWorld();
    addExecutions(world, 100);
    expectUnwritten(await world.cli(['sync', '--json'], ontoFullDisk));
    const count = await world.call(['query', '--csv', 'SELECT count(*) AS n FROM quality_instances']);
    expect(count.stdout).toBe('n\n100\n');
  });
});

describe('an output whose reader has ended', () => {
  /** The shell prints the command's exit code last on stderr. */
  const intoNothing = (redirections: string) => ({
    node: 'sh',
    nodeArgs: ['-c', `{ "$0" "$@" ${redirections}; echo "exit code $?" >&3; } 3>&2 | true`, process.execPath],
  });

  it('does not change the exit code of a failed sync', async () => {
    const world = await aWorld();
    await world.configure((config) => {
      config['initialFrom'] = '2026-01-01T00:00:00Z';
      config['targets'] = [{ ...config['targets'][0], credentials: 'file:nowhere.json' }];
    });
    const run = await world.cli(['sync'], intoNothing(''));
    expect(run.stderr).toBe('exit code 1\n');
  });

  it('ends a listing without an error', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    const run = await world.cli(['list', '--json'], intoNothing(''));
    expect(run.stderr).toMatch(/exit code 0\n$/);
  });

  it('does not prevent a sync from committing, even if stderr is closed', async () => {
    const world = await aWorld();
    addExecutions(world, 300);
    world.simulator.traps.faults = [{ kind: 'status', status: 503, when: { nth: 1 } }];
    const run = await world.cli(['sync', '--json'], intoNothing('2>&1'));
    expect(run.stderr).toMatch(/exit code 0\n$/);
    const count = await world.call(['query', '--csv', 'SELECT count(*) AS n FROM quality_instances']);
    expect(count.stdout).toBe('n\n300\n');
  });
});
