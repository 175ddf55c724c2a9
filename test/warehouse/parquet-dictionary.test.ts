import type { FileMetaData } from 'hyparquet';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../functions/model.ts';
import { maxDataPageRows } from '../../functions/warehouse/column-chunk.ts';
import { instanceTable, observationColumns } from '../../functions/warehouse/columns.ts';
import { packValues } from '../../functions/warehouse/packed-encoding.ts';
import { encodeParquet, maxRowGroupRows } from '../../functions/warehouse/parquet.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';
import { anObservation } from '../support/builders.ts';
import { duckdbOverFile, hyparquetFooter, hyparquetRows } from '../support/referee.ts';

type ColumnMetaData = NonNullable<FileMetaData['row_groups'][number]['columns'][number]['meta_data']>;

function encode(rows: readonly Observation[]): Uint8Array {
  return encodeParquet(observationColumns, tableBatch(instanceTable, rows));
}

function rowsOf<T>(values: readonly T[], parts: (value: T) => Partial<Observation>): Observation[] {
  return values.map((value, index) => anObservation({ id: BigInt(index), ...parts(value) }));
}

/** Returns the metadata of a column's chunks, one per row group. */
function chunksOf(bytes: Uint8Array, column: string): ColumnMetaData[] {
  return hyparquetFooter(bytes)
    .row_groups.flatMap((group) => group.columns.flatMap(({ meta_data }) => meta_data ?? []))
    .filter((metadata) => metadata.path_in_schema[0] === column);
}

interface PageInFile {
  readonly type: 'dictionary' | 'data';
  readonly encoding: number;
  readonly values: number;
  readonly sizeBytes: number;
  readonly uncompressedBytes: number;
}

/** Reads the page headers of a chunk, whose start and length its metadata gives. */
function pagesOf(bytes: Uint8Array, chunk: ColumnMetaData): PageInFile[] {
  const pages: PageInFile[] = [];
  const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = { view, offset: start };
  while (reader.offset < start + Number(chunk.total_compressed_size)) {
    const from = reader.offset;
    // Fields of PageHeader in parquet.thrift: 1 type, 2 and 3 sizes, 5 data page, 7 dictionary page.
    const header = deserializeTCompactProtocol(reader);
    const headerBytes = reader.offset - from;
    const { field_1: values, field_2: encoding } = header['field_5'] ?? header['field_7'];
    reader.offset += header['field_3'];
    pages.push({
      type: header['field_7'] === undefined ? 'data' : 'dictionary',
      encoding,
      values,
      sizeBytes: reader.offset - from,
      uncompressedBytes: headerBytes + header['field_2'],
    });
  }
  expect(reader.offset).toBe(start + Number(chunk.total_compressed_size));
  return pages;
}

/** Returns the values of a column, by DuckDB. */
async function listOf(bytes: Uint8Array, column: string): Promise<unknown> {
  // One list is converted to JavaScript in a fraction of the time of many rows.
  return (await duckdbOverFile(bytes, `SELECT list(${column}) AS listed FROM file`))[0]?.['listed'];
}

function repeated(count: number, distinct: number): string[] {
  return Array.from({ length: count }, (_, index) => `name ${(index * 7919) % distinct}`);
}

/** Values of a text column, and whether its chunk must have a dictionary. */
const texts: readonly {
  readonly what: string;
  readonly values: readonly (string | null)[];
  readonly dictionary: boolean;
}[] = [
  { what: 'one row', values: ['a'], dictionary: false },
  { what: 'one value twice', values: ['a', 'a'], dictionary: true },
  { what: 'one value in every row', values: Array(1000).fill('SUCCESS'), dictionary: true },
  {
    what: 'one value in every other row',
    values: Array.from({ length: 999 }, (_, i) => (i % 2 ? 'a' : null)),
    dictionary: true,
  },
  { what: 'nulls only', values: Array(1000).fill(null), dictionary: false },
  {
    what: 'one value among nulls',
    values: [...Array(500).fill(null), 'a', ...Array(500).fill(null)],
    dictionary: false,
  },
  { what: 'empty texts', values: Array(100).fill(''), dictionary: true },
  {
    what: 'empty texts and others',
    values: Array.from({ length: 100 }, (_, i) => ['', 'a', null, '\0'][i % 4] ?? null),
    dictionary: true,
  },
  { what: 'distinct values only', values: repeated(1000, 1000), dictionary: false },
  { what: 'exactly half of the values distinct', values: repeated(1000, 500), dictionary: true },
  { what: 'more than half of the values distinct', values: repeated(1000, 501), dictionary: false },
  ...[2, 3, 4, 5, 8, 9, 16, 17, 255, 256, 257, 1024, 10_000].map((distinct) => ({
    what: `${distinct} distinct values`,
    values: repeated(distinct > 1_000 ? 20_007 : 1_007, distinct),
    dictionary: true,
  })),
  {
    what: 'repetitions of any length',
    values: [7, 8, 9, 31, 32, 33, 39, 40, 41, 64, 1, 100].flatMap((length, run) => Array(length).fill(`run ${run}`)),
    dictionary: true,
  },
  {
    what: 'a page of nulls between others',
    values: Array.from({ length: 3 * maxDataPageRows }, (_, row) =>
      row >= maxDataPageRows && row < 2 * maxDataPageRows ? null : `${row % 300}`,
    ).slice(0, maxRowGroupRows),
    dictionary: true,
  },
  {
    what: 'a dictionary of more than 1 MiB',
    values: Array.from({ length: 60 }, (_, row) => `${row % 20} ${'x'.repeat(60_000)}`),
    dictionary: false,
  },
  {
    what: 'a dictionary of just under 1 MiB',
    values: Array.from({ length: 60 }, (_, row) => `${row % 20} ${'x'.repeat(52_000)}`),
    dictionary: true,
  },
];

