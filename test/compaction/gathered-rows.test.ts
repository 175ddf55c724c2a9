import { describe, expect, it } from 'vitest';
import { DataFile } from '../../functions/compaction/data-file.ts';
import { GatheredRows } from '../../functions/compaction/gathered-rows.ts';
import { ParquetBuilder } from '../../functions/warehouse/parquet.ts';
import type { Table } from '../../functions/warehouse/table.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';
import { hyparquetRows } from '../support/referee.ts';

interface Row {
  readonly workspace: string;
  readonly n: bigint;
  readonly flag: boolean | null;
  readonly text: string | null;
  readonly atMs: number | null;
}

const facts = { nullable: true, description: '' };

/** A table that has nothing in common with observations. */
const table: Table<Row> = {
  name: 'others',
  description: '',
  columns: [
    { ...facts, name: 'flag', kind: 'boolean', read: ({ flag }) => flag },
    { ...facts, name: 'text', kind: 'text', read: ({ text }) => text },
    { ...facts, name: 'at', kind: 'timestamp-ms-utc', read: ({ atMs }) => atMs },
    { ...facts, name: 'n', kind: 'int64', nullable: false, read: ({ n }) => n },
  ],
  partitionDescriptions: { workspace: '', dt: '' },
  partitionTimeMs: () => 0,
  compare: () => 0,
};

/** Values of every kind, more of them than a block of memory or a page holds. */
const rows: readonly Row[] = Array.from({ length: 70_000 }, (_, index) => ({
  workspace: 'w',
  n: BigInt(index % 50_000),
  flag: [null, false, true][index % 3] ?? null,
  text: index % 5 === 0 ? null : `text ${index % 7}`,
  atMs: index % 4 === 0 && index < 50_000 ? null : index,
}));

/** Rows of three keys (`flag`, `n`); `atMs`, then `text` says which of a key is the latest. */
const early: Row = { workspace: 'w', flag: false, n: 7n, atMs: 1, text: 'b' };
const values = {
  early,
  late: { ...early, atMs: 2, text: 'a' },
  tie: { ...early, atMs: 2, text: 'c' },
  other: { ...early, n: 8n },
  noKey: { ...early, flag: null, atMs: 3 },
} as const;

async function fileOf(some: readonly Row[]): Promise<DataFile> {
  const file = new ParquetBuilder(table.columns);
  file.add(tableBatch(table, some));
  return await DataFile.open('file', file.finish());
}

describe('gathered rows', () => {
  it('are returned unchanged, in the order of any table, without repeats', async () => {
    const gathered = new GatheredRows({ ...table, sortedBy: ['n', 'at'] });
    // Of an earlier file, which leaves nothing: its nulls and values are elsewhere.
    await gathered.add(await fileOf(rows.slice(1, 30_000)));
    gathered.clear();
    for (const [from, to] of [
      [60_000, 70_000],
      [0, 60_000],
      [100, 200],
    ] as const) {
      await gathered.add(await fileOf(rows.slice(from, to)));
    }
    const { rows: order, latestRows } = gathered.inOrder();
    const file = new ParquetBuilder(table.columns);
    file.add(gathered.batchOf(order));
    const bytes = file.finish();

    const expected = [...rows].sort((a, b) => Number(a.n - b.n) || (a.atMs ?? -1) - (b.atMs ?? -1));
    const read = await hyparquetRows(bytes);
    expect(read).toHaveLength(rows.length);
    expect(read.map(({ n, flag, text, at }) => [n, flag ?? null, text ?? null, at?.valueOf() ?? null].join())).toEqual(
      expected.map(({ n, flag, text, atMs }) => [n, flag, text, atMs].join()),
    );
    expect(latestRows).toBe(0);
    expect(await gathered.areIn(await DataFile.open('file', bytes), order)).toBe(true);
    expect(await gathered.areIn(await DataFile.open('file', bytes), order.subarray(1))).toBe(false);
    expect(await gathered.areIn(await DataFile.open('file', bytes), order.toReversed())).toBe(false);
  });

  it.each<[string, readonly (keyof typeof values)[], readonly (keyof typeof values)[]]>([
    ['one row', ['early'], ['early']],
    ['two of an execution', ['late', 'early'], ['late', 'early']],
    ['the same twice', ['early', 'early'], ['early']],
    ['equal times, and texts whose order is not that of their appearance', ['tie', 'late'], ['tie', 'late']],
    ['a null in the key', ['noKey', 'late', 'early'], ['noKey', 'late', 'early']],
    ['all together', ['late', 'other', 'tie', 'early', 'noKey'], ['noKey', 'tie', 'other', 'early', 'late']],
  ])('begin with the latest row of each key, then have the others: %s', async (_, given, expected) => {
    const gathered = new GatheredRows({ ...table, sortedBy: ['flag', 'n', 'at', 'text'], keyColumns: 2 });
    for (const name of given) {
      await gathered.add(await fileOf([values[name]]));
    }

    const { rows: order, latestRows } = gathered.inOrder();

    const file = new ParquetBuilder(table.columns);
    file.add(gathered.batchOf(order));
    const read = await hyparquetRows(file.finish());
    expect(read.map(({ flag, n, at, text }) => [flag ?? null, n, at?.valueOf(), text].join())).toEqual(
      expected.map((name) => values[name]).map(({ flag, n, atMs, text }) => [flag, n, atMs, text].join()),
    );
    expect(latestRows).toBe(new Set(given.map((name) => `${values[name].flag} ${values[name].n}`)).size);
  });

  it('are sorted by numbers of any size, nulls first', async () => {
    const numbers = [-(2n ** 63n), -(2n ** 32n) - 1n, -(2n ** 32n), -1n, 0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 63n - 1n];
    const gathered = new GatheredRows({ ...table, sortedBy: ['at', 'n'] });
    await gathered.add(await fileOf(numbers.toReversed().map((n) => ({ ...early, n }))));
    await gathered.add(await fileOf([{ ...early, n: 5n, atMs: null }]));

    const { rows: order } = gathered.inOrder();

    const file = new ParquetBuilder(table.columns);
    file.add(gathered.batchOf(order));
    expect((await hyparquetRows(file.finish())).map(({ n }) => n)).toEqual([5n, ...numbers]);
  });
});
