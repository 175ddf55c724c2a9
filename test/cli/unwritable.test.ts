/** Commands that write files of the user, where nothing can be written. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

const answers = ['--region', 'ap-southeast-3', '--project', '0b1c', '--workspace', '9f2e'];

// In /proc, files cannot be created although their folder exists, and Node's own recursive mkdir never returns.
it.each<[string, readonly string[], string]>([
  ['demo in /proc', ['demo'], '/proc/.dqsync/demo (ENOENT)'],
  ['init in /proc', ['init', ...answers], '/proc (ENOENT)'],
  ['init of a folder in /proc', ['init', 'mine/own', ...answers], '/proc/mine/own (ENOENT)'],
  ['demo where a file has the name of its folder', ['demo'], '.dqsync/demo (ENOTDIR)'],
  ['init below a file', ['init', '.dqsync/mine', ...answers], '.dqsync/mine (ENOTDIR)'],
])('%s ends at once and says where to run it', async (name, args, said) => {
  const cwd = name.includes('/proc') ? '/proc' : await tempFolder();
  if (cwd !== '/proc') {
    await writeFile(join(cwd, '.dqsync'), '');
  }
  const run = await runCli(args, { cwd });
  expect(run).toMatchObject({ exitCode: 2, stdout: '' });
  expect(run.stderr).toContain(
    `error: cannot create files in ${said.startsWith('/') ? '' : `${cwd}/`}${said}. Run from`,
  );
});
