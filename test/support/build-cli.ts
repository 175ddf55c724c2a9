/**
 * Set-up of a whole test run: builds the package that npm installs, once, for all tests that start `dqsync` as a process.
 * It starts in half the time of the sources, and it is what users run.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { builtCliVariable } from './run-cli.ts';

const root = join(import.meta.dirname, '../..');

/** Builds the package; again before each rerun in watch mode. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Below node_modules, where the package finds its native modules.
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
