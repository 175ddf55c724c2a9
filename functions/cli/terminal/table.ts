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
  /** A line below the rows that says what is left out. */
  readonly rest?: string | null;
}

const gap = '  ';
/** Used where it makes the difference between a table and one line per value. */
const narrowGap = ' ';
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
  { width = terminalWidth(process.stdout), isVertical = false, rest = null }: TableStyle = {},
): string {
  const rests = rest === null ? [] : [paint.dim(rest)];
  const names = headings.map(printable);
  const instants = rows.flatMap((row) => row.flatMap((cell) => (isInstant(cell) ? [cell.ms] : [])));
  const styles = width === null ? [fullTimes] : shortTimes(instants);
  for (const { between, ...times } of isVertical ? [] : [...styles.map(widely), ...styles.slice(-1).map(narrowly)]) {
    const { cells, columns } = tableOf(names, rows, times);
    const shown = fittedTo(width, columns, between);
    const isReadable = shown?.every((column, index) => {
      return column.width >= Math.min(columns[index]?.width ?? 0, times.leastTextWidth);
    });
    if (shown !== null && isReadable) {
      const notes = times.note === null ? [] : [paint.dim(times.note)];
      return [renderHorizontally(names, cells, shown, between), ...rests, ...notes].join('\n');
    }
  }
  return [renderVertically(names, tableOf(names, rows, fullTimes).cells), ...rests].join('\n');
}

interface LineStyle extends TimeStyle {
  readonly between: string;
}

function widely(style: TimeStyle): LineStyle {
  return { ...style, between: gap };
}

/** Only for tables of short values, such as counts: names that are cut need the wider gap. */
function narrowly(style: TimeStyle): LineStyle {
  return { ...style, between: narrowGap, leastTextWidth: Number.POSITIVE_INFINITY };
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
  between: string,
): string {
  const line = (
    texts: readonly string[],
    shortened: (text: string, columnWidth: number) => string,
    style: (text: string, short: string) => string,
  ): string =>
    columns
      .map(({ width: columnWidth, isNumeric: alignsRight }, index) => {
        const text = texts[index] ?? '';
        const short = shortened(text, columnWidth);
        const space = ' '.repeat(Math.max(0, columnWidth - widthOf(short)));
        const styled = style(text, short);
        return alignsRight ? space + styled : styled + space;
      })
      .join(between)
      .trimEnd();
  return [
    line(names, cutAtEnd, (_, short) => paint.bold(short)),
    ...cells.map((row) => line(row, cutInMiddle, styleOf)),
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
function fittedTo(width: number | null, columns: readonly Column[], between: string): readonly Column[] | null {
  const gaps = between.length * (columns.length - 1);
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

/** Shortens a text to `width` columns with an ellipsis at its end. */
function cutAtEnd(text: string, width: number): string {
  return widthOf(text) <= width ? text : [...fitting(segmentsOf(text), width - ellipsis.length), ellipsis].join('');
}

/**
 * Shortens a text to `width` columns with an ellipsis in its middle: names of the tasks of one table often differ only
 * at the end.
 */
function cutInMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) {
    return text;
  }
  const segments = segmentsOf(text);
  const room = width - ellipsis.length;
  const start = fitting(segments, Math.ceil(room / 2)).join('');
  const end = fitting(segments.toReversed(), room - widthOf(start))
    .toReversed()
    .join('');
  return `${start}${ellipsis}${end}`;
}

/** Returns as many of the first characters as fit. */
function fitting(segments: readonly string[], width: number): readonly string[] {
  let used = 0;
  const first = segments.findIndex((segment) => {
    used += widthOf(segment);
    return used > width;
  });
  return first === -1 ? segments : segments.slice(0, first);
}

/** Returns the characters of a text, those that belong together as one. */
function segmentsOf(text: string): string[] {
  return [...graphemes.segment(text)].map(({ segment }) => segment);
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
