/**
 * Statistics of an Arrow column, as a Parquet footer holds them. Pure.
 *
 * Numbers are compared as signed 64-bit, text as unsigned bytes of its UTF-8, which is what the Parquet format asks for.
 * parquetjs-lite would compare UTF-16 units, which is another order beyond the BMP: Trino (Athena) then fails with
 * "Corrupted statistics" or skips row groups that match.
 */
import type { Data } from 'apache-arrow/data';
import {
  isNumberData,
  isTextData,
  type NumberData,
  type TextData,
  textBytes,
  unsupportedColumn,
} from './column-data.ts';

/** Longer text makes no statistics: they would cost more in the footer than they save. */
const maxTextBytes = 64;

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

/**
 * Least and greatest value, PLAIN encoded; absent where there is none. `min` and `max` are the older names of the two,
 * which readers trust for numbers only.
 */
export interface ColumnStatistics {
  readonly null_count: number;
  readonly min_value?: Buffer;
  readonly max_value?: Buffer;
  readonly min?: Buffer;
  readonly max?: Buffer;
}

/**
 * Exact statistics of a column.
 *
 * @throws InternalError for a type the table does not use
 */
export function columnStatistics(data: Data): ColumnStatistics {
  if (isNumberData(data)) {
    return { null_count: data.nullCount, ...numberRange(data) };
  }
  if (isTextData(data)) {
    return { null_count: data.nullCount, ...textRange(data) };
  }
  throw unsupportedColumn(data);
}

function numberRange(data: NumberData): Omit<ColumnStatistics, 'null_count'> {
  if (data.nullCount === data.length) {
    return {};
  }
  const hasNulls = data.nullCount > 0;
  let least = maxInt64;
  let greatest = minInt64;
  for (let row = 0; row < data.length; row += 1) {
    if (hasNulls && !data.getValid(row)) {
      continue;
    }
    const value = data.values[row] ?? 0n;
    least = value < least ? value : least;
    greatest = value > greatest ? value : greatest;
  }
  const [min, max] = [plainInt64(least), plainInt64(greatest)];
  return { min_value: min, max_value: max, min, max };
}

function textRange(data: TextData): Omit<ColumnStatistics, 'null_count'> {
  const bytes = textBytes(data);
  const hasNulls = data.nullCount > 0;
  let min: Buffer | undefined;
  let max: Buffer | undefined;
  for (let row = 0; row < data.length; row += 1) {
    if (hasNulls && !data.getValid(row)) {
      continue;
    }
    const start = data.valueOffsets[row] ?? 0;
    const end = data.valueOffsets[row + 1] ?? start;
    // Compared in place: a Buffer for each row would be garbage.
    const isLess = min === undefined || bytes.compare(min, 0, min.length, start, end) < 0;
    const isGreater = max === undefined || (!isLess && bytes.compare(max, 0, max.length, start, end) > 0);
    if (isLess) {
      min = bytes.subarray(start, end);
    }
    if (isGreater) {
      max = bytes.subarray(start, end);
    }
  }
  if (min === undefined || max === undefined || Math.max(min.length, max.length) > maxTextBytes) {
    return {};
  }
  return { min_value: min, max_value: max };
}

function plainInt64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}
