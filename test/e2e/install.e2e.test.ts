/** The package as npm installs it: without the sources, their tools, or a clone around it. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import stringWidth from 'fast-string-width';
import { expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { runCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Installs the package from its tarball into an empty folder. Returns the path of its program. */
async function install(): Promise<string> {
  const folder = await tempFolder();
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root });
  const [tarball = ''] = await readdir(folder);
  const { stdout: contents } = await run('tar', ['-tzf', join(folder, tarball)]);
  expect(contents.split('\n').filter((name) => /\.ts$|secret|dqsync\.json/.test(name))).toEqual([]);
  const prefix = join(folder, 'installed');
  await run('npm', ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', join(folder, tarball)]);
  return join(prefix, 'bin/dqsync');
}

it('the installed demo shows two syncs and a complete table, and leaves its warehouse', async () => {
  const program = await install();
  const cwd = await tempFolder();
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: cwd };
  const { stdout, stderr } = await run(program, ['demo'], { cwd, env });
  const dqsync = (args: readonly string[]) => runCli(args, { cwd, bin: program });

  expect(stderr).toMatch(/^(The first 6 of \d+ rows: .*\n){3}\(2 rows\)\n$/);
  expect(stdout).toMatch(
    /30 of 30 days match: [2-9]\d,\d{3} executions at the source.*\n✓ demo {2}the table holds everything/,
  );
  expect(stdout).not.toContain('✗');
  expect(stdout).toMatch(/rule results of \d,\d{3} executions/);
  expect(stdout).toMatch(
    /by table and column\n\$ .*\ntables +columns +rule_name +dimension +alarms +last_alarm\n(.+\n){6}/,
  );
  expect(stdout).not.toContain('\u001b');
  // Commands and URLs are never broken.
  const tooWide = stdout.split('\n').filter((line) => stringWidth(line) > 80 && !/^(\$| {2}file:)/.test(line));
  expect(tooWide).toEqual([]);
  expect(existsSync(join(cwd, '.dqsync', 'demo', 'warehouse', 'state', 'demo', 'checkpoint.json'))).toBe(true);
  expect((await dqsync(['--version'])).stdout).toBe(`${packageJson.version}\n`);

  const [page = ''] = stdout.match(/file:.*\.dqsync\/demo\/report\.html$/m) ?? [];
  expect(await readFile(new URL(page), 'utf8')).toContain('<title>Data quality report</title>');

  const recommended = stdout.match(/^ {2}dqsync .*$/gm) ?? [];
  expect(recommended).toHaveLength(2);
  for (const command of recommended) {
    const [, ...args] = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    expect((await dqsync(args)).exitCode).toBe(0);
  }

  // The source ends with the demo, and commands that need the source report that.
  const config = ['--config', join('.dqsync', 'demo', 'dqsync.json')];
  const status = await dqsync(['status', ...config]);
  expect(status.stdout).toMatch(/source {5}not available: .*The simulated source of "dqsync demo" ends with the demo/);
  for (const args of [['list'], ['verify', '--from', '2d', '--to', 'now'], ['sync']]) {
    const gone = await dqsync([...args, ...config]);
    expect(gone.exitCode).toBe(1);
    expect(gone.stdout + gone.stderr).toContain('The simulated source of "dqsync demo" ends with the demo');
  }
});
