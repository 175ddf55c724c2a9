/**
 * Rows of many data files in memory, column by column: 8 bytes per number, 4 bytes per text, and each distinct text
 * once. A million observations take 70 MB this way, and a gigabyte as objects. Pure.
 */

import type { Data } from 'apache-arrow/data';
import type { RecordBatch } from 'apache-arrow/recordbatch';
import type { Schema } from 'apache-arrow/schema';
import {
  arrowSchemaOf,
  booleanData,
  dictionaryOf,
  numberData,
  recordBatchOf,
  textData,
  Validity,
} from '../warehouse/arrow-columns.ts';
import type { StoredColumn } from '../warehouse/table.ts';
import type { DataFile, StoredValue } from './data-file.ts';
import type { CompactedTable } from './tables.ts';

/** A distinct text beside its characters: a string's header, an entry of a map and one of a list. */
const textOverheadBytes = 100;

/** One column of all rows so far. */
interface GatheredColumn {
  readonly column: StoredColumn;
  readonly memoryBytes: number;
  /** Reserves memory for this many rows in total. */
  grow(rowCount: number): void;
  set(row: number, value: StoredValue): void;
  get(row: number): StoredValue;
  /** Orders two rows: nulls first, then by value. */
  compare(a: number, b: number): number;
  /** The values of some rows, as Arrow has them. */
  select(rows: Uint32Array): Data;
}

/** Rows of files of one table. */
export class GatheredRows {
  readonly #schema: Schema;
  readonly #columns: readonly GatheredColumn[];
  /** In the order in which rows are compared. */
  readonly #compared: readonly GatheredColumn[];
  readonly #keyColumns: number;
  #rowCount = 0;

