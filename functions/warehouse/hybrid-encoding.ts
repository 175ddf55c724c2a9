/**
 * The hybrid of RLE and bit packing in the Parquet format, for definition levels and dictionary codes. Pure.
 *
 * parquetjs-lite has an encoder, but it writes repeated values of more than 8 bits wrong: the low byte replaces the
 * higher ones. It also works bit by bit: 20,000 definition levels with a null in every third row take it 2.9 ms, and
 * this encoder 0.1 ms (Node 24, x86-64).
 */

/**
 * Shorter repetitions are bit-packed along with their neighbors. With a minimum of 8, files are 0.3 to 0.4 % larger:
 * gzip compresses packed repetitions well, and the headers of many short runs badly.
 */
const minRepetition = 32;

/**
 * Encodes values, without a length prefix.
 *
 * @param values unsigned numbers of `bitWidth` bits
 * @param bitWidth 0 to 24
 */
export function encodeHybrid(values: Uint8Array | Int32Array, bitWidth: number): Buffer {
  const encoder = new HybridEncoder(values, bitWidth);
  // Values before `packedFrom` are written; those up to `at` wait to be packed, in whole groups of eight.
  let packedFrom = 0;
  let at = 0;
  while (at < values.length) {
    const end = repetitionEnd(values, at);
    if (end - at >= minRepetition) {
      encoder.pack(packedFrom, at);
      encoder.repeat(at, end);
      packedFrom = end;
      at = end;
    } else {
      at = Math.min(at + 8, values.length);
    }
  }
  encoder.pack(packedFrom, at);
  return encoder.bytes();
}

/** Returns the index after the run of equal values that begins at `from`. */
function repetitionEnd(values: Uint8Array | Int32Array, from: number): number {
  const value = values[from];
  let end = from + 1;
  while (end < values.length && values[end] === value) {
    end += 1;
  }
  return end;
}

class HybridEncoder {
  readonly #values: Uint8Array | Int32Array;
  readonly #bitWidth: number;
  readonly #bytes: Buffer;
  #end = 0;

  constructor(values: Uint8Array | Int32Array, bitWidth: number) {
    this.#values = values;
    this.#bitWidth = bitWidth;
    // A group of eight takes `bitWidth` bytes if packed and up to 4 if repeated; each run has a header of up to 5.
    this.#bytes = Buffer.alloc(5 + (Math.ceil(values.length / 8) + 1) * (bitWidth + 5));
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  repeat(from: number, to: number): void {
    this.#varint((to - from) << 1);
    const value = this.#values[from] ?? 0;
    for (let shift = 0; shift < this.#bitWidth; shift += 8) {
      this.#byte(value >>> shift);
    }
  }

  /** Writes whole groups of eight. The last one is filled with zeros, which the buffer already contains. */
  pack(from: number, to: number): void {
    if (from === to) {
      return;
    }
    const groups = Math.ceil((to - from) / 8);
    this.#varint((groups << 1) | 1);
    const bytes = this.#bytes;
    let end = this.#end;
    let bits = 0;
    let bitCount = 0;
    for (let index = from; index < to; index += 1) {
      bits |= (this.#values[index] ?? 0) << bitCount;
      bitCount += this.#bitWidth;
      while (bitCount >= 8) {
        bytes[end] = bits;
        end += 1;
        bits >>>= 8;
        bitCount -= 8;
      }
    }
    if (bitCount > 0) {
      bytes[end] = bits;
    }
    this.#end += groups * this.#bitWidth;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#bytes[this.#end] = value;
    this.#end += 1;
  }
}
