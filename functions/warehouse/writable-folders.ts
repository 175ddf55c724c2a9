/** Checks without writing whether this user may create files in a warehouse. */
import { access, constants, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { explained } from './file-errors.ts';
import { exists } from './folders.ts';

/**
 * Checks a folder, some folders in it, and the folders directly below those (workspaces and targets). If the folder
 * does not exist yet, checks the one in which it would be created.
 *
 * @throws StorageError for the first folder in which this user may not create files
 */
export async function requireWritableFolders(folder: string, names: readonly string[]): Promise<void> {
  let top = folder;
  while (!(await exists(top)) && dirname(top) !== top) {
    top = dirname(top);
  }
  await requireWritable(top);
  for (const path of names.map((name) => join(folder, name))) {
    if (await exists(path)) {
      await requireWritable(path);
      for (const entry of await readdir(path, { withFileTypes: true })) {
        if (entry.isDirectory()) {
          await requireWritable(join(path, entry.name));
        }
      }
    }
  }
}

function requireWritable(path: string): Promise<void> {
  // The dot makes a file where a folder is expected a separate error.
  return explained('write', path, () => access(`${path}/.`, constants.W_OK | constants.X_OK));
}