  constructor({ columns, sortedBy, keyColumns = 0 }: CompactedTable) {
    this.#schema = arrowSchemaOf(columns);
    this.#columns = columns.map(gatheredColumn);
    const rank = ({ column }: GatheredColumn): number => {
      const index = sortedBy.indexOf(column.name);
      return index === -1 ? sortedBy.length : index;
    };
    // All of them, so that rows that are the same become adjacent.
    this.#compared = [...this.#columns].sort((a, b) => rank(a) - rank(b));
    this.#keyColumns = keyColumns;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** Approximate memory of the rows, in bytes. */
  get memoryBytes(): number {
    return this.#columns.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  /** Adds all rows of a file. Throws what reading throws; the rows are then of no use. */
  async add(file: DataFile): Promise<void> {
    const start = this.#rowCount;
    for (const gathered of this.#columns) {
      gathered.grow(start + file.rowCount);
      await file.readColumn(gathered.column, (value, row) => gathered.set(start + row, value));
    }
    this.#rowCount += file.rowCount;
  }

  /**
   * Returns the rows in the order of a file, each of several that are the same in all columns once. Both parts are sorted:
   * first the latest of each execution, if the table has such, then the others.
   */
  inOrder(): { readonly rows: Uint32Array; readonly latestRows: number } {
    const sorted = this.#sorted();
    const rows = new Uint32Array(sorted.length);
    const isLatest = (index: number): boolean =>
      this.#keyColumns > 0 &&
      (index + 1 === sorted.length ||
        this.#compare(sorted[index] ?? 0, sorted[index + 1] ?? 0, this.#keyColumns) !== 0);
    let count = 0;
    const add = (wanted: boolean): number => {
      for (const [index, row] of sorted.entries()) {
        if (isLatest(index) === wanted) {
          rows[count] = row;
          count += 1;
        }
      }
      return count;
    };
    const latestRows = add(true);
    add(false);
    return { rows, latestRows };
  }

  #sorted(): Uint32Array {
    const rows = Uint32Array.from({ length: this.#rowCount }, (_, row) => row).sort((a, b) => this.#compare(a, b));
    let count = 0;
    for (const row of rows) {
      if (count === 0 || this.#compare(rows[count - 1] ?? 0, row) !== 0) {
        rows[count] = row;
        count += 1;
      }
    }
    return rows.subarray(0, count);
  }

  /** Orders two rows by the first columns. */
  #compare(a: number, b: number, columnCount = this.#compared.length): number {
    for (let index = 0; index < columnCount; index += 1) {
      const order = this.#compared[index]?.compare(a, b) ?? 0;
      if (order !== 0) {
        return order;
      }
    }
    return 0;
  }

  /** Returns some rows as a batch. */
  batchOf(rows: Uint32Array): RecordBatch {
    return recordBatchOf(
      this.#schema,
      rows.length,
      this.#columns.map((column) => column.select(rows)),
    );
  }

  /** Whether a file holds exactly these rows, in this order. */
  async areIn(file: DataFile, rows: Uint32Array): Promise<boolean> {
    let isSame = file.rowCount === rows.length;
    for (const gathered of isSame ? this.#columns : []) {
      await file.readColumn(gathered.column, (value, row) => {
        isSame &&= value === gathered.get(rows[row] ?? 0);
      });
    }
    return isSame;
  }
}

function gatheredColumn(column: StoredColumn): GatheredColumn {
  switch (column.kind) {
    case 'text':
      return new Texts(column);
    case 'boolean':
      return new Booleans(column);
    default:
      return new Numbers(column, column.kind);
  }
}

/** Truth values: 0 is null, 1 false, 2 true. */
class Booleans implements GatheredColumn {
  readonly column: StoredColumn;
  readonly #values = new Blocks(() => new Uint8Array(blockRows));

  constructor(column: StoredColumn) {
    this.column = column;
  }

  get memoryBytes(): number {
    return this.#values.byteLength;
  }

  grow(rowCount: number): void {
    this.#values.grow(rowCount);
  }

  set(row: number, value: StoredValue): void {
    if (value !== null) {
      this.#values.set(row, value === true ? 2 : 1);
    }
  }

  get(row: number): boolean | null {
    const value = this.#values.get(row) ?? 0;
    return value === 0 ? null : value === 2;
  }

  compare(a: number, b: number): number {
    return (this.#values.get(a) ?? 0) - (this.#values.get(b) ?? 0);
  }

  select(rows: Uint32Array): Data {
    const bits = new Uint8Array(Math.ceil(rows.length / 8));
    const validity = new Validity(rows.length);
    for (const [index, row] of rows.entries()) {
      const value = this.get(row);
      if (value === null) {
        validity.setNull(index);
      } else if (value) {
        bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
      }
    }
    return booleanData(rows.length, bits, validity);
  }
}

/** Ids or times. */
class Numbers implements GatheredColumn {
  readonly column: StoredColumn;
  readonly #kind: 'int64' | 'timestamp-ms-utc';
  readonly #values = new Blocks(() => new BigInt64Array(blockRows));
  readonly #defined = new Blocks(() => new Uint8Array(blockRows));

  constructor(column: StoredColumn, kind: 'int64' | 'timestamp-ms-utc') {
    this.column = column;
    this.#kind = kind;
  }

  get memoryBytes(): number {
    return this.#values.byteLength + this.#defined.byteLength;
  }

  grow(rowCount: number): void {
    this.#values.grow(rowCount);
    this.#defined.grow(rowCount);
  }

  set(row: number, value: StoredValue): void {
    if (value !== null) {
      this.#values.set(row, BigInt(value));
      this.#defined.set(row, 1);
    }
  }

  get(row: number): bigint | null {
    return this.#defined.get(row) === 1 ? (this.#values.get(row) ?? null) : null;
  }

  compare(a: number, b: number): number {
    const order = (this.#defined.get(a) ?? 0) - (this.#defined.get(b) ?? 0);
    const [valueA = 0n, valueB = 0n] = [this.#values.get(a), this.#values.get(b)];
    return order === 0 && valueA !== valueB ? (valueA < valueB ? -1 : 1) : order;
  }

  select(rows: Uint32Array): Data {
    const values = new BigInt64Array(rows.length);
    const validity = new Validity(rows.length);
    for (const [index, row] of rows.entries()) {
      values[index] = this.#values.get(row) ?? 0n;
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
  readonly #codes = new Blocks(() => new Int32Array(blockRows).fill(nullCode));
  #textBytes = 0;
  #dictionary: ReturnType<typeof dictionaryOf> | null = null;

  constructor(column: StoredColumn) {
    this.column = column;
  }

  get memoryBytes(): number {
    return this.#codes.byteLength + this.#textBytes;
  }

  grow(rowCount: number): void {
    this.#codes.grow(rowCount);
    this.#dictionary = null;
  }

  set(row: number, value: StoredValue): void {
    if (value === null) {
      return;
    }
    const text = String(value);
    let code = this.#codeOf.get(text);
    if (code === undefined) {
      code = this.#texts.length;
      this.#codeOf.set(text, code);
      this.#texts.push(text);
      // Once here, once as UTF-8 to write it.
      this.#textBytes += 2 * text.length + textOverheadBytes;
    }
    this.#codes.set(row, code);
  }

  get(row: number): string | null {
    return this.#texts[this.#codes.get(row) ?? nullCode] ?? null;
  }

  compare(a: number, b: number): number {
    const [codeA = nullCode, codeB = nullCode] = [this.#codes.get(a), this.#codes.get(b)];
    if (codeA === codeB || codeA === nullCode || codeB === nullCode) {
      return codeA - codeB;
    }
    return (this.#texts[codeA] ?? '') < (this.#texts[codeB] ?? '') ? -1 : 1;
  }

  select(rows: Uint32Array): Data {
    this.#dictionary ??= dictionaryOf(this.#texts);
    const codes = new Int32Array(rows.length);
    const validity = new Validity(rows.length);
    for (const [index, row] of rows.entries()) {
      const code = this.#codes.get(row) ?? nullCode;
      if (code === nullCode) {
        validity.setNull(index);
      } else {
        codes[index] = code;
      }
    }
    return textData(codes, this.#dictionary, validity);
  }
}

/** Rows of a block: memory is taken in blocks, so that it is never copied to make room. */
const blockBits = 16;
const blockRows = 2 ** blockBits;

/** An array of numbers that grows. */
class Blocks<T extends BigInt64Array | Int32Array | Uint8Array> {
  readonly #blocks: T[] = [];
  readonly #newBlock: () => T;

  constructor(newBlock: () => T) {
    this.#newBlock = newBlock;
  }

  get byteLength(): number {
    return this.#blocks.reduce((sum, block) => sum + block.byteLength, 0);
  }

  grow(rowCount: number): void {
    while (this.#blocks.length * blockRows < rowCount) {
      this.#blocks.push(this.#newBlock());
    }
  }

  get(row: number): T[number] | undefined {
    return this.#blocks[row >>> blockBits]?.[row & (blockRows - 1)];
  }

  set(row: number, value: T[number]): void {
    const block = this.#blocks[row >>> blockBits];
    if (block !== undefined) {
      block[row & (blockRows - 1)] = value;
    }
  }
}
