/** Writes rows as data files, which are never overwritten (PROTOCOL.md, I1). */
import { dataKey } from './layout.ts';
import { encodeParquet } from './parquet.ts';
import { type Partition, partitionRows } from './partitions.ts';
import type { Table } from './table.ts';
import { tableBatch } from './table-batch.ts';
import { type RunWithFiles, writeOwnFile } from './write-retries.ts';

export interface RunWithData extends RunWithFiles {
  readonly settings: { readonly partitionTimeZone: string };
}

export interface WrittenFiles {
  readonly files: number;
  readonly bytes: number;
}

/** Files written in parallel: hides the store's latency, but limits the number of encoded files in memory. */
const writesAtOnce = 4;

/**
 * Writes rows of a table as one new file per workspace and day.
 *
 * @param firstPart number of the first file; parts of one run must be unique within a table
 * @throws StorageError
 */
export async function writeRows<Row extends { readonly workspace: string }>(
  run: RunWithData,
  table: Table<Row>,
  rows: readonly Row[],
  firstPart: number,
): Promise<WrittenFiles> {
  const partitions = partitionRows(table, rows, run.settings.partitionTimeZone);
  let bytes = 0;
  for (let start = 0; start < partitions.length; start += writesAtOnce) {
    const sizes = await Promise.all(
      partitions
        .slice(start, start + writesAtOnce)
        .map((partition, index) => writePartition(run, table, partition, firstPart + start + index)),
    );
    bytes += sizes.reduce((sum, size) => sum + size, 0);
  }
  return { files: partitions.length, bytes };
}

async function writePartition<Row extends { readonly workspace: string }>(
  run: RunWithData,
  table: Table<Row>,
  partition: Partition<Row>,
  part: number,
): Promise<number> {
  const { workspace, dt } = partition;
  const key = dataKey({ workspace, dt, runId: run.runId, part }, table.name);
  const bytes = encodeParquet(table.columns, tableBatch(table, partition.rows));
  await writeOwnFile(run, key, 'another object already has this name', () => run.store.putIfAbsent(key, bytes));
  return bytes.length;
}
