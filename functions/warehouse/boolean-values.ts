/** Truth values as column values. Pure. */
import type { Data } from 'apache-arrow/data';
import type { Bool } from 'apache-arrow/type';
import { packBits, unpackBits } from './arrow-columns.ts';
import type { ColumnValues, ValueRange } from './column-values.ts';

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
