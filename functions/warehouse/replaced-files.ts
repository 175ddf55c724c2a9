/** Files of a folder that a compaction has replaced: moved aside at once, and removed later. */
import { readdir, rename, stat, unlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EpochMs } from '../model.ts';
import { flushFolder, ignoreMissing, makeFolder } from './folders.ts';

/** Moves a file aside. Nothing happens if it is gone already. Throws errors of the file system. */
export async function moveAside(path: string, aside: string, nowMs: EpochMs): Promise<void> {
  try {
    // Before the move, so that a file is never aside with the time at which it was written.
    await utimes(path, nowMs / 1000, nowMs / 1000);
    await makeFolder(dirname(aside));
    await rename(path, aside);
  } catch (thrown) {
    ignoreMissing(thrown);
    return;
  }
  await flushFolder(dirname(aside));
  await flushFolder(dirname(path));
}

/** Removes the files below `folder` that were moved aside before a time. Throws errors of the file system. */
export async function removeAside(folder: string, beforeMs: EpochMs): Promise<void> {
  try {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await stat(path)).mtimeMs < beforeMs) {
        await unlink(path);
      }
    }
  } catch (thrown) {
    // Nothing was ever moved, or another compaction is removing the same files.
    ignoreMissing(thrown);
  }
}
