/**
 * Renders a table for the terminal: a header and rows without lines, so that it can be copied, fitted to the width.
 * Takes linear time, unlike the table packages tried: cli-table3 needs 40 s for 8,000 rows.
 */
import stringWidth from 'fast-string-width';
import { printable } from './formats.ts';
import { paint, widthOf } from './output.ts';
import { fullTimes, type Instant, shortTimes, type TimeStyle } from './table-times.ts';

/** The value of a cell. */
export type Cell = string | number | bigint | boolean | Instant | null;

/** The style of a table. */
interface TableStyle {
  /** Width of the terminal in characters; null for no limit, as in a pipe. Default: the width of stdout. */
  readonly width?: number | null;
  /** Whether to print one line per value, after the name of its column. */
  readonly isVertical?: boolean | undefined;
}

const gap = '  ';
/** The gap of a table that would otherwise be too wide for the terminal. */
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
 * terminal, times leave out their common part, which a line below the table states; if that is not enough, columns move
 * together, a long text that is the same in every row moves below the table, and then texts are shortened. A table that
 * is still too wide is rendered vertically, and so is a single row, so that none of its values is shortened.
 */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  { width = widthOf(process.stdout), isVertical = false }: TableStyle = {},
): string {
  const names = headings.map(printable);
  const room = width ?? Number.POSITIVE_INFINITY;
  const instants = rows.flatMap((row) => row.flatMap((cell) => (isInstant(cell) ? [cell.ms] : [])));
  const styles = width === null ? [fullTimes] : shortTimes(instants);
  const layouts = [...styles.map((times) => ({ times, between: gap })), { times: styles.at(-1), between: narrowGap }];
  for (const { times = fullTimes, between } of isVertical ? [] : layouts) {
    const columns = columnsOf(names, rows, times);
    const isWide = totalWidth(columns, between) > room;
    const fitted = !isWide ? { shown: columns, notes: [] } : between === narrowGap ? narrowed(columns, room) : null;
    if (fitted !== null) {
      const notes = [...fitted.notes, ...(times.note === null ? [] : [times.note])].map((note) => paint.dim(note));
      return [...linesOf(fitted.shown, rows.length, between), ...notes].join('\n');
    }
  }
  return renderVertically(columnsOf(names, rows, fullTimes), rows.length);
}

interface Column {
  readonly name: string;
  readonly texts: readonly string[];
  readonly isNumeric: boolean;
  readonly hasTimes: boolean;
  /** Whether all values are short, as those of a known set. */
  readonly hasWords: boolean;
  readonly width: number;
}

function columnsOf(names: readonly string[], rows: readonly (readonly Cell[])[], times: TimeStyle): Column[] {
  return names.map((name, index) => {
    const cells = rows.map((row) => row[index] ?? null);
    const values = cells.filter((cell) => cell !== null);
    const texts = cells.map((cell) => cellText(cell, times));
    const widths = texts.map((text) => stringWidth(text));
    return {
      name,
      texts,
      isNumeric: values.length > 0 && values.every((cell) => typeof cell === 'number' || typeof cell === 'bigint'),
      hasTimes: cells.some(isInstant),
      hasWords: widths.every((each) => each <= maxWordWidth),
      width: widths.reduce((widest, each) => Math.max(widest, each), stringWidth(name)),
    };
  });
}

function linesOf(columns: readonly Column[], rowCount: number, between: string): string[] {
  const padded = ({ width, isNumeric }: Column, short: string, styled: string): string => {
    const space = ' '.repeat(Math.max(0, width - stringWidth(short)));
    return isNumeric ? space + styled : styled + space;
  };
  const line = (cellIn: (column: Column) => string): string => columns.map(cellIn).join(between).trimEnd();
  const heading = line((column) => {
    const short = cutInMiddle(column.name, column.width);
    return padded(column, short, paint.bold(short));
  });
  const rows = Array.from({ length: rowCount }, (_, row) =>
    line((column) => {
      const text = column.texts[row] ?? '';
      const short = cutInMiddle(text, column.width);
      return padded(column, short, styleOf(text, short));
    }),
  );
  return [heading, ...rows];
}

