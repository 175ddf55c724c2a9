/** Files of a folder that a compaction has replaced: moved aside immediately, and removed later. */
import { readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EpochMs } from '../model.ts';
import { flushFolder, ignoreMissing, makeFolder } from './folders.ts';

/** Moves a file aside. Nothing happens if it is gone already. Throws errors of the file system. */
export async function moveAside(path: string, aside: string): Promise<void> {
  try {
    await makeFolder(dirname(aside));
    await rename(path, aside);
  } catch (thrown) {
    ignoreMissing(thrown);
    return;
  }
  await flushFolder(dirname(aside));
  await flushFolder(dirname(path));
}

/**
 * Removes the files below `folder` that were moved aside before a time of the file system. Throws errors of the file
 * system.
 */
export async function removeAside(folder: string, beforeMs: EpochMs): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  try {
    for (const [parent, inside] of Map.groupBy(files, ({ parentPath }) => parentPath)) {
      // Every move into a folder sets its time. A file keeps the time at which it was written.
      if ((await stat(parent)).mtimeMs < beforeMs) {
        for (const { name } of inside) {
          await unlink(join(parent, name));
        }
      }
    }
  } catch (thrown) {
    // Another compaction is removing the same files.
    ignoreMissing(thrown);
  }
}
