/** Creates and flushes folders of a warehouse, so that a power cut does not undo what was reported as done. */
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileErrorCode } from './file-errors.ts';

/**
 * Creates a folder and its parents, and flushes each folder with a new entry. Level by level, because Node's recursive
 * mkdir never ends if the system returns ENOENT for a folder whose parent exists, as /proc does.
 */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = path; !(await exists(folder)) && dirname(folder) !== folder; folder = dirname(folder)) {
    missing.unshift(folder);
  }
  for (const folder of missing) {
    await mkdir(folder).catch((thrown: unknown) => {
      if (fileErrorCode(thrown) !== 'EEXIST') {
        throw thrown;
      }
    });
    await flushFolder(dirname(folder));
  }
}

/** Returns whether there is a file or folder. @throws what `stat` throws otherwise */
export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(ignoreMissing)) !== undefined;
}

/** Flushes the entries of a folder to the disk. */
export async function flushFolder(path: string): Promise<void> {
  // Windows cannot open folders, and does not need to flush them.
  if (process.platform === 'win32') {
    return;
  }
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Throws every error except that a file or folder does not exist. */
export function ignoreMissing(thrown: unknown): undefined {
  if (fileErrorCode(thrown) !== 'ENOENT') {
    throw thrown;
  }
}
