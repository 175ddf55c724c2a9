/** Sorts row numbers. Pure. */

/**
 * Returns the numbers `[0, rowCount)` sorted by `compare`: a merge sort of the runs that are in order already, as the
 * rows of each file are. Takes 8 bytes per row. `TypedArray.sort` copies its numbers into objects on the heap first,
 * which then grows and stays large.
 */
export function sortedRows(rowCount: number, compare: (a: number, b: number) => number): Uint32Array {
  let rows = new Uint32Array(rowCount);
  let merged = new Uint32Array(rowCount);
  /** Where each run begins, and the end of the last one. */
  let bounds = [0];
  for (let row = 0; row < rowCount; row += 1) {
    rows[row] = row;
    if (row > 0 && compare(row - 1, row) > 0) {
      bounds.push(row);
    }
  }
  bounds.push(rowCount);
  while (bounds.length > 2) {
    const next = [0];
    for (let run = 0; run + 1 < bounds.length; run += 2) {
      const [from = 0, middle = rowCount, to = rowCount] = bounds.slice(run, run + 3);
      merge(rows, merged, { from, middle, to }, compare);
      next.push(to);
    }
    [rows, merged] = [merged, rows];
    bounds = next;
  }
  return rows;
}

/** Merges `[from, middle)` and `[middle, to)`. Of equal rows, those of the first run come first. */
function merge(
  rows: Uint32Array,
  merged: Uint32Array,
  { from, middle, to }: { readonly from: number; readonly middle: number; readonly to: number },
  compare: (a: number, b: number) => number,
): void {
  let first = from;
  let second = middle;
  for (let index = from; index < to; index += 1) {
    const [a = 0, b = 0] = [rows[first], rows[second]];
    const isFirst = second === to || (first < middle && compare(a, b) <= 0);
    merged[index] = isFirst ? a : b;
    if (isFirst) {
      first += 1;
    } else {
      second += 1;
    }
  }
}
