/** Python packages for tests, installed once into a virtual environment under `.dqsync/`. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/**
 * Returns the path of a Python that has the packages, and installs them if they are missing. Without python3, warns and
 * returns null.
 *
 * @param name the environment's name; change it when the packages change
 * @param packages arguments of pip, for example `polars==2.1.0`
 * @param purpose the tests that need it, for the warning
 * @throws Error under CI, where a skipped test counts as failed
 */
export async function providePython(
  name: string,
  packages: readonly string[],
  purpose: string,
): Promise<string | null> {
  const venv = join(root, '.dqsync', name);
  const python = join(venv, 'bin/python');
  if (existsSync(venv)) {
    return python;
  }
  try {
    await run('python3', ['-c', 'import venv, ensurepip']);
  } catch (cause) {
    const message = `python3 with venv is missing, so ${purpose} cannot run`;
    if (process.env['CI'] === 'true') {
      throw new Error(message, { cause });
    }
    console.warn(`SKIPPED: ${message}.`);
    return null;
  }
  await mkdir(dirname(venv), { recursive: true });
  const folder = await mkdtemp(`${venv}.`);
  try {
    await run('python3', ['-m', 'venv', folder]);
    await run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', ...packages]);
    // Renaming makes the installation atomic: if two suites install it at the same time, one of them wins.
    await rename(folder, venv).catch((thrown: unknown) => {
      if (!existsSync(venv)) {
        throw thrown;
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return python;
}
