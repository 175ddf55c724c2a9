/** Runs the demo, and the commands that it recommends. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

it('the demo shows two syncs and a complete table, and leaves its warehouse', async () => {
  const cwd = await tempFolder();
  const run = await runCli(['demo'], { cwd });
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(run.stdout).toMatch(/fine: [2-9]\d,\d{3} executions at the source.*\n✓ demo {2}the table holds everything/);
  expect(run.stdout).not.toContain('✗');
  expect(run.stdout).toMatch(/rule results of \d,\d{3} executions/);
  expect(run.stdout).toMatch(
    /by table and column\ntables +columns +rule_name +dimension +alarms +last_alarm\n(.+\n){6}/,
  );
  expect(run.stdout).not.toContain('\u001b');
  expect(existsSync(join(cwd, '.dqsync', 'demo', 'warehouse', 'state', 'demo', 'checkpoint.json'))).toBe(true);

  const [page = ''] = run.stdout.match(/file:.*\.dqsync\/demo\/report\.html$/m) ?? [];
  expect(await readFile(new URL(page), 'utf8')).toContain('<title>Data quality report</title>');

  const recommended = run.stdout.match(/^ {2}(?:npx )?dqsync .*$/gm) ?? [];
  expect(recommended).toHaveLength(2);
  for (const command of recommended) {
    const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    expect((await runCli(args.slice(args.indexOf('dqsync') + 1), { cwd })).exitCode).toBe(0);
  }

  // The source ends with the demo, and commands that need the source report that.
  const config = ['--config', join('.dqsync', 'demo', 'dqsync.json')];
  const status = await runCli(['status', ...config], { cwd });
  expect(status.stdout).toMatch(/source {5}not available: .*The simulated source of "dqsync demo" ends with the demo/);
  for (const args of [['list'], ['verify', '--from', '2d', '--to', 'now'], ['sync']]) {
    const gone = await runCli([...args, ...config], { cwd });
    expect(gone.exitCode).toBe(1);
    expect(gone.stdout + gone.stderr).toContain('The simulated source of "dqsync demo" ends with the demo');
  }
});
