/** The package as npm installs it: without the sources, their tools, or a clone around it. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { tempFolder } from '../support/temp-warehouse.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

it('installs from its tarball into an empty folder, and runs the demo there', { timeout: 180_000 }, async () => {
  const folder = await tempFolder();
  await run('npm', ['pack', '--pack-destination', folder], { cwd: root });
  const [tarball = ''] = await readdir(folder);
  const { stdout: contents } = await run('tar', ['-tzf', join(folder, tarball)]);
  expect(contents.split('\n').filter((name) => /\.ts$|secret|dqsync\.json/.test(name))).toEqual([]);

  const prefix = join(folder, 'installed');
  await run('npm', ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', join(folder, tarball)]);
  const home = await tempFolder();
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home };
  const { stdout, stderr } = await run(join(prefix, 'bin/dqsync'), ['demo'], { cwd: home, env });

  expect(stderr).toBe('');
  expect(stdout).toContain('the table holds everything');
  expect(stdout).toContain('\n  dqsync status --config .dqsync/demo/dqsync.json');
  const version = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version;
  expect((await run(join(prefix, 'bin/dqsync'), ['--version'], { cwd: home, env })).stdout).toBe(`${version}\n`);
});