describe('the dictionary of a text column', () => {
  it.each(texts)('preserves $what', async ({ values, dictionary }) => {
    const bytes = encode(rowsOf(values, (value) => ({ name: value, runStatus: value })));

    expect((await hyparquetRows(bytes, 'name')).map((row) => row['name'] ?? null)).toEqual(values);
    expect(await listOf(bytes, 'run_status')).toEqual(values);
    expect(chunksOf(bytes, 'name').map((chunk) => chunk.dictionary_page_offset !== undefined)).toEqual(
      chunksOf(bytes, 'name').map(() => dictionary),
    );
  });

  it('distinguishes texts with an index beyond 32,767 in the batch', async () => {
    const values = Array.from({ length: maxRowGroupRows + 20_000 }, (_, row) =>
      row < maxRowGroupRows ? `distinct ${row}` : `repeated ${row % 9_000}`,
    );
    const bytes = encode(rowsOf(values, (name) => ({ name, taskType: name })));

    expect((await hyparquetRows(bytes, 'name')).map((row) => row['name'])).toEqual(values);
    expect(await listOf(bytes, 'task_type')).toEqual(values);
    expect(chunksOf(bytes, 'name').map((chunk) => chunk.encodings)).toEqual([
      ['PLAIN', 'RLE'],
      ['PLAIN', 'RLE', 'RLE_DICTIONARY'],
    ]);
  });

  it('contains only texts of its own row group, as do the statistics', async () => {
    const values = Array.from({ length: 2 * maxRowGroupRows }, (_, row) => (row < maxRowGroupRows ? 'a' : 'b'));
    const bytes = encode(rowsOf(values, (runStatus) => ({ runStatus })));

    expect(
      await duckdbOverFile(
        bytes,
        `SELECT stats_min_value AS min, stats_max_value AS max FROM parquet_metadata(file)
         WHERE path_in_schema = 'run_status' ORDER BY row_group_id`,
      ),
    ).toEqual([
      { min: 'a', max: 'a' },
      { min: 'b', max: 'b' },
    ]);
    expect(chunksOf(bytes, 'run_status').map((chunk) => pagesOf(bytes, chunk)[0])).toMatchObject([
      { type: 'dictionary', values: 1 },
      { type: 'dictionary', values: 1 },
    ]);
  });

  it('encodes unpaired surrogates as U+FFFD', async () => {
    const values = Array.from({ length: 100 }, (_, row) => ['a\uD800', 'a\uD801', 'a\uFFFD', '\uDC00'][row % 4] ?? '');
    const bytes = encode(rowsOf(values, (name) => ({ name })));

    expect((await hyparquetRows(bytes, 'name')).map((row) => row['name'])).toEqual(
      values.map((text) => text.toWellFormed()),
    );
  });
});

