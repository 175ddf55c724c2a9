/** Compacts one day: reads the files that runs wrote, writes one file of the same rows, and sets the others aside. */
import type { Clock } from '../clock.ts';
import { InternalError, StorageError } from '../errors.ts';
import { compactedKey, type TablePartition } from '../warehouse/layout.ts';
import { maxRowGroupRows, ParquetBuilder } from '../warehouse/parquet.ts';
import type { Store } from '../warehouse/store.ts';
import { DataFile, replacesKey } from './data-file.ts';
import type { DayFiles, ListedFile } from './day-files.ts';
import type { GatheredRows } from './gathered-rows.ts';
import type { CompactedTable } from './tables.ts';

export interface CompactedDay extends TablePartition {
  /** Files before and after, without those already set aside. */
  readonly filesBefore: number;
  readonly filesAfter: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Rows of the new files. */
  readonly rows: number;
}

export interface DayCompaction {
  readonly store: Store;
  readonly clock: Clock;
  readonly table: CompactedTable;
  /** The rows gathered for the next file of this table. Cleared after each file. */
  readonly rows: GatheredRows;
  /** Throws when the work is to stop; asked before each file. */
  readonly checkTime: () => void;
  readonly isDryRun: boolean;
  readonly limits?: CompactionLimits | undefined;
}

/** When a day is compacted, and into how many files. */
export interface CompactionLimits {
  /** A day with more files of runs is compacted. */
  readonly filesOfDay: number;
  /** Memory for the rows of one new file. Further files go into the next one. */
  readonly memoryBytes: number;
  /** Total size of the files that one new file replaces. */
  readonly inputBytes: number;
}

/**
 * Memory: about 570,000 observations. A day of a million takes a process of 203 to 241 MB, with V8's semi-spaces at
 * 8 MB as the CLI and the Lambda set them. Half of this limit took as much. Files: a size that query engines read well.
 */
const defaultLimits: CompactionLimits = {
  filesOfDay: 8,
  memoryBytes: 40 * 1024 * 1024,
  inputBytes: 100 * 1024 * 1024,
};

/**
 * A folder that changes while it is listed may show neither the new file nor those that are moved aside after it. So a
 * listing that began before the new file was there gets this time to end.
 */
const listingMs = 100;

/** Files read in parallel, to hide the latency of S3. */
const readsAtOnce = 4;

/**
 * Compacts a day if it has more files of runs than are worth keeping. Sets nothing aside before a file with all of its
 * rows is in the store. An interrupted compaction continues the next time. A dry run changes nothing, and has no figures
 * of the new files.
 *
 * @returns null if there is nothing to do
 * @throws StorageError if a file cannot be read or written
 */
export async function compactDay(work: DayCompaction, day: DayFiles): Promise<CompactedDay | null> {
  const { store, clock, isDryRun, limits = defaultLimits } = work;
  const replaced = await replacedBy(work, day);
  const left = day.written.filter(({ name }) => !replaced.has(name));
  if (!isDryRun) {
    // An earlier compaction has replaced them, and was interrupted.
    await setAside(
      store,
      day.written.filter(({ name }) => replaced.has(name)),
    );
  }
  if (left.length <= limits.filesOfDay) {
    return null;
  }
  const { table, workspace, dt, compacted } = day;
  const before = { table, workspace, dt, filesBefore: compacted.length + left.length, bytesBefore: bytesOf(left) };
  if (isDryRun) {
    return { ...before, filesAfter: compacted.length + 1, bytesAfter: 0, rows: 0 };
  }
  const after = { filesAfter: before.filesBefore, bytesAfter: 0, rows: 0 };
  for (let start = 0; start < left.length; ) {
    const batch = await gather(work, left.slice(start));
    start += batch.length;
    if (batch.length > 1) {
      const written = await writeBatch(work, day.prefix, batch);
      after.filesAfter += 1 - batch.length;
      after.bytesAfter += written.bytes;
      after.rows += written.rows;
      await clock.sleep(listingMs);
      await setAside(store, batch);
    }
  }
  return { ...before, ...after };
}

function bytesOf(files: readonly ListedFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Names of the files that the compacted files of a day replace. */
async function replacedBy({ store, checkTime }: DayCompaction, day: DayFiles): Promise<Set<string>> {
  const names = new Set<string>();
  // Without files of runs beside it, there is nothing left to record.
  for (const { key } of day.written.length === 0 ? [] : day.compacted) {
    checkTime();
    const object = await store.get(key);
    if (object !== null) {
      for (const name of (await DataFile.open(key, object.bytes)).replaces) {
        names.add(name);
      }
    }
  }
  return names;
}

/** Gathers the rows of the first files of a day, as many as one new file may hold. Returns these files. */
async function gather(
  { store, table, rows, checkTime, limits = defaultLimits }: DayCompaction,
  files: readonly ListedFile[],
): Promise<readonly ListedFile[]> {
  rows.clear();
  let bytes = 0;
  let count = 0;
  while (count < files.length && rows.memoryBytes < limits.memoryBytes && bytes < limits.inputBytes) {
    checkTime();
    const next = files.slice(count, count + readsAtOnce);
    const contents = await Promise.all(next.map(({ key }) => readWhole(store, key)));
    for (const [index, { key }] of next.entries()) {
      const file = await DataFile.open(key, contents[index] ?? new Uint8Array());
      file.requireColumnsOf(table.columns);
      await rows.add(file);
    }
    bytes += bytesOf(next);
    count += next.length;
  }
  return files.slice(0, count);
}

async function readWhole(store: Store, key: string): Promise<Uint8Array> {
  const object = await store.get(key);
  if (object === null) {
    throw new StorageError(`${key} was listed in ${store.url} but is gone`, {
      remedy: 'Another compaction may have replaced it. Nothing was lost; the next compaction tries again.',
    });
  }
  return object.bytes;
}

async function writeBatch(
  { store, table, rows }: DayCompaction,
  prefix: string,
  files: readonly ListedFile[],
): Promise<{ readonly bytes: number; readonly rows: number }> {
  const names = files.map(({ name }) => name);
  const { rows: order, latestRows } = rows.inOrder();
  const key = compactedKey(prefix, names, latestRows);
  const file = new ParquetBuilder(table.columns);
  for (let start = 0; start < order.length; start += maxRowGroupRows) {
    file.add(rows.batchOf(order.subarray(start, start + maxRowGroupRows)));
  }
  const bytes = file.finish({ [replacesKey]: JSON.stringify(names) });
  if (!(await rows.areIn(await DataFile.open(key, bytes), order))) {
    throw new InternalError(`the compacted file ${key} does not contain the rows of the files that it would replace`, {
      remedy: 'This is a defect of dqsync; please report it. Nothing was changed: the files of the day are kept.',
    });
  }
  const outcome = await store.putIfAbsent(key, bytes);
  if (outcome.kind === 'unknown') {
    throw new StorageError(`it is unknown whether ${key} was written`, {
      remedy: 'Nothing was lost; the next compaction checks it.',
      cause: outcome.cause,
    });
  }
  // Lost: another compaction has made the same file of the same rows, perhaps with another version of zlib.
  return { bytes: bytes.length, rows: order.length };
}

async function setAside(store: Store, files: readonly ListedFile[]): Promise<void> {
  for (const { key } of files) {
    await store.setAside(key);
  }
}
