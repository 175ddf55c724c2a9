/**
 * Arrow columns → the bytes of one Parquet file, through parquetjs-lite's writer.
 *
 * What we keep away from in it (each has a regression test in test/warehouse/parquet.test.ts):
 * - its row API, which runs INT64 through parseInt and so corrupts 19-digit ids: the writer gets whole pages, made from
 *   Arrow columns (parquet-page.ts);
 * - its page index, which lacks required fields and makes Trino (Athena) throw;
 * - its statistics, which compare text as UTF-16: ours are set in the footer instead (column-statistics.ts).
 *
 * GZIP, because it made the smallest files of all codecs that were tried; parquetjs-lite has no Zstandard.
 */
import './parquetjs-globals.ts';
import type { Data } from 'apache-arrow/data';
import { Statistics } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { type FieldDefinition, ParquetSchema } from 'parquetjs-lite/lib/schema.js';
import { type EncodedPage, ParquetEnvelopeWriter } from 'parquetjs-lite/lib/writer.js';
import { InternalError } from '../errors.ts';
import { columnStatistics } from './column-statistics.ts';
import type { ObservationBatch } from './observation-batch.ts';
import { PageEncoder } from './parquet-page.ts';
import { type ColumnKind, observationColumns } from './schema.ts';

/** Rows per row group. A commit has at most 50,000 rows, so that a file has one row group as a rule. */
export const maxRowGroupRows = 50_000;

/** Rows per page, as parquet-mr limits them. */
export const maxPageRows = 20_000;

const parquetTypes: Readonly<Record<ColumnKind, FieldDefinition['type']>> = {
  int64: 'INT64',
  text: 'UTF8',
  'timestamp-ms-utc': 'TIMESTAMP_MILLIS',
};

/**
 * Encodes a batch as one Parquet file.
 *
 * @param batch at least one row, in the order the file shall have
 * @throws InternalError for an empty batch: no file is written for nothing
 */
export function encodeParquet(batch: ObservationBatch): Uint8Array {
  if (batch.numRows === 0) {
    throw new InternalError('a Parquet file of no rows was asked for', {
      remedy: 'This is a defect of dqsync; please report it with this message.',
    });
  }
  const parts: Buffer[] = [];
  const pageEncoder = new PageEncoder();
  const file = new ParquetEnvelopeWriter(parquetSchema(), (bytes) => parts.push(bytes), ignoreClose, 0, {
    pageIndex: false,
  });
  file.writeHeader();
  for (const rows of slices(batch, maxRowGroupRows)) {
    writeRowGroup(file, pageEncoder, rows);
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

function writeRowGroup(file: ParquetEnvelopeWriter, pageEncoder: PageEncoder, rows: ObservationBatch): void {
  const pages: Record<string, EncodedPage[]> = {};
  const statistics: (Statistics | null)[] = [];
  observationColumns.forEach((column, index) => {
    pages[column.name] = slices(rows, maxPageRows).map((page) =>
      pageEncoder.encode(columnOf(page, index), column.nullable),
    );
    statistics[index] = column.freeText ? null : new Statistics(columnStatistics(columnOf(rows, index)));
  });
  file.writeRowGroup({ rowCount: rows.numRows, pages });
  file.rowGroups.at(-1)?.columns.forEach((chunk, index) => {
    chunk.meta_data.statistics = statistics[index] ?? null;
  });
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