function renderVertically(columns: readonly Column[], rowCount: number): string {
  const nameWidth = columns.reduce((widest, { name }) => Math.max(widest, stringWidth(name)), 0);
  return Array.from({ length: rowCount }, (_, row) =>
    columns
      .map(({ name, texts }) => {
        const text = texts[row] ?? '';
        return `${paint.bold(name)}${' '.repeat(nameWidth - stringWidth(name))}${gap}${styleOf(text, text)}`;
      })
      .join('\n'),
  ).join('\n\n');
}

function totalWidth(columns: readonly Column[], between: string): number {
  return columns.reduce((sum, column) => sum + column.width, between.length * (columns.length - 1));
}

/**
 * Moves long texts that are the same in every row into notes, and shortens others; null if it still does not fit, or for
 * a single row.
 */
function narrowed(columns: readonly Column[], room: number) {
  if (columns[0]?.texts.length === 1) {
    return null;
  }
  const same = columns.filter(isSame);
  const others = columns.filter((column) => !same.includes(column));
  const shown = shortened(others, totalWidth(others, narrowGap) - room);
  return shown === null ? null : { shown, notes: same.map(({ name, texts }) => `${name} of every row: ${texts[0]}`) };
}

/** Whether a long text, such as the id of a workspace, is the same in every row. */
function isSame({ texts, isNumeric, hasTimes, hasWords }: Column): boolean {
  return !isNumeric && !hasTimes && !hasWords && texts.every((text) => text === texts[0]);
}

/**
 * Shortens free texts first, widest first, and words only if that is not enough. Numbers and times keep their width,
 * because a part of one is useless. Returns null if the table still does not fit.
 */
function shortened(columns: readonly Column[], excess: number): readonly Column[] | null {
  const shown = columns.map((column) => ({ ...column }));
  const texts = shown.filter((column) => !column.isNumeric && !column.hasTimes);
  const free = texts.filter(({ hasWords }) => !hasWords);
  for (let left = excess; left > 0; left -= 1) {
    const widest =
      widestAbove(comfortableWidth, free) ?? widestAbove(minColumnWidth, free) ?? widestAbove(minColumnWidth, texts);
    if (widest === null) {
      return null;
    }
    widest.width -= 1;
  }
  return shown;
}

function widestAbove<T extends Column>(least: number, columns: readonly T[]): T | null {
  const [first, ...others] = columns.filter(({ width }) => width > least);
  return first === undefined ? null : others.reduce((a, b) => (b.width > a.width ? b : a), first);
}

/**
 * Shortens a string to `width` columns with an ellipsis in its middle: names of the tasks of one table often differ only
 * at the end.
 */
function cutInMiddle(text: string, width: number): string {
  if (stringWidth(text) <= width) {
    return text;
  }
  // Characters that belong together count as one.
  const segments = [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
  const room = width - ellipsis.length;
  const start = fitting(segments, Math.ceil(room / 2)).join('');
  const end = fitting(segments.toReversed(), room - stringWidth(start))
    .toReversed()
    .join('');
  return `${start}${ellipsis}${end}`;
}

/** Returns as many of the first characters as fit. */
function fitting(segments: readonly string[], width: number): readonly string[] {
  let used = 0;
  const first = segments.findIndex((segment) => {
    used += stringWidth(segment);
    return used > width;
  });
  return first === -1 ? segments : segments.slice(0, first);
}

function cellText(cell: Cell, times: TimeStyle): string {
  return cell === null ? '-' : isInstant(cell) ? times.textOf(cell.ms) : printable(String(cell));
}

function isInstant(cell: Cell): cell is Instant {
  return typeof cell === 'object' && cell !== null;
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
  ok: paint.green,
  stale: paint.red,
  unreadable: paint.red,
  'never run': paint.yellow,
};

/** Colors a status. Other texts stay unchanged. */
export function styleOf(text: string, shown: string): string {
  return (Object.hasOwn(colorsOfStatuses, text) ? colorsOfStatuses[text] : undefined)?.(shown) ?? shown;
}
