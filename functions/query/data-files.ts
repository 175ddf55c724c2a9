/**
 * The data files of a warehouse as files of this machine: in place if it is a folder, else copied once into a cache.
 *
 * Data files are immutable (PROTOCOL.md, I1), so that a copy never grows stale. The cache is itself a warehouse in a
 * folder: a copy is there whole or not at all, also when several processes make it.
 */
import { join } from 'node:path';
import { StorageError } from '../errors.ts';
import { type FileStore, openFileStore } from '../warehouse/file-store.ts';
import { dataPrefix, parseDataKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';

/** Copies at a time: enough to hide the latency of S3. */
const maxCopiesAtOnce = 8;

/** Files of the table on this machine. */
export interface LocalDataFiles {
  /** The folder that holds them, absolute. */
  readonly folder: string;
  /** Absolute paths, sorted. Each has its partition's values in its path. */
  readonly paths: readonly string[];
}

/** Whether the store's files can be read in place. */
function isFileStore(store: Store): store is FileStore {
  return 'folder' in store;
}

/**
 * Finds the data files, copying them first where they are not on this machine.
 *
 * @param cacheFolder where copies are kept from one time to the next; one folder for one warehouse
 * @throws StorageError if the warehouse cannot be read or the cache cannot be written
 */
export async function localDataFiles(store: Store, cacheFolder: string): Promise<LocalDataFiles> {
  const local = isFileStore(store) ? store : openFileStore(`file:${cacheFolder}`);
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of store.list(dataPrefix)) {
    if (parseDataKey(key) !== null) {
      sizes.set(key, sizeBytes);
    }
  }
  if (local !== store) {
    await copyMissing(store, local, sizes);
  }
  return {
    folder: join(local.folder, dataPrefix),
    paths: [...sizes.keys()].sort().map((key) => join(local.folder, key)),
  };
}

async function copyMissing(from: Store, to: FileStore, sizes: ReadonlyMap<string, number>): Promise<void> {
  const missing = new Set(sizes.keys());
  for await (const { key } of to.list(dataPrefix)) {
    missing.delete(key);
  }
  // Workers share the iterator: each takes the next key when it is done with one.
  const keys = missing.values();
  const copyNext = async (): Promise<void> => {
    for (const key of keys) {
      await copy(from, to, key);
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxCopiesAtOnce, missing.size) }, copyNext));
}

async function copy(from: Store, to: FileStore, key: string): Promise<void> {
  const object = await from.get(key);
  if (object === null) {
    throw new StorageError(`${key} was listed in ${from.url} but is gone`, {
      remedy: 'Run the query again. If it happens again, find out who deletes files of the warehouse.',
    });
  }
  await to.putIfAbsent(key, object.bytes);
}
