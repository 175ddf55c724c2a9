/** What a warehouse holds: its partitions by their folders, and the data files of some of them. */
import {
  dataPrefix,
  type PartitionParts,
  parseDataKey,
  parsePartitionPrefix,
  partitionPrefix,
} from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';

/** Requests to the store at a time: enough to hide the latency of S3. */
const maxAtOnce = 8;

/**
 * Up to so many partitions are listed one by one. A listing of everything has a request per 1,000 files: 26 for three years of
 * hourly files, in sequence.
 */
const maxListedSingly = 100;

/** Returns all partitions of the table. Costs a listing of folders for each workspace, whatever the number of files. */
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

/** Returns the sizes of the data files of some partitions, in bytes, by key. */
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

/** Does some work for each item, several at a time. The first failure ends it, when what was under way has ended. */
export async function eachOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  // Workers share the generator: each takes the next item when it is done with one, and the first that fails ends it for all.
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
