/** Column values that are ids or times. Pure. */
import { endianness } from 'node:os';
import { InternalError } from '../errors.ts';
import type { NumberData } from './arrow-columns.ts';
import { type ColumnValues, maxDictionaryBytes, type ValueDictionary, type ValueRange } from './column-values.ts';

/**
 * A dictionary is worth it up to this share of distinct values. Measured on 200, 2,000 and 20,000 random ids: with 30 %
 * distinct ids, a dictionary makes the column 1 to 18 % smaller, with 40 % between 5 % larger and 11 % smaller.
 */
const maxDistinctShare = 1 / 3;

/** The numbers of a column chunk. PLAIN is 8 bytes each, little-endian, which is also their layout in memory. */
export class NumberValues implements ColumnValues {
  readonly dictionary: ValueDictionary | null;
  readonly #values: BigInt64Array;

  /**
   * @param defined 1 per row with a value, 0 per null; null if no row is null
   * @param mayRepeat whether to try a dictionary
   */
  constructor(data: NumberData, defined: Uint8Array | null, mayRepeat: boolean) {
    if (endianness() !== 'LE') {
      throw new InternalError('this machine is big-endian', { remedy: 'Run dqsync on x86-64 or ARM64.' });
    }
    this.#values = defined === null ? data.values.subarray(0, data.length) : withoutNulls(data.values, defined);
    this.dictionary = mayRepeat ? numberDictionary(this.#values) : null;
  }

  plainBytes(from: number, to: number): Buffer {
    return memoryOf(this.#values.subarray(from, to));
  }

  range(): ValueRange | null {
    const values = this.#values;
    const [first] = values;
    if (first === undefined) {
      return null;
    }
    let min = first;
    let max = first;
    // By index, because an iterator would create each number as a `bigint` on the heap.
    for (let index = 1; index < values.length; index += 1) {
      const value = values[index] ?? first;
      if (value < min) {
        min = value;
      } else if (value > max) {
        max = value;
      }
    }
    return { min: memoryOf(BigInt64Array.of(min)), max: memoryOf(BigInt64Array.of(max)) };
  }
}

function withoutNulls(values: BigInt64Array, defined: Uint8Array): BigInt64Array {
  const kept = new BigInt64Array(defined.length);
  let count = 0;
  for (let row = 0; row < defined.length; row += 1) {
    if (defined[row] === 1) {
      kept[count] = values[row] ?? 0n;
      count += 1;
    }
  }
  return kept.subarray(0, count);
}

/** Makes a dictionary. Returns null as soon as there are too many distinct values. */
function numberDictionary(values: BigInt64Array): ValueDictionary | null {
  const maxSize = Math.min(Math.floor(values.length * maxDistinctShare), maxDictionaryBytes / 8);
  const codeOf = new Map<bigint, number>();
  const codes = new Int32Array(values.length);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0n;
    let code = codeOf.get(value);
    if (code === undefined) {
      code = codeOf.size;
      if (code === maxSize) {
        return null;
      }
      codeOf.set(value, code);
    }
    codes[index] = code;
  }
  if (codeOf.size === 0) {
    return null;
  }
  return { size: codeOf.size, plainBytes: memoryOf(BigInt64Array.from(codeOf.keys())), codes };
}

function memoryOf(values: BigInt64Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
