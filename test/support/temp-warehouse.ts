/** Folders that are removed when the test is finished. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type FileStore, openFileStore } from '../../functions/warehouse/file-store.ts';

/** Makes an empty folder. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Opens an empty warehouse in such a folder. */
export async function tempWarehouse(): Promise<FileStore> {
  return openFileStore(`file:${join(await tempFolder(), 'warehouse')}`);
}
