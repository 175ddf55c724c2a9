/**
 * The data files of a warehouse as files of this machine: in place if it is a folder, else copied once into a cache.
 *
 * Data files are immutable (PROTOCOL.md, I1), so that a copy never grows stale. The cache is itself a warehouse in a
 * folder: a copy is there whole or not at all, also when several processes make it. What is kept for ever must be the file:
 * a reply of status 200 may also be that of a proxy or a login page, so it is held against the listing first.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, systemClock } from '../clock.ts';
import { StorageError } from '../errors.ts';
import { type FileStore, openFileStore } from '../warehouse/file-store.ts';
import { dataPrefix, parseDataKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';

/** Copies at a time: enough to hide the latency of S3. */
const maxCopiesAtOnce = 8;

/** How often a file is asked for that comes as something else; the store has tries of its own for what fails. */
const maxTries = 3;
const firstPauseMs = 100;

/** What a Parquet file begins and ends with. */
const parquetMagic = Buffer.from('PAR1');

/** Files of the table on this machine. */
export interface LocalDataFiles {
  /** The folder that holds them, absolute. */
  readonly folder: string;
  /** Absolute paths, sorted. Each has its partition's values in its path. */
  readonly paths: readonly string[];
  /** Whether they are copies of those in the warehouse. */
  readonly areCopies: boolean;
}

/** Whether the store's files can be read in place. */
function isFileStore(store: Store): store is FileStore {
  return 'folder' in store;
}

/** Returns the folder that keeps the copies of a warehouse from one query to the next. */
export function cacheFolderOf(warehouseUrl: string): string {
  const name = warehouseUrl.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 80);
  return join('.dqsync', 'cache', `${name}-${createHash('sha256').update(warehouseUrl).digest('hex').slice(0, 8)}`);
}

/**
 * Finds the data files, copying them first where they are not on this machine.
 *
 * @param cacheFolder where copies are kept from one time to the next; one folder for one warehouse
 * @throws StorageError if the warehouse cannot be read, gives something else than was listed, or the cache cannot be written
 */
export async function localDataFiles(
  store: Store,
  cacheFolder: string,
  clock: Clock = systemClock,
): Promise<LocalDataFiles> {
  const local = isFileStore(store) ? store : openFileStore(`file:${cacheFolder}`);
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of store.list(dataPrefix)) {
    if (parseDataKey(key) !== null) {
      sizes.set(key, sizeBytes);
    }
  }
  if (local !== store) {
    await copyMissing(sizes, { from: store, to: local, clock });
  }
  return {
    folder: join(local.folder, dataPrefix),
    paths: [...sizes.keys()].sort().map((key) => join(local.folder, key)),
    areCopies: local !== store,
  };
}

interface Copying {
  readonly from: Store;
  readonly to: FileStore;
  readonly clock: Clock;
}

/** Copies what the cache does not have, and what it has in another size. */
async function copyMissing(sizes: ReadonlyMap<string, number>, copying: Copying): Promise<void> {
  const missing = new Map(sizes);
  for await (const { key, sizeBytes } of copying.to.list(dataPrefix)) {
    if (missing.get(key) === sizeBytes) {
      missing.delete(key);
    }
  }
  // Workers share the generator: each takes the next file when it is done with one, and the first that fails ends it for all.
  const files = (function* () {
    yield* missing;
  })();
  const copyNext = async (): Promise<void> => {
    for (const [key, sizeBytes] of files) {
      await copy(key, sizeBytes, copying);
    }
  };
  const workers = Array.from({ length: Math.min(maxCopiesAtOnce, missing.size) }, copyNext);
  await Promise.allSettled(workers);
  await Promise.all(workers);
}

async function copy(key: string, sizeBytes: number, { from, to, clock }: Copying): Promise<void> {
  const bytes = await fetchWhole(key, sizeBytes, from, clock);
  const wrongCopy = await to.get(key);
  // Lost to another process, which has written the same.
  await (wrongCopy === null ? to.putIfAbsent(key, bytes) : to.putIfMatch(key, bytes, wrongCopy.etag));
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
