/**
 * Rows of many data files in memory, column by column. A million observations take 75 MB this way, and a gigabyte as
 * objects. Pure.
 */
import type { RecordBatch } from 'apache-arrow/recordbatch';
import type { Schema } from 'apache-arrow/schema';
import { arrowSchemaOf, recordBatchOf } from '../warehouse/arrow-columns.ts';
import type { DataFile } from './data-file.ts';
import { type GatheredColumn, gatheredColumn } from './gathered-columns.ts';
import { sortedRows } from './sorted-rows.ts';
import type { CompactedTable } from './tables.ts';

export class GatheredRows {
  readonly #schema: Schema;
  readonly #columns: readonly GatheredColumn[];
  /** All columns, in the order in which they are compared. */
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
    // By all columns, so that identical rows become adjacent.
    this.#compared = [...this.#columns].sort((a, b) => rank(a) - rank(b));
    this.#keyColumns = keyColumns;
  }

  /** Approximate memory of the rows, in bytes. */
  get memoryBytes(): number {
    return this.#columns.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  /**
   * Forgets all rows, and keeps the memory for the next ones: the garbage collector frees such arrays late.
   */
  clear(): void {
    this.#rowCount = 0;
    for (const gathered of this.#columns) {
      gathered.resize(0);
    }
  }

  /** Adds all rows of a file. If reading the file throws, call `clear` before the rows are used again. */
  async add(file: DataFile): Promise<void> {
    const start = this.#rowCount;
    for (const gathered of this.#columns) {
      gathered.resize(start + file.rowCount);
      await file.readColumn(gathered.column, (value, row) => gathered.set(start + row, value));
    }
    this.#rowCount += file.rowCount;
  }

  /**
   * Returns the rows in the order of a compacted file, without duplicates. First the latest row of each execution, if
   * the table has executions, then the others. Both parts are sorted.
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
      for (let index = 0; index < sorted.length; index += 1) {
        if (isLatest(index) === wanted) {
          rows[count] = sorted[index] ?? 0;
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
    const rows = sortedRows(this.#rowCount, (a, b) => this.#compare(a, b));
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
