/**
 * Renders a table for the terminal: a header and rows without lines, so that it can be copied, fitted to the width.
 * Takes linear time, unlike the table packages tried: cli-table3 needs 40 s for 8,000 rows.
 */
import stringWidth from 'string-width';
import { printable } from './formats.ts';
import { paint, widthOf as terminalWidth } from './output.ts';
import { fullTimes, type Instant, shortTimes, type TimeStyle } from './table-times.ts';

/** The value of a cell. */
export type Cell = string | number | bigint | boolean | Instant | null;

/** The style of a table. */
export interface TableStyle {
  /** Width of the terminal in characters; null for no limit, as in a pipe. Default: the width of stdout. */
  readonly width?: number | null;
  /** Prints one line per value, after the name of its column. */
  readonly isVertical?: boolean;
}

const gap = '  ';
/** Texts are not shortened further, because fewer letters would mean nothing. */
const minColumnWidth = 6;
/** Free texts keep this width as long as others can be shortened. */
const comfortableWidth = 12;
/** No status or kind is longer. */
const maxWordWidth = 16;
const ellipsis = '…';

/**
 * Renders rows under their headings. Numbers are right-aligned and never shortened; null is shown as `-`. On a
 * terminal, times do without what they share, which is stated below the table, and texts are shortened if that is not
 * enough. A table that is still too wide is rendered vertically.
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { width = terminalWidth(process.stdout), isVertical = false }: TableStyle = {},
): string {
  const names = headings.map(printable);
  const instants = rows.flatMap((row) => row.flatMap((cell) => (isInstant(cell) ? [cell.ms] : [])));
  for (const style of isVertical ? [] : width === null ? [fullTimes] : shortTimes(instants)) {
    const { cells, columns } = tableOf(names, rows, style);
    const shown = fittedTo(width, columns);
    const isReadable = shown?.every((column, index) => {
      return column.width >= Math.min(columns[index]?.width ?? 0, style.leastTextWidth);
    });
    if (shown !== null && isReadable) {
      return renderHorizontally(names, cells, shown, style.note);
    }
  }
  return renderVertically(names, tableOf(names, rows, fullTimes).cells);
}

interface Table {
  readonly cells: readonly (readonly string[])[];
  readonly columns: readonly Column[];
}

function tableOf(names: readonly string[], rows: readonly (readonly Cell[])[], times: TimeStyle): Table {
  const cells = rows.map((row) => names.map((_, column) => cellText(row[column] ?? null, times)));
  const columns = names.map((name, index) => ({
    isNumeric: isNumeric(rows, index),
    hasTimes: rows.some((row) => isInstant(row[index] ?? null)),
    hasWords: cells.every((row) => widthOf(row[index] ?? '') <= maxWordWidth),
    width: cells.reduce((widest, row) => Math.max(widest, widthOf(row[index] ?? '')), widthOf(name)),
  }));
  return { cells, columns };
}

function renderHorizontally(
  names: readonly string[],
  cells: Table['cells'],
  columns: readonly Column[],
  note: string | null,
): string {
  const line = (texts: readonly string[], style: (text: string, short: string) => string): string =>
    columns
      .map(({ width: columnWidth, isNumeric: alignsRight }, index) => {
        const text = texts[index] ?? '';
        const short = shorten(text, columnWidth);
        const space = ' '.repeat(Math.max(0, columnWidth - widthOf(short)));
        const styled = style(text, short);
        return alignsRight ? space + styled : styled + space;
      })
      .join(gap)
      .trimEnd();
  return [
    line(names, (_, short) => paint.bold(short)),
    ...cells.map((row) => line(row, styleOf)),
    ...(note === null ? [] : [paint.dim(note)]),
  ].join('\n');
}

function renderVertically(names: readonly string[], rows: readonly (readonly string[])[]): string {
  const nameWidth = names.reduce((widest, name) => Math.max(widest, widthOf(name)), 0);
  return rows
    .map((row) =>
      names
        .map((name, index) => {
          const text = row[index] ?? '';
          return `${paint.bold(name)}${' '.repeat(nameWidth - widthOf(name))}${gap}${styleOf(text, text)}`;
        })
        .join('\n'),
    )
    .join('\n\n');
}

interface Column {
  readonly isNumeric: boolean;
  readonly hasTimes: boolean;
  /** Whether all values are short, as those of a known set. */
  readonly hasWords: boolean;
  readonly width: number;
}

/**
 * Shortens free texts first, widest first, and words only if that is not enough. Numbers and times keep their width,
 * because a part of one is useless. Returns null if the table still does not fit.
 */
function fittedTo(width: number | null, columns: readonly Column[]): readonly Column[] | null {
  const gaps = gap.length * (columns.length - 1);
  let excess = width === null ? 0 : columns.reduce((sum, column) => sum + column.width, gaps) - width;
  const shown = columns.map((column) => ({ ...column }));
  const texts = shown.filter((column) => !column.isNumeric && !column.hasTimes);
  const free = texts.filter(({ hasWords }) => !hasWords);
  while (excess > 0) {
    const widest =
      widestAbove(comfortableWidth, free) ?? widestAbove(minColumnWidth, free) ?? widestAbove(minColumnWidth, texts);
    if (widest === null) {
      return null;
    }
    widest.width -= 1;
    excess -= 1;
  }
  return shown;
}

function widestAbove<T extends Column>(least: number, columns: readonly T[]): T | null {
  const [first, ...others] = columns.filter(({ width }) => width > least);
  return first === undefined ? null : others.reduce((a, b) => (b.width > a.width ? b : a), first);
}

/** Shortens a text to `width` columns with an ellipsis. Does not split characters that belong together. */
function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) {
    return text;
  }
  let kept = '';
  let used = ellipsis.length;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > width) {
      break;
    }
    kept += segment;
  }
  return kept + ellipsis;
}

const graphemes = new Intl.Segmenter();

/** Returns the width of a text in columns. Chinese characters take two. */
function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : stringWidth(text);
}

function cellText(cell: Cell, times: TimeStyle): string {
  return cell === null ? '-' : isInstant(cell) ? times.textOf(cell.ms) : printable(String(cell));
}

function isInstant(cell: Cell): cell is Instant {
  return typeof cell === 'object' && cell !== null;
}

function isNumeric(rows: readonly (readonly Cell[])[], column: number): boolean {
  const cells = rows.map((row) => row[column] ?? null).filter((cell) => cell !== null);
  return cells.length > 0 && cells.every((cell) => typeof cell === 'number' || typeof cell === 'bigint');
}

const colorsOfStatuses: Readonly<Record<string, (text: string) => string>> = {
  SUCCESS: paint.green,
  FAILED: paint.red,
  ALARMING: paint.yellow,
  RUNNING: paint.cyan,
  SUSPENDING: paint.cyan,
  UNKNOWN: paint.magenta,
  done: paint.green,
  failed: paint.red,
  stopped: paint.yellow,
  waiting: paint.yellow,
  running: paint.cyan,
  'killed?': paint.yellow,
  ok: paint.green,
  stale: paint.red,
  unreadable: paint.red,
  'never run': paint.yellow,
};

/** Colors a status in any column. */
function styleOf(text: string, shown: string): string {
  return (Object.hasOwn(colorsOfStatuses, text) ? colorsOfStatuses[text] : undefined)?.(shown) ?? shown;
}
