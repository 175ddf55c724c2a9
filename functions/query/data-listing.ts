/** Lists the content of a warehouse: its partitions, and the data files of some of them. */
import {
  dataPrefix,
  type PartitionParts,
  parseDataKey,
  parsePartitionPrefix,
  partitionPrefix,
} from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';

/** Requests to the store in parallel: enough to hide the latency of S3. */
const maxAtOnce = 8;

/**
 * Up to this many partitions are listed one by one. Listing everything takes one request per 1,000 files, in sequence:
 * 26 for three years of hourly files.
 */
const maxListedSingly = 100;

/**
 * Returns all partitions of the table. Lists the folders of each workspace, so its cost does not depend on the number
 * of files.
 */
export async function allPartitions(store: Store): Promise<PartitionParts[]> {
  const partitions: PartitionParts[] = [];
  for await (const workspacePrefix of store.folders(dataPrefix)) {
    for await (const prefix of store.folders(workspacePrefix)) {
      const partition = parsePartitionPrefix(prefix);
      if (partition !== null) {
        partitions.push(partition);
      }
    }
  }
  return partitions;
}

/** Returns the data files of some partitions: their sizes in bytes by key. */
export async function dataFilesOf(store: Store, partitions: readonly PartitionParts[]): Promise<Map<string, number>> {
  const prefixes = new Set(partitions.map(partitionPrefix));
  const sizes = new Map<string, number>();
  await eachOf(prefixes.size > maxListedSingly ? [dataPrefix] : prefixes, async (prefix) => {
    for await (const { key, sizeBytes } of store.list(prefix)) {
      if (parseDataKey(key) !== null && prefixes.has(key.slice(0, key.lastIndexOf('/') + 1))) {
        sizes.set(key, sizeBytes);
      }
    }
  });
  return sizes;
}

/** Returns all data files of another table: their sizes in bytes by key. */
export async function tableFilesOf(store: Store, table: string): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of store.list(`${table}/`)) {
    if (parseDataKey(key, table) !== null) {
      sizes.set(key, sizeBytes);
    }
  }
  return sizes;
}

/** Runs work for each item, several in parallel. After a failure, waits for the work in progress, then throws. */
export async function eachOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  // The workers share the generator. Each takes its next item from it, and the first failure ends it for all.
  const shared = (function* () {
    yield* items;
  })();
  const workNext = async (): Promise<void> => {
    for (const item of shared) {
      await work(item);
    }
  };
  const workers = Array.from({ length: maxAtOnce }, workNext);
  await Promise.allSettled(workers);
  await Promise.all(workers);
}
