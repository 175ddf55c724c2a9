/** A table for the terminal: a header and rows, without lines that would spoil copying. */
import Table from 'cli-table3';
import { printable } from './formats.ts';
import { paint } from './output.ts';

/** What a cell can show. */
export type Cell = string | number | bigint | boolean | null;

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Renders rows under their headings. Numbers stand to the right; null shows as `-`. */
export function renderTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: headings.map((heading) => paint.bold(printable(heading))),
    colAligns: headings.map((_, column) => (isNumeric(rows, column) ? 'right' : 'left')),
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => row.map((cell) => (cell === null ? '-' : printable(String(cell))))));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  const cells = rows.map((row) => row[column]).filter((cell) => cell !== null);
  return cells.length > 0 && cells.every((cell) => typeof cell === 'number' || typeof cell === 'bigint');
}
