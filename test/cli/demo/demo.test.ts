/** The demo, to its end, and the commands it recommends. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../../support/run-cli.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';

it('shows two syncs and a table that is a perfect copy, and leaves a warehouse to look at', async () => {
  const cwd = await tempFolder();
  const run = await runCli(['demo'], { cwd });
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(run.stdout).toMatch(/perfect copy of [2-9]\d,\d{3} executions/);
  expect(run.stdout).not.toContain('✗');
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
});
