/**
 * The data files of a warehouse as files of this machine: in place if it is a folder, else copied once into a cache.
 *
 * Data files are immutable (PROTOCOL.md, I1), so that a copy never grows stale. The cache is itself a warehouse in a
 * folder: a copy is there whole or not at all, also when several processes make it. What is kept for ever must be the file:
 * a reply of status 200 may also be that of a proxy or a login page, so it is held against the listing first.
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { StorageError } from '../errors.ts';
import { type FileStore, openFileStore } from '../warehouse/file-store.ts';
import { dataPrefix, type PartitionParts } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { dataFilesOf, eachOf } from './data-listing.ts';

/** How often a file is asked for that comes as something else; the store has tries of its own for what fails. */
const maxTries = 3;
const firstPauseMs = 100;

/** What a Parquet file begins and ends with. */
const parquetMagic = Buffer.from('PAR1');

/** Files of the table on this machine. */
export interface DataFiles {
  /** The folder that holds them, absolute. */
  readonly folder: string;
  /** Whether they are copies of those in the warehouse. */
  readonly areCopies: boolean;
  /**
   * Finds the data files of some partitions as they are now, and copies them first where they are not on this machine.
   *
   * @returns absolute paths, sorted; each has its partition's values in it
   * @throws StorageError if the warehouse cannot be read, gives something else than was listed, or the cache cannot be written
   */
  of(partitions: readonly PartitionParts[]): Promise<string[]>;
}

/** Whether the store's files can be read in place. */
function isFileStore(store: Store): store is FileStore {
  return 'folder' in store;
}

/**
 * Opens the data files of a warehouse. Touches nothing yet.
 *
 * @param cacheFolder where copies are kept from one time to the next; one folder for one warehouse
 */
export function openDataFiles(store: Store, cacheFolder: string, clock: Clock): DataFiles {
  const local = isFileStore(store) ? store : openFileStore(`file:${cacheFolder}`);
  return {
    folder: join(local.folder, dataPrefix),
    areCopies: local !== store,
    of: async (partitions) => {
      const sizes = await dataFilesOf(store, partitions);
      if (local !== store) {
        await copyMissing(sizes, partitions, { from: store, to: local, clock });
      }
      return [...sizes.keys()].sort().map((key) => join(local.folder, key));
    },
  };
}

/** Whether all of the files still exist. */
export async function areAllThere(paths: readonly string[]): Promise<boolean> {
  return await Promise.all(paths.map((path) => access(path))).then(
    () => true,
    () => false,
  );
}

interface Copying {
  readonly from: Store;
  readonly to: FileStore;
  readonly clock: Clock;
}

/** Copies what the cache does not have, and what it has in another size. */
async function copyMissing(
  sizes: ReadonlyMap<string, number>,
  partitions: readonly PartitionParts[],
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
  const bytes = await fetchWhole(key, sizeBytes, copying.from, copying.clock);
  await inCache(copying, async (cache) => {
    const wrongCopy = await cache.get(key);
    // Lost to another process, which has written the same.
    await (wrongCopy === null ? cache.putIfAbsent(key, bytes) : cache.putIfMatch(key, bytes, wrongCopy.etag));
  });
}

/** An error of the cache says what to do about the cache, not about the warehouse. */
async function inCache<T>({ to }: Copying, work: (cache: FileStore) => Promise<T>): Promise<T> {
  try {
    return await work(to);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new StorageError(`cannot keep copies of the data files: ${why}`, {
      remedy: `Make ${to.folder} a folder that can be written, or set the environment variable DQSYNC_CACHE to another one.`,
      cause,
    });
  }
}

async function fetchWhole(key: string, sizeBytes: number, from: Store, clock: Clock): Promise<Uint8Array> {
  for (let tries = 1; ; tries += 1) {
    const object = await from.get(key);
    if (object === null) {
      throw new StorageError(`${key} was listed in ${from.url} but is gone`, {
        remedy: 'Run the query again. If it happens again, find out who deletes files of the warehouse.',
      });
    }
    const flaw = flawOf(object.bytes, sizeBytes);
    if (flaw === null) {
      return object.bytes;
    }
    if (tries === maxTries) {
      throw new StorageError(`what came for ${from.url}/${key} is not the data file: ${flaw}`, {
        remedy:
          'Check that AWS_ENDPOINT_URL and every proxy on the way lead to S3 (a login page answers for it, too), and run again; nothing of this was kept. If the object itself is damaged, find out who touches the warehouse, and restore it.',
      });
    }
    await clock.sleep(firstPauseMs * 2 ** tries);
  }
}

/** Why these bytes are not the file that was listed; null if nothing says so. */
function flawOf(bytes: Uint8Array, sizeBytes: number): string | null {
  if (bytes.length !== sizeBytes) {
    return `it has ${bytes.length} bytes, and ${sizeBytes} were listed`;
  }
  const [head, tail] = [bytes.subarray(0, parquetMagic.length), bytes.subarray(-parquetMagic.length)];
  return parquetMagic.equals(head) && parquetMagic.equals(tail)
    ? null
    : 'it does not begin and end with "PAR1", as Parquet does';
}
