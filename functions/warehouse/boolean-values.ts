/** Truth values as column values. Pure. */
import type { Data } from 'apache-arrow/data';
import type { Bool } from 'apache-arrow/type';
import type { ColumnValues, ValueRange } from './column-values.ts';

/**
 * The truth values of a column chunk. PLAIN is one bit each, the first one in the lowest bit. They carry no statistics.
 */
export class BooleanValues implements ColumnValues {
  readonly dictionary = null;
  readonly #values: Uint8Array;

  /** @param defined 1 per row with a value, 0 per null; null if no row is null */
  constructor({ values, offset, length }: Data<Bool>, defined: Uint8Array | null) {
    const rows = Uint8Array.from(
      { length },
      (_, row) => ((values[(offset + row) >> 3] ?? 0) >> ((offset + row) & 7)) & 1,
    );
    this.#values = defined === null ? rows : rows.filter((_, row) => defined[row] === 1);
  }

  plainBytes(from: number, to: number): Buffer {
    const bytes = Buffer.alloc(Math.ceil((to - from) / 8));
    for (let index = 0; index < to - from; index += 1) {
      const bit = this.#values[from + index] ?? 0;
      bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (bit << (index & 7));
    }
    return bytes;
  }

  range(): ValueRange | null {
    return null;
  }
}
