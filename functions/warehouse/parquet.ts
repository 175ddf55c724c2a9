/**
 * Writes Arrow columns as one Parquet file with parquetjs-lite's schema, footer and Thrift code.
 *
 * Parts of parquetjs-lite that are avoided, each with a regression test in test/warehouse/parquet*.test.ts:
 * - its row API, which converts INT64 with parseInt and so corrupts 19-digit ids; pages are made from Arrow columns
 * instead (column-chunk.ts);
 * - its row groups, which have no dictionary pages, report compressed sizes as uncompressed, and copy all earlier
 * columns again for each column;
 * - its page index, which lacks required fields and makes Trino (Athena) throw;
 * - its statistics, which compare text as UTF-16 (column-chunk.ts).
 *
 * GZIP produced the smallest files of all codecs tried. parquetjs-lite has no Zstandard.
 */
import './parquetjs-globals.ts';
import type { Data } from 'apache-arrow/data';
import type { RecordBatch } from 'apache-arrow/recordbatch';
import { ColumnChunk, RowGroup } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { type FieldDefinition, ParquetSchema } from 'parquetjs-lite/lib/schema.js';
import { ParquetEnvelopeWriter } from 'parquetjs-lite/lib/writer.js';
import { InternalError } from '../errors.ts';
import { columnMetadata, type EncodedChunk, encodeColumnChunk } from './column-chunk.ts';
import type { ColumnKind, StoredColumn } from './table.ts';

/** Rows per row group. A commit has at most 50,000 rows, so a file normally has one row group. */
export const maxRowGroupRows = 50_000;

const parquetTypes: Readonly<Record<ColumnKind, FieldDefinition['type']>> = {
  int64: 'INT64',
  text: 'UTF8',
  'timestamp-ms-utc': 'TIMESTAMP_MILLIS',
  boolean: 'BOOLEAN',
};

/**
 * Encodes a batch as one Parquet file.
 *
 * @param columns of the batch's table
 * @param batch at least one row, in the order the file will have
 * @throws InternalError for an empty batch
 */
export function encodeParquet(columns: readonly StoredColumn[], batch: RecordBatch): Uint8Array {
  const file = new ParquetBuilder(columns);
  file.add(batch);
  return file.finish();
}

/** Builds a Parquet file. Only encoded row groups stay in memory. */
export class ParquetBuilder {
  readonly #columns: readonly StoredColumn[];
  readonly #parts: Buffer[] = [];
  readonly #file: ParquetEnvelopeWriter;

  constructor(columns: readonly StoredColumn[]) {
    this.#columns = columns;
    const close = (): void => undefined;
    this.#file = new ParquetEnvelopeWriter(parquetSchema(columns), (bytes) => this.#parts.push(bytes), close, 0, {
      pageIndex: false,
    });
    this.#file.writeHeader();
  }

  /** Adds rows as one or more row groups. */
  add(batch: RecordBatch): void {
    for (let from = 0; from < batch.numRows; from += maxRowGroupRows) {
      const rows = batch.slice(from, Math.min(from + maxRowGroupRows, batch.numRows));
      writeRowGroup(this.#file, this.#columns, rows);
    }
  }

  /**
   * Returns the whole file.
   *
   * @param metadata texts for the footer, by name
   * @throws InternalError if no row was added
   */
  finish(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    if (this.#file.rowCount === 0) {
      throw new InternalError('a Parquet file without rows was requested');
    }
    this.#file.writeFooter(metadata);
    return Buffer.concat(this.#parts);
  }
}

function parquetSchema(columns: readonly StoredColumn[]): ParquetSchema {
  return new ParquetSchema(
    Object.fromEntries(
      columns.map((column) => [
        column.name,
        { type: parquetTypes[column.kind], optional: column.nullable, compression: 'GZIP', statistics: false },
      ]),
    ),
  );
}

function writeRowGroup(file: ParquetEnvelopeWriter, columns: readonly StoredColumn[], rows: RecordBatch): void {
  const chunks: ColumnChunk[] = [];
  let sizeBytes = 0;
  for (const [index, column] of columns.entries()) {
    const chunk = encodeColumnChunk(column, columnOf(rows, index));
    const metadata = columnMetadata(chunk, file.offset);
    writePages(file, chunk);
    // 0, because there is no second copy of the metadata outside of the footer.
    chunks.push(new ColumnChunk({ file_offset: 0, meta_data: metadata }));
    sizeBytes += metadata.total_uncompressed_size;
  }
  file.rowGroups.push(new RowGroup({ columns: chunks, total_byte_size: sizeBytes, num_rows: rows.numRows }));
  file.rowCount += rows.numRows;
}

function writePages(file: ParquetEnvelopeWriter, { dictionaryPage, dataPages }: EncodedChunk): void {
  for (const page of dictionaryPage === null ? dataPages : [dictionaryPage, ...dataPages]) {
    file.writeSection(page.header);
    file.writeSection(page.body);
  }
}

function columnOf(batch: RecordBatch, index: number): Data {
  const data = batch.data.children[index];
  if (data === undefined) {
    throw new InternalError(`the batch has no column ${index}`);
  }
  return data;
}
