/** The columns of rows in memory: 9 bytes per number, 4 bytes per other value, and each distinct text once. Pure. */
import type { Data } from 'apache-arrow/data';
import { booleanData, dictionaryOf, numberData, textData, Validity } from '../warehouse/arrow-columns.ts';
import type { StoredColumn } from '../warehouse/table.ts';
import type { StoredValue } from './data-file.ts';

/** Memory of a distinct text without its characters: a string's header, a map entry and a list entry. */
const textOverheadBytes = 100;

/** One column of all rows so far. */
export interface GatheredColumn {
  readonly column: StoredColumn;
  readonly memoryBytes: number;
  /** Makes room for this many rows in total. 0 forgets all rows. */
  resize(rowCount: number): void;
  set(row: number, value: StoredValue): void;
  get(row: number): StoredValue;
  /** Orders two rows: nulls first, then by value. */
  compare(a: number, b: number): number;
  /** Returns the values of some rows in Arrow's format. */
  select(rows: Uint32Array): Data;
}

export function gatheredColumn(column: StoredColumn): GatheredColumn {
  switch (column.kind) {
    case 'text':
      return new Texts(column);
    case 'boolean':
      return new Booleans(column);
    default:
      return new Numbers(column, column.kind);
  }
}

/** One 64-bit number, seen as two halves of 32 bits. Low half first, as on every little-endian machine. */
const pair = new BigInt64Array(1);
const halves = new Int32Array(pair.buffer);

/** Ids or times, as two halves of 32 bits: comparing `bigint`s would create an object for each. */
class Numbers implements GatheredColumn {
  readonly column: StoredColumn;
  readonly #kind: 'int64' | 'timestamp-ms-utc';
  readonly #low = new Blocks(() => new Int32Array(blockRows));
  readonly #high = new Blocks(() => new Int32Array(blockRows));
  readonly #defined = new Blocks(() => new Uint8Array(blockRows));

  constructor(column: StoredColumn, kind: 'int64' | 'timestamp-ms-utc') {
    this.column = column;
    this.#kind = kind;
  }

  get memoryBytes(): number {
    return this.#low.byteLength + this.#high.byteLength + this.#defined.byteLength;
  }

  resize(rowCount: number): void {
    this.#low.resize(rowCount);
    this.#high.resize(rowCount);
    this.#defined.resize(rowCount);
  }

  set(row: number, value: StoredValue): void {
    pair[0] = value === null ? 0n : BigInt(value);
    this.#low.set(row, halves[0] ?? 0);
    this.#high.set(row, halves[1] ?? 0);
    this.#defined.set(row, value === null ? 0 : 1);
  }

  get(row: number): bigint | null {
    halves[0] = this.#low.get(row);
    halves[1] = this.#high.get(row);
    return this.#defined.get(row) === 1 ? (pair[0] ?? null) : null;
  }

  compare(a: number, b: number): number {
    return (
      this.#defined.get(a) - this.#defined.get(b) ||
      this.#high.get(a) - this.#high.get(b) ||
      (this.#low.get(a) >>> 0) - (this.#low.get(b) >>> 0)
    );
  }

  select(rows: Uint32Array): Data {
    const values = new BigInt64Array(rows.length);
    const valueHalves = new Int32Array(values.buffer);
    const validity = new Validity(rows.length);
    for (let index = 0; index < rows.length; index += 1) {
      const row = rows[index] ?? 0;
      valueHalves[2 * index] = this.#low.get(row);
      valueHalves[2 * index + 1] = this.#high.get(row);
      if (this.#defined.get(row) !== 1) {
        validity.setNull(index);
      }
    }
    return numberData(this.#kind, values, validity);
  }
}

const nullCode = -1;

/** Texts, each distinct one kept once. */
class Texts implements GatheredColumn {
  readonly column: StoredColumn;
  readonly #codeOf = new Map<string, number>();
  readonly #texts: string[] = [];
  readonly #codes = new Blocks(() => new Int32Array(blockRows));
  #textBytes = 0;
  #dictionary: ReturnType<typeof dictionaryOf> | null = null;

  constructor(column: StoredColumn) {
    this.column = column;
  }

  get memoryBytes(): number {
    return this.#codes.byteLength + this.#textBytes;
  }

  resize(rowCount: number): void {
    this.#codes.resize(rowCount);
    this.#dictionary = null;
    if (rowCount === 0) {
      this.#codeOf.clear();
      this.#texts.length = 0;
      this.#textBytes = 0;
    }
  }

  set(row: number, value: StoredValue): void {
    if (value === null) {
      this.#codes.set(row, nullCode);
      return;
    }
    const text = String(value);
    let code = this.#codeOf.get(text);
    if (code === undefined) {
      code = this.#texts.length;
      this.#codeOf.set(text, code);
      this.#texts.push(text);
      // Counted twice: the text is kept here, and encoded as UTF-8 when it is written.
      this.#textBytes += 2 * text.length + textOverheadBytes;
    }
    this.#codes.set(row, code);
  }

  get(row: number): StoredValue {
    return this.#texts[this.#codes.get(row)] ?? null;
  }

  compare(a: number, b: number): number {
    const codeA = this.#codes.get(a);
    const codeB = this.#codes.get(b);
    if (codeA === codeB || codeA === nullCode || codeB === nullCode) {
      return codeA - codeB;
    }
    return (this.#texts[codeA] ?? '') < (this.#texts[codeB] ?? '') ? -1 : 1;
  }

  select(rows: Uint32Array): Data {
    this.#dictionary ??= dictionaryOf(this.#texts);
    const codes = new Int32Array(rows.length);
    const validity = new Validity(rows.length);
    for (let index = 0; index < rows.length; index += 1) {
      const code = this.#codes.get(rows[index] ?? 0);
      if (code === nullCode) {
        validity.setNull(index);
      } else {
        codes[index] = code;
      }
    }
    return textData(codes, this.#dictionary, validity);
  }
}

/** Truth values, kept as the texts `true` and `false`. */
class Booleans extends Texts {
  override get(row: number): boolean | null {
    const text = super.get(row);
    return text === null ? null : text === 'true';
  }

  override select(rows: Uint32Array): Data {
    return booleanData(Array.from(rows, (row) => this.get(row)));
  }
}

/** Rows of a block: memory is taken in blocks, so that it is never copied to make room. */
const blockBits = 16;
const blockRows = 2 ** blockBits;

/** An array of numbers that grows. Blocks that it no longer needs are kept for later rows. */
class Blocks<T extends Int32Array | Uint8Array> {
  readonly #blocks: T[] = [];
  readonly #newBlock: () => T;
  #rowCount = 0;

  constructor(newBlock: () => T) {
    this.#newBlock = newBlock;
  }

  /** Memory of the rows, in bytes. */
  get byteLength(): number {
    return Math.ceil(this.#rowCount / blockRows) * (this.#blocks[0]?.byteLength ?? 0);
  }

  /** The value of a new row is undefined until it is set. */
  resize(rowCount: number): void {
    this.#rowCount = rowCount;
    while (this.#blocks.length * blockRows < rowCount) {
      this.#blocks.push(this.#newBlock());
    }
  }

  get(row: number): number {
    return this.#blocks[row >>> blockBits]?.[row & (blockRows - 1)] ?? 0;
  }

  set(row: number, value: number): void {
    const block = this.#blocks[row >>> blockBits];
    if (block !== undefined) {
      block[row & (blockRows - 1)] = value;
    }
  }
}
