/**
 * Statistics of a column chunk for the Parquet footer. Pure.
 *
 * Numbers are compared as signed 64-bit integers, text as unsigned bytes of its UTF-8, as the Parquet format requires.
 * parquetjs-lite would compare UTF-16 units, whose order differs beyond the BMP: Trino (Athena) then fails with
 * "Corrupted statistics" or skips row groups that match.
 */
import './parquetjs-globals.ts';
import { Statistics } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import type { ColumnValues } from './column-values.ts';
import type { StoredColumn } from './table.ts';

/** Longer text has no statistics, which would cost more in the footer than they save. */
const maxTextBytes = 64;

/**
 * Returns the exact statistics of a column chunk; null for free text. `min` and `max` are older names of the same
 * values, which readers trust only for numbers.
 */
export function columnStatistics(column: StoredColumn, values: ColumnValues, nullCount: number): Statistics | null {
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
