/** Commands that write files of the user, where nothing can be written. */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { aWorld } from './world.ts';

const answers = ['--region', 'ap-southeast-3', '--project', '0b1c', '--workspace', '9f2e'];

// In /proc, files cannot be created although their folder exists, and Node's own recursive mkdir never returns.
it.each<[string, readonly string[], string]>([
  ['demo in /proc', ['demo'], '/proc/.dqsync/demo: the file system is read-only or virtual (ENOENT)'],
  ['init in /proc', ['init', ...answers], '/proc: the file system is read-only or virtual (ENOENT)'],
  [
    'init of a folder in /proc',
    ['init', 'mine/own', ...answers],
    '/proc/mine/own: the file system is read-only or virtual (ENOENT)',
  ],
  [
    'demo where a file has the name of its folder',
    ['demo'],
    '.dqsync/demo: a part of the path is a file, not a folder (ENOTDIR)',
  ],
  [
    'init below a file',
    ['init', '.dqsync/mine', ...answers],
    '.dqsync/mine: a part of the path is a file, not a folder (ENOTDIR)',
  ],
])('%s ends immediately and says where to run it', async (name, args, said) => {
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

/** Options of a process that may not write a byte to any file, as if the disk were full. */
const full = { node: 'sh', nodeArgs: ['-c', 'trap "" XFSZ; ulimit -f 0; exec "$0" "$@"', process.execPath] };

it('init on a full disk names the cause, leaves nothing in the way, and can be repeated', async () => {
  const cwd = await tempFolder();
  const run = await runCli(['init', 'mine', ...answers], { cwd, ...full });
  expect(run).toMatchObject({ exitCode: 1, stdout: '' });
  expect(run.stderr).toContain(
    `cannot create files in ${join(cwd, 'mine')}: the file would exceed the size limit (EFBIG). Raise the limit`,
  );
  expect(await runCli(['init', 'mine', ...answers], { cwd })).toMatchObject({ exitCode: 0, stderr: '' });
});

it('a report that cannot be written to a full disk names the cause', async () => {
  const world = await aWorld();
  const run = await world.cli(['report'], full);
  expect(run.stderr).toMatch(
    /cannot write the report to \S+: the file would exceed the size limit \(EFBIG\)\. Raise the limit/,
  );
  expect(await readdir(world.folder)).toEqual(['dqsync.json', 'secret.json']);
});
