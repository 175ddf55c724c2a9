/**
 * Global setup of a test run: builds the npm package once, for all tests that start `dqsync` as a process. The package
 * starts in half the time that the sources take, and it is what users run.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { builtCliVariable } from './run-cli.ts';

const root = join(import.meta.dirname, '../..');

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
  return () => rm(folder, { recursive: true, force: true });
}
