/**
 * The data files of a warehouse as local files: in place if it is a folder, otherwise copied once into a cache. So are
 * files behind a link that leads out of a folder, because DuckDB opens nothing there.
 *
 * Data files are immutable (PROTOCOL.md, I1), so a copy never becomes stale. The cache is itself a warehouse in a
 * folder, so a copy is complete or missing, even if several processes write it. A copy whose size differs from the
 * listing is not used; the next query fetches it again.
 */
import { access, constants, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { StorageError } from '../errors.ts';
import { explained } from '../warehouse/file-errors.ts';
import { type FileStore, openFileStore } from '../warehouse/file-store.ts';
import { ignoreMissing } from '../warehouse/folders.ts';
import { dataPrefixes, type TablePartition } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { dataFilesOf, eachOf } from './data-listing.ts';

/** The paths of data files by the name of their table. */
export type PathsByTable = ReadonlyMap<string, readonly string[]>;

/** The tables' files on this machine. */
export interface DataFiles {
  /** The folder of the warehouse or its copy, as an absolute path. */
  readonly folder: string;
  /** The folders of the tables in it. */
  readonly tableFolders: readonly string[];
  /** Whether they are copies of the warehouse's files. */
  readonly areCopies: boolean;
  /**
   * Returns the current data files of some partitions, after copying those that are not on this machine. Any of them
   * may be gone when it is opened, because a compaction has replaced it.
   *
   * @returns absolute paths by table, sorted; each contains the values of its partition
   * @throws StorageError if the warehouse cannot be read, or the cache cannot be written
   */
  of(partitions: readonly TablePartition[]): Promise<PathsByTable>;
}

/** Returns whether the store's files can be read in place. */
function isFileStore(store: Store): store is FileStore {
  return 'folder' in store;
}

/**
 * Opens the data files of a warehouse. Reads nothing yet.
 *
 * @param cacheFolder folder for copies, one per warehouse, kept between queries
 */
export function openDataFiles(store: Store, cacheFolder: string): DataFiles {
  const cache = openFileStore(`file:${cacheFolder}`);
  const local = isFileStore(store) ? store : cache;
  return {
    folder: local.folder,
    tableFolders: [...new Set([local.folder, cache.folder])].flatMap((folder) =>
      dataPrefixes.map((prefix) => join(folder, prefix)),
    ),
    areCopies: local !== store,
    of: async (partitions) => {
      const sizes = await dataFilesOf(store, partitions);
      const copied = local === store ? await linkedOut(local, sizes) : sizes;
      if (copied.size > 0) {
        await copyMissing(copied, partitions, { from: store, to: cache });
      }
      const pathOf = (key: string): string => join(copied.has(key) ? cache.folder : local.folder, key);
      const keysByTable = Map.groupBy([...sizes.keys()].sort(), (key) => key.slice(0, key.indexOf('/')));
      return new Map([...keysByTable].map(([table, keys]) => [table, keys.map(pathOf)]));
    },
  };
}

/** Returns the files whose path leads out of the folders of the tables. */
async function linkedOut(local: FileStore, sizes: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const folders = await Promise.all(dataPrefixes.map((prefix) => realOf(join(local.folder, prefix))));
  const isOut = await Promise.all(
    [...sizes.keys()].map(async (key) => {
      const real = await realOf(join(local.folder, key));
      return !folders.some((folder) => real.startsWith(`${folder}${sep}`));
    }),
  );
  return new Map([...sizes].filter((_, index) => isOut[index]));
}

/** Returns a path without links; the path itself if it is gone. */
async function realOf(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}

/** Returns a file that does not exist any more; undefined if all do. @throws StorageError if one may not be read */
export async function firstGone(paths: PathsByTable): Promise<string | undefined> {
  const all = [...paths.values()].flat();
  const areThere = await Promise.all(all.map((path) => explained('read', path, () => isThere(path))));
  return all[areThere.indexOf(false)];
}

async function isThere(path: string): Promise<boolean> {
  return (await access(path, constants.R_OK).then(() => true, ignoreMissing)) ?? false;
}

interface Copying {
  readonly from: Store;
  readonly to: FileStore;
}

/** Copies files that are missing in the cache or have another size there, unless they are gone. */
async function copyMissing(
  sizes: ReadonlyMap<string, number>,
  partitions: readonly TablePartition[],
  copying: Copying,
): Promise<void> {
  const missing = new Map(sizes);
  for (const [key, sizeBytes] of await inCache(copying, (cache) => dataFilesOf(cache, partitions))) {
    if (missing.get(key) === sizeBytes) {
      missing.delete(key);
    }
  }
  await eachOf(missing, ([key, sizeBytes]) => copy(key, sizeBytes, copying));
}

async function copy(key: string, sizeBytes: number, copying: Copying): Promise<void> {
  const { from } = copying;
  const object = await from.get(key);
  if (object === null) {
    // A compaction has replaced it since it was listed. The query finds no copy, and lists the files again.
    return;
  }
  const { bytes } = object;
  if (bytes.length !== sizeBytes) {
    throw new StorageError(`${key} was listed in ${from.url}, but has ${bytes.length} bytes instead of ${sizeBytes}`, {
      remedy: 'Run the query again. If this persists, find out what changes files of the warehouse.',
    });
  }
  await inCache(copying, async (cache) => {
    const wrongCopy = await cache.get(key);
    // If another process wins, it has written the same bytes.
    await (wrongCopy === null ? cache.putIfAbsent(key, bytes) : cache.putIfMatch(key, bytes, wrongCopy.etag));
  });
}

/** Runs work on the cache. Its errors explain how to fix the cache, not the warehouse. */
async function inCache<T>({ to }: Copying, work: (cache: FileStore) => Promise<T>): Promise<T> {
  try {
    return await work(to);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StorageError(`cannot keep copies of the data files: ${why}`, {
      remedy: `Make ${to.folder} writable, or set the environment variable DQSYNC_CACHE to another folder.`,
      cause,
    });
  }
}
