/**
 * Arrow columns → the bytes of one Parquet file, through parquetjs-lite: schema, footer and Thrift are its own.
 *
 * Parts of it that we avoid (each has a regression test in test/warehouse/parquet*.test.ts):
 * - its row API, which runs INT64 through parseInt and so corrupts 19-digit ids: pages are made from Arrow columns
 *   (column-chunk.ts);
 * - its row groups, which have no dictionary pages, report compressed sizes as uncompressed, and copy all earlier columns
 *   again for each column;
 * - its page index, which lacks required fields and makes Trino (Athena) throw;
 * - its statistics, which compare text as UTF-16 (column-statistics.ts).
 *
 * GZIP, because it made the smallest files of all codecs that were tried; parquetjs-lite has no Zstandard.
 */
import './parquetjs-globals.ts';
import type { Data } from 'apache-arrow/data';
import { ColumnChunk, RowGroup } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { type FieldDefinition, ParquetSchema } from 'parquetjs-lite/lib/schema.js';
import { ParquetEnvelopeWriter } from 'parquetjs-lite/lib/writer.js';
import { InternalError } from '../errors.ts';
import { columnMetadata, type EncodedChunk, encodeColumnChunk } from './column-chunk.ts';
import { type ColumnKind, observationColumns } from './columns.ts';
import type { ObservationBatch } from './observation-batch.ts';

/** Rows per row group. A commit has at most 50,000 rows, so that a file has one row group as a rule. */
export const maxRowGroupRows = 50_000;

const parquetTypes: Readonly<Record<ColumnKind, FieldDefinition['type']>> = {
  int64: 'INT64',
  text: 'UTF8',
  'timestamp-ms-utc': 'TIMESTAMP_MILLIS',
};

/**
 * Encodes a batch as one Parquet file. The pages are compressed in zlib's thread pool.
 *
 * @param batch at least one row, in the order the file will have
 * @throws InternalError for an empty batch
 */
export async function encodeParquet(batch: ObservationBatch): Promise<Uint8Array> {
  if (batch.numRows === 0) {
    throw new InternalError('a Parquet file of no rows was asked for', {
      remedy: 'This is a defect of dqsync; please report it with this message.',
    });
  }
  const parts: Buffer[] = [];
  const file = new ParquetEnvelopeWriter(parquetSchema(), (bytes) => parts.push(bytes), ignoreClose, 0, {
    pageIndex: false,
  });
  file.writeHeader();
  for (const rows of slices(batch, maxRowGroupRows)) {
    await writeRowGroup(file, rows);
  }
  file.writeFooter({});
  return Buffer.concat(parts);
}

function parquetSchema(): ParquetSchema {
  return new ParquetSchema(
    Object.fromEntries(
      observationColumns.map((column) => [
        column.name,
        { type: parquetTypes[column.kind], optional: column.nullable, compression: 'GZIP', statistics: false },
      ]),
    ),
  );
}

async function writeRowGroup(file: ParquetEnvelopeWriter, rows: ObservationBatch): Promise<void> {
  const columns: ColumnChunk[] = [];
  let sizeBytes = 0;
  // One column at a time: compressing all at once is 10 % faster on two cores, but holds 40 zlib states of 270 KB each.
  for (const [index, column] of observationColumns.entries()) {
    const chunk = await encodeColumnChunk(column, columnOf(rows, index));
    const metadata = columnMetadata(chunk, file.offset);
    writePages(file, chunk);
    // 0: there is no second copy of the metadata outside the footer.
    columns.push(new ColumnChunk({ file_offset: 0, meta_data: metadata }));
    sizeBytes += metadata.total_uncompressed_size;
  }
  file.rowGroups.push(new RowGroup({ columns, total_byte_size: sizeBytes, num_rows: rows.numRows }));
  file.rowCount += rows.numRows;
}

function writePages(file: ParquetEnvelopeWriter, { dictionaryPage, dataPages }: EncodedChunk): void {
  for (const page of dictionaryPage === null ? dataPages : [dictionaryPage, ...dataPages]) {
    file.writeSection(page.header);
    file.writeSection(page.body);
  }
}

function columnOf(batch: ObservationBatch, index: number): Data {
  const data = batch.data.children[index];
  if (data === undefined) {
    throw new InternalError(`the batch has no column ${index}`, {
      remedy: 'This is a defect of dqsync; please report it with this message.',
    });
  }
  return data;
}

/** The batch in pieces of so many rows; no copies. */
function slices(batch: ObservationBatch, rowCount: number): ObservationBatch[] {
  const pieces: ObservationBatch[] = [];
  for (let from = 0; from < batch.numRows; from += rowCount) {
    pieces.push(batch.slice(from, Math.min(from + rowCount, batch.numRows)));
  }
  return pieces;
}

function ignoreClose(): void {
  // The file is an array of buffers: nothing to close.
}
