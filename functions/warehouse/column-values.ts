/**
 * The values of a column chunk as its pages need them: without nulls, and with a dictionary if one saves space. Pure.
 */
import type { Data } from 'apache-arrow/data';
import type { Bool } from 'apache-arrow/type';
import { packBits, unpackBits } from './arrow-columns.ts';

/** The distinct values of a column chunk, in the order in which they appear. */
export interface ValueDictionary {
  readonly size: number;
  /** All distinct values, PLAIN encoded, one after the other. */
  readonly plainBytes: Buffer;
  /** The index of each value among the distinct ones; nulls have none. */
  readonly codes: Int32Array;
}

/** Least and greatest value, PLAIN encoded but without the length in front of a string. */
export interface ValueRange {
  readonly min: Buffer;
  readonly max: Buffer;
}

/** The values of a column chunk that are not null. */
export interface ColumnValues {
  /** Null if the values repeat too rarely for a dictionary to save space. */
  readonly dictionary: ValueDictionary | null;
  /** Returns the values `[from, to)`, PLAIN encoded. The bytes may be the column's own memory. */
  plainBytes(from: number, to: number): Buffer;
  /** Returns the range of the values; null if there are none. */
  range(): ValueRange | null;
}

/** Readers hold a dictionary in memory as a whole. The limit is parquet-mr's. */
export const maxDictionaryBytes = 1024 * 1024;

/** Returns 1 for each row with a value and 0 for each null; null if no row is null. */
export function definedRows(data: Data): Uint8Array | null {
  return data.nullCount === 0 ? null : unpackBits(data.nullBitmap, data.offset, data.length);
}

/**
 * The truth values of a column chunk. PLAIN is one bit each, the first one in the lowest bit. They carry no statistics.
 */
export class BooleanValues implements ColumnValues {
  readonly dictionary = null;
  readonly #values: Uint8Array;

  /** @param defined 1 per row with a value, 0 per null; null if no row is null */
  constructor({ values, offset, length }: Data<Bool>, defined: Uint8Array | null) {
    const rows = unpackBits(values, offset, length);
    this.#values = defined === null ? rows : rows.filter((_, row) => defined[row] === 1);
  }

  plainBytes(from: number, to: number): Buffer {
    return Buffer.from(packBits(this.#values.subarray(from, to)));
  }

  range(): ValueRange | null {
    return null;
  }
}
