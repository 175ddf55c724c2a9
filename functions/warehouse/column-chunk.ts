/** Encodes a column of a row group: pages, statistics and metadata. */
import './parquetjs-globals.ts';
import type { Data } from 'apache-arrow/data';
import { ColumnMetaData, PageEncodingStats, Statistics } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { InternalError } from '../errors.ts';
import { isBooleanData, isNumberData, isTextData } from './arrow-columns.ts';
import { BooleanValues, type ColumnValues, definedRows } from './column-values.ts';
import { NumberValues } from './number-values.ts';
import {
  type EncodedPage,
  encodeDataPage,
  encodeDictionaryPage,
  encodings,
  type PageRows,
  pageTypes,
} from './parquet-page.ts';
import type { ColumnKind, StoredColumn } from './table.ts';
import { TextValues } from './text-values.ts';

/** Rows per page, as parquet-mr limits them. */
export const maxDataPageRows = 20_000;

/** Numbers of the Parquet format (parquet.thrift: Type). */
const physicalTypes: Readonly<Record<ColumnKind, number>> = { boolean: 0, int64: 2, 'timestamp-ms-utc': 2, text: 6 };
/** Number of the Parquet format (parquet.thrift: CompressionCodec). */
const gzipCodec = 2;

export interface EncodedChunk {
  readonly column: StoredColumn;
  readonly rowCount: number;
  /** Null if the values repeat too rarely. */
  readonly dictionaryPage: EncodedPage | null;
  readonly dataPages: readonly EncodedPage[];
  /** Null for free text. */
  readonly statistics: Statistics | null;
}

/**
 * Encodes a column of a row group.
 *
 * @throws InternalError for an Arrow type that the table does not use
 */
export function encodeColumnChunk(column: StoredColumn, data: Data): EncodedChunk {
  const defined = definedRows(data);
  const values = columnValues(column, data, defined);
  const { dictionary } = values;
  return {
    column,
    rowCount: data.length,
    dictionaryPage: dictionary === null ? null : encodeDictionaryPage(dictionary),
    dataPages: pagesOf(column, data, defined).map((rows) => encodeDataPage(values, rows)),
    statistics: columnStatistics(column, values, data.nullCount),
  };
}

function columnValues(column: StoredColumn, data: Data, defined: Uint8Array | null): ColumnValues {
  if (isNumberData(data)) {
    return new NumberValues(data, defined, column.repeats === true);
  }
  if (isTextData(data)) {
    return new TextValues(data, defined);
  }
  if (isBooleanData(data)) {
    return new BooleanValues(data, defined);
  }
  throw new InternalError(`an Arrow column of type ${data.type} cannot be written`);
}

/** Longer text has no statistics, which would cost more in the footer than they save. */
const maxTextBytes = 64;

/**
 * Returns the exact statistics of a column chunk; null for free text. `min` and `max` are older names of the same
 * values, which readers trust only for numbers.
 *
 * Numbers are compared as signed 64-bit integers, text as unsigned bytes of its UTF-8, as the Parquet format requires.
 * parquetjs-lite would compare UTF-16 units, whose order differs beyond the BMP: Trino (Athena) then fails with
 * "Corrupted statistics" or skips row groups that match.
 */
function columnStatistics(column: StoredColumn, values: ColumnValues, nullCount: number): Statistics | null {
  if (column.freeText === true) {
    return null;
  }
  const range = values.range();
  if (range === null || Math.max(range.min.length, range.max.length) > maxTextBytes) {
    return new Statistics({ null_count: nullCount });
  }
  const { min, max } = range;
  return new Statistics({
    null_count: nullCount,
    min_value: min,
    max_value: max,
    ...(column.kind === 'text' ? {} : { min, max }),
  });
}

function pagesOf(column: StoredColumn, data: Data, defined: Uint8Array | null): PageRows[] {
  const levels = column.nullable ? (defined ?? new Uint8Array(data.length).fill(1)) : null;
  const pages: PageRows[] = [];
  let fromValue = 0;
  for (let from = 0; from < data.length; from += maxDataPageRows) {
    const to = Math.min(from + maxDataPageRows, data.length);
    const toValue = fromValue + (defined === null ? to - from : countDefined(defined, from, to));
    pages.push({ rowCount: to - from, defined: levels?.subarray(from, to) ?? null, fromValue, toValue });
    fromValue = toValue;
  }
  return pages;
}

function countDefined(defined: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let row = from; row < to; row += 1) {
    count += defined[row] ?? 0;
  }
  return count;
}

/**
 * Returns the metadata of a chunk for the footer.
 *
 * @param offsetBytes where the chunk's first page starts in the file
 */
export function columnMetadata(chunk: EncodedChunk, offsetBytes: number): ColumnMetaData {
  const { column, dictionaryPage, dataPages } = chunk;
  const dictionarySizeBytes = dictionaryPage === null ? 0 : fileSizeBytes(dictionaryPage);
  const pages = dictionaryPage === null ? dataPages : [dictionaryPage, ...dataPages];
  return new ColumnMetaData({
    type: physicalTypes[column.kind],
    path_in_schema: [column.name],
    codec: gzipCodec,
    num_values: chunk.rowCount,
    total_compressed_size: sum(pages.map(fileSizeBytes)),
    total_uncompressed_size: sum(pages.map((page) => page.header.length + page.bodySizeBytes)),
    data_page_offset: offsetBytes + dictionarySizeBytes,
    ...(chunk.statistics === null ? {} : { statistics: chunk.statistics }),
    ...(dictionaryPage === null
      ? { encodings: [encodings.plain, encodings.rle] }
      : {
          encodings: [encodings.plain, encodings.rle, encodings.rleDictionary],
          dictionary_page_offset: offsetBytes,
          encoding_stats: dictionaryEncodingStats(dataPages.length),
        }),
  });
}

/**
 * States that all data pages hold codes. Only then do parquet-mr and Trino (Athena) skip chunks by their dictionary.
 */
function dictionaryEncodingStats(dataPageCount: number): PageEncodingStats[] {
  return [
    new PageEncodingStats({ page_type: pageTypes.dictionary, encoding: encodings.plain, count: 1 }),
    new PageEncodingStats({ page_type: pageTypes.data, encoding: encodings.rleDictionary, count: dataPageCount }),
  ];
}

function fileSizeBytes({ header, body }: EncodedPage): number {
  return header.length + body.length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
