/**
 * Global setup of a test run: builds the npm package once, for all tests that start `dqsync` as a process. The package
 * starts in half the time that the sources take, and it is what users run. Temporary files are kept in memory if it has
 * room for them: a warehouse flushes each of its files, which takes a quarter of the time of a test on a disk.
 */
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { builtCliVariable } from './run-cli.ts';

const root = join(import.meta.dirname, '../..');
/** A file system in memory, on Linux. A container often has 64 MB. */
const memoryFolder = '/dev/shm';
const leastMemoryBytes = 2e9;

/** Builds the package, and again before each rerun in watch mode. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Some CI systems set it for the output of their steps. It would color what the tests expect of a pipe.
  delete process.env['FORCE_COLOR'];
  // The package finds its native modules only in a folder below node_modules.
  const parent = join(root, 'node_modules/.cache');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'dqsync-tests-'));
  const build = async (): Promise<void> => {
    await promisify(execFile)(process.execPath, [join(root, 'functions/cli/build.js'), folder]);
  };
  await build();
  project.onTestsRerun(build);
  process.env[builtCliVariable] = join(folder, 'dqsync.js');
  const temporary = await mkdtemp(join((await isUsable(memoryFolder)) ? memoryFolder : tmpdir(), 'dqsync-tests-'));
  // Some tests run a process as another user.
  await chmod(temporary, 0o755);
  process.env['TMPDIR'] = temporary;
  return async () => {
    for (const path of [folder, temporary]) {
      await rm(path, { recursive: true, force: true });
    }
  };
}

/** Whether a folder has room, and may hold programs: some tests install the package. Containers often forbid that. */
async function isUsable(path: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(path).catch(() => ({ bavail: 0, bsize: 0 }));
  if (bavail * bsize < leastMemoryBytes) {
    return false;
  }
  const program = join(path, `dqsync-${process.pid}`);
  await writeFile(program, '', { mode: 0o755 });
  const isAllowed = await access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
  await rm(program);
  return isAllowed;
}
