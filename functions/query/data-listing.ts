/** Lists the content of a warehouse: its partitions, and the data files of some of them. */
import {
  dataPrefixes,
  parseDataKey,
  parsePartitionPrefix,
  partitionPrefix,
  type TablePartition,
} from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';

/** Requests to the store in parallel: enough to hide the latency of S3. */
const maxAtOnce = 8;

/**
 * Up to this many days of a month are listed one by one. More are listed as the month: one request per 1,000 files, and
 * a month of hourly files has 744. Other workspaces, tables and months are never listed for them.
 */
const maxListedSingly = 8;

/**
 * Returns all partitions of all tables. Lists the folders of each workspace, so its cost does not depend on the number
 * of files.
 */
export async function allPartitions(store: Store): Promise<TablePartition[]> {
  const partitions: TablePartition[] = [];
  await eachOf(dataPrefixes, async (tablePrefix) => {
    for await (const workspacePrefix of store.folders(tablePrefix)) {
      for await (const prefix of store.folders(workspacePrefix)) {
        const partition = parsePartitionPrefix(prefix);
        if (partition !== null) {
          partitions.push(partition);
        }
      }
    }
  });
  return partitions;
}

/** Returns the data files of some partitions: their sizes in bytes by key. */
export async function dataFilesOf(store: Store, partitions: readonly TablePartition[]): Promise<Map<string, number>> {
  const prefixes = new Set(partitions.map(partitionPrefix));
  const sizes = new Map<string, number>();
  await eachOf(listingsOf(prefixes), async (listing) => {
    for await (const { key, sizeBytes } of store.list(listing)) {
      const file = parseDataKey(key);
      if (file !== null && prefixes.has(file.prefix)) {
        sizes.set(key, sizeBytes);
      }
    }
  });
  return sizes;
}

/** Returns the prefixes to list for those of some partitions. */
function listingsOf(prefixes: ReadonlySet<string>): string[] {
  const ofMonth = Map.groupBy(prefixes, (prefix) => prefix.slice(0, -dayAndSlash.length));
  return [...ofMonth].flatMap(([month, days]) => (days.length > maxListedSingly ? [month] : days));
}

/** The end of a partition's prefix, after its month. */
const dayAndSlash = 'DD/';

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
