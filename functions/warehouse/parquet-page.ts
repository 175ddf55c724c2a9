/**
 * One Arrow column → one Parquet data page, version 1, PLAIN, GZIP.
 *
 * Thrift and the RLE of definition levels are parquetjs-lite's. Its own page encoding is left out because it takes one
 * `Buffer` per value and copies it: 50,000 rows then leave 40 MB of garbage outside the heap. Here the bytes go from the
 * Arrow column into one scratch buffer, and from there into the compressor.
 *
 * Version 1 pages are what parquet-mr, Hive and Spark write, and so what Trino (Athena) has read for the longest time.
 */
import './parquetjs-globals.ts';
import { endianness } from 'node:os';
import { gzipSync } from 'node:zlib';
import type { Data } from 'apache-arrow/data';
import { DataPageHeader, PageHeader } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { encodeValues as encodeRle } from 'parquetjs-lite/lib/codec/rle.js';
import { serializeThrift } from 'parquetjs-lite/lib/util.js';
import type { EncodedPage } from 'parquetjs-lite/lib/writer.js';
import { InternalError } from '../errors.ts';
import {
  isNumberData,
  isTextData,
  type NumberData,
  type TextData,
  textBytes,
  unsupportedColumn,
} from './column-data.ts';

// Numbers of the Parquet format (parquet.thrift: PageType, Encoding).
const dataPage = 0;
const plainEncoding = 0;
const rleEncoding = 3;

/** Encodes pages one after the other, with one scratch buffer for all. */
export class PageEncoder {
  #scratch: Buffer = Buffer.allocUnsafe(256 * 1024);
  #end = 0;

  /**
   * Encodes a column as one page.
   *
   * @param data the rows of the page; `batch.slice` makes them without copying
   * @param isOptional whether the Parquet column may hold null, and so has definition levels
   * @throws InternalError for a type the table does not use
   */
  encode(data: Data, isOptional: boolean): EncodedPage {
    this.#end = 0;
    if (isOptional) {
      this.#append(encodeRle('INT32', definitionLevels(data), { bitWidth: 1 }));
    }
    if (isNumberData(data)) {
      this.#appendNumbers(data);
    } else if (isTextData(data)) {
      this.#appendTexts(data);
    } else {
      throw unsupportedColumn(data);
    }
    const compressed = gzipSync(this.#scratch.subarray(0, this.#end));
    const header = new PageHeader({
      type: dataPage,
      uncompressed_page_size: this.#end,
      compressed_page_size: compressed.length,
      data_page_header: new DataPageHeader({
        num_values: data.length,
        encoding: plainEncoding,
        definition_level_encoding: rleEncoding,
        repetition_level_encoding: rleEncoding,
      }),
    });
    return { page: Buffer.concat([serializeThrift(header), compressed]), num_values: data.length };
  }

  /** Numbers are 8 bytes, little-endian, nulls left out: as they lie in memory. */
  #appendNumbers(data: NumberData): void {
    if (endianness() !== 'LE') {
      throw new InternalError('this machine is big-endian', { remedy: 'Run dqsync on x86-64 or ARM64.' });
    }
    const { values } = data;
    const bytes = Buffer.from(values.buffer, values.byteOffset, data.length * 8);
    if (data.nullCount === 0) {
      this.#append(bytes);
      return;
    }
    this.#reserve(bytes.length);
    for (let row = 0; row < data.length; row += 1) {
      if (data.getValid(row)) {
        bytes.copy(this.#scratch, this.#end, row * 8, row * 8 + 8);
        this.#end += 8;
      }
    }
  }

  /** Text is its length in 4 bytes and its UTF-8, nulls left out. */
  #appendTexts(data: TextData): void {
    const bytes = textBytes(data);
    const { valueOffsets } = data;
    const hasNulls = data.nullCount > 0;
    this.#reserve((valueOffsets[data.length] ?? 0) - (valueOffsets[0] ?? 0) + 4 * data.length);
    const scratch = this.#scratch;
    let end = this.#end;
    for (let row = 0; row < data.length; row += 1) {
      if (hasNulls && !data.getValid(row)) {
        continue;
      }
      const from = valueOffsets[row] ?? 0;
      const to = valueOffsets[row + 1] ?? from;
      end = scratch.writeUInt32LE(to - from, end);
      end += bytes.copy(scratch, end, from, to);
    }
    this.#end = end;
  }

  #append(bytes: Buffer): void {
    this.#reserve(bytes.length);
    this.#end += bytes.copy(this.#scratch, this.#end);
  }

  #reserve(sizeBytes: number): void {
    if (this.#end + sizeBytes > this.#scratch.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#scratch.length * 2, this.#end + sizeBytes));
      this.#scratch.copy(larger, 0, 0, this.#end);
      this.#scratch = larger;
    }
  }
}

/** Per row 1 for a value, 0 for null. */
function definitionLevels(data: Data): Uint8Array {
  const levels = new Uint8Array(data.length).fill(1);
  if (data.nullCount > 0) {
    for (let row = 0; row < data.length; row += 1) {
      levels[row] = data.getValid(row) ? 1 : 0;
    }
  }
  return levels;
}