describe('the dictionary of a number column', () => {
  const first = 2n ** 63n - 40_000n;

  it.each([
    { what: 'one number', distinct: 1, count: 1000, dictionary: true },
    { what: 'a third of the numbers distinct', distinct: 1000, count: 3000, dictionary: true },
    { what: 'more than a third of the numbers distinct', distinct: 1001, count: 3000, dictionary: false },
    { what: '14,000 distinct numbers', distinct: 14_000, count: 43_000, dictionary: true },
    { what: 'distinct numbers only', distinct: 40_000, count: 40_000, dictionary: false },
  ])('preserves $what', async ({ distinct, count, dictionary }) => {
    const values = Array.from({ length: count }, (_, row) => first + BigInt((row * 7919) % distinct)).flatMap(
      (value, row) => (row % 7 === 3 ? [null, value] : [value]),
    );
    const bytes = encode(rowsOf(values, (taskId) => ({ taskId })));

    expect((await hyparquetRows(bytes, 'task_id')).map((row) => row['task_id'] ?? null)).toEqual(values);
    expect(await listOf(bytes, 'task_id')).toEqual(values.map((value) => (value === null ? null : String(value))));
    expect(chunksOf(bytes, 'task_id')[0]?.dictionary_page_offset !== undefined).toBe(dictionary);
  });

  it('is omitted if every number is null', async () => {
    const bytes = encode(rowsOf(Array(1000).fill(null), () => ({ taskId: null })));

    expect((await hyparquetRows(bytes, 'task_id')).map((row) => row['task_id'] ?? null)).toEqual(
      Array(1000).fill(null),
    );
    expect(await duckdbOverFile(bytes, 'SELECT DISTINCT task_id FROM file')).toEqual([{ task_id: null }]);
    expect(chunksOf(bytes, 'task_id')[0]).not.toHaveProperty('dictionary_page_offset', expect.anything());
  });

  it('is omitted for columns whose numbers are expected to differ', async () => {
    const bytes = encode(rowsOf(Array(1000).fill(null), () => ({ endTimeMs: 0, startTimeMs: 0, observedAtMs: 0 })));

    expect(chunksOf(bytes, 'end_time')[0]).not.toHaveProperty('dictionary_page_offset', expect.anything());
    expect(chunksOf(bytes, 'start_time')[0]).not.toHaveProperty('dictionary_page_offset', expect.anything());
    expect(chunksOf(bytes, 'observed_at')[0]).toHaveProperty('dictionary_page_offset', expect.anything());
  });
});

it.each([
  { what: 'nothing', values: [], bitWidth: 3, bytes: [1] },
  { what: 'values padded with zeros', values: [1, 2, 3], bitWidth: 4, bytes: [3, 0x21, 0x03, 0, 0] },
  {
    what: "the example of the format's specification",
    values: [0, 1, 2, 3, 4, 5, 6, 7],
    bitWidth: 3,
    bytes: [3, 0b10001000, 0b11000110, 0b11111010],
  },
  { what: 'more than 63 groups', values: Array(512).fill(1), bitWidth: 1, bytes: [0x81, 1, ...Array(64).fill(0xff)] },
])('the packed encoding writes $what', ({ values, bitWidth, bytes }) => {
  expect([...packValues(Int32Array.from(values), bitWidth)]).toEqual(bytes);
});

it('column metadata has the offsets, sizes and encodings of the pages', async () => {
  const values = repeated(maxRowGroupRows + 30_000, 40);
  const bytes = encode(rowsOf(values, (name) => ({ name, extra: null })));

  let expectedStart = 4;
  for (const { columns, num_rows, total_byte_size } of hyparquetFooter(bytes).row_groups) {
    const chunks = columns.map((column) => column.meta_data!);
    for (const chunk of chunks) {
      const pages = pagesOf(bytes, chunk);
      const dictionaryBytes = sum(pages.filter(({ type }) => type === 'dictionary').map(({ sizeBytes }) => sizeBytes));

      expect(dictionaryBytes > 0).toBe(chunk.dictionary_page_offset !== undefined);
      expect(Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)).toBe(expectedStart);
      expect(Number(chunk.data_page_offset)).toBe(expectedStart + dictionaryBytes);
      expect(chunk.total_uncompressed_size).toBe(BigInt(sum(pages.map((page) => page.uncompressedBytes))));
      expect({ ...encodingsOf(pages), rows: rowsIn(pages) }).toEqual({
        encodings: chunk.encodings,
        encoding_stats: chunk.encoding_stats,
        rows: Number(num_rows),
      });
      expectedStart += Number(chunk.total_compressed_size);
    }
    expect(Number(total_byte_size)).toBe(sum(chunks.map((chunk) => Number(chunk.total_uncompressed_size))));
  }
});

/** Returns the expected encodings in the metadata of such pages. */
function encodingsOf(pages: readonly PageInFile[]): Pick<ColumnMetaData, 'encodings' | 'encoding_stats'> {
  const [plain, rleDictionary] = [0, 8];
  const dataPages = pages.slice(pages[0]?.type === 'dictionary' ? 1 : 0);
  expect(dataPages.map((page) => page.type)).toEqual(dataPages.map(() => 'data'));
  if (dataPages.length === pages.length) {
    expect(dataPages.map((page) => page.encoding)).toEqual(dataPages.map(() => plain));
    return { encodings: ['PLAIN', 'RLE'] };
  }
  expect(pages.map((page) => page.encoding)).toEqual([plain, ...dataPages.map(() => rleDictionary)]);
  return {
    encodings: ['PLAIN', 'RLE', 'RLE_DICTIONARY'],
    encoding_stats: [
      { page_type: 'DICTIONARY_PAGE', encoding: 'PLAIN', count: 1 },
      { page_type: 'DATA_PAGE', encoding: 'RLE_DICTIONARY', count: dataPages.length },
    ],
  };
}

function rowsIn(pages: readonly PageInFile[]): number {
  return sum(pages.filter(({ type }) => type === 'data').map(({ values }) => values));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
