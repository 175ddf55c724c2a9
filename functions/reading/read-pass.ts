/**
 * One pass over the pages of a window. Pure over `fetchPage`.
 *
 * Where `count` is known to be a total, the pages after the first are fetched side by side; else one after the other
 * until the source has twice nothing more. A pass only reports what it saw; `verified.ts` decides whether that is all.
 */
import type { Page, Window } from '../model.ts';
import { Gaps, type Span } from './gaps.ts';
import { isTotalByLastRow, lookBeyondEnd, lookBeyondTotal, lookForCap } from './list-end.ts';
import { emptyPass, noteRowsBeyond, type Pass, take } from './pass.ts';
import { fetchNonEmptyAt, fetchNonEmptyWithinReach, fetchWithinReach, pageRows, type Reader } from './reader.ts';
import { spanMs } from './window.ts';

/** A window of more pages than this is split as soon as it proves to move, not read to its end. */
export const rereadPages = 4;

/** How to read. */
export interface PassOptions {
  /** Stop once the window is seen to hold more rows than this. */
  readonly maxRows: number;
  /** Don't believe `count`: go on until the source has nothing more. */
  readonly toEnd: boolean;
}

/** Reads a window once, from its first page to its end. Throws what `fetchPage` throws, save for a refused offset. */
export async function readPass(reader: Reader, window: Window, options: PassOptions): Promise<Pass> {
  const pass = emptyPass();
  const first = await fetchNonEmptyAt(reader, window, 0);
  take(pass, first);
  const rows = pageRows(first);
  if (rows === 0) {
    pass.reachedEnd = first.count === 0 || first.count === null;
    if (!pass.reachedEnd) {
      pass.holes = 1;
      pass.counts.add(first.count);
    }
    return pass;
  }
  const total = options.toEnd ? null : await totalOfFirst(reader, window, pass, first);
  if (total !== null && spanMs(window) > 1) {
    pass.tooLarge = total > options.maxRows;
    pass.refused = !pass.tooLarge && (total >= reader.traits.countCap || total > rowsWithinReach(reader, rows));
  }
  if (pass.tooLarge || pass.refused) {
    return pass;
  }
  if (total === null) {
    await readOnward(reader, window, pass, rows, options);
  } else {
    await readTotal(reader, window, pass, rows, total);
  }
  return pass;
}

/** Like `totalSaid`, and asks where the first page's `count` might be its own. */
async function totalOfFirst(reader: Reader, window: Window, pass: Pass, first: Page): Promise<number | null> {
  const rows = pageRows(first);
  const isOwnOrTotal = first.count === rows && reader.traits.countIsTotal === null;
  return isOwnOrTotal && (await isTotalByLastRow(reader, window, pass, rows)) ? rows : totalSaid(reader, first, rows);
}

/**
 * The window's total, if the reply's `count` is one, or seems to be; null while it may be only the page's. `position`: rows up
 * to the page's end.
 */
function totalSaid(reader: Reader, page: Page, position: number): number | null {
  const { countIsTotal } = reader.traits;
  if (page.count === null || countIsTotal === false || page.count < position) {
    return null;
  }
  const saysMore = page.count > position && page.count > pageRows(page);
  return countIsTotal === true || saysMore ? page.count : null;
}

function rowsWithinReach(reader: Reader, firstPageRows: number): number {
  return reader.traits.refusedOffset * (reader.offsetUnit === 'row' ? 1 : firstPageRows);
}

/** Reads positions `[rows, total)` side by side, then makes sure that nothing follows a last page that was full. */
async function readTotal(reader: Reader, window: Window, pass: Pass, rows: number, total: number): Promise<void> {
  await lookForCap(reader, window, pass, total);
  if (pass.refused) {
    return;
  }
  const gaps = new Gaps();
  gaps.add(rows, total);
  let lastPageRows = rows;
  let failed = false;
  const strideRows = (): number => Math.max(1, reader.traits.largestPageRows);
  const pageStride = Math.max(rows, strideRows());
  const wholePages = reader.offsetUnit === 'page';
  const fetchSpan = async (span: Span): Promise<void> => {
    const page = await fetchWithinReach(reader, window, wholePages ? Math.floor(span.from / pageStride) : span.from);
    if (page === null) {
      pass.refused = true;
      gaps.clear();
      return;
    }
    take(pass, page);
    gaps.settle(span, pageRows(page), wholePages);
    pass.hasShortPage ||= pageRows(page) < span.to - span.from;
    if (pass.counts.size > 1 && spanMs(window) > 1 && total > rereadPages * strideRows()) {
      pass.abandoned = true;
      gaps.clear();
      return;
    }
    if (span.from + pageRows(page) >= total) {
      lastPageRows = pageRows(page);
    }
    const at = wholePages ? Math.floor(span.from / pageStride) * pageStride : span.from;
    if (at + pageRows(page) > total) {
      noteRowsBeyond(reader, pass, page, total);
    }
  };
  const work = async (): Promise<void> => {
    for (let span = next(); span !== undefined; span = next()) {
      await fetchSpan(span);
    }
  };
  const next = (): Span | undefined => (failed ? undefined : gaps.take(wholePages ? pageStride : strideRows()));
  const workers = Math.max(1, Math.min(reader.inFlight(), Math.ceil((total - rows) / strideRows())));
  const results = await Promise.allSettled(
    Array.from({ length: workers }, () =>
      work().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    throw failure.reason;
  }
  pass.holes += gaps.holes;
  pass.reachedEnd = !pass.refused && !pass.abandoned && pass.holes === 0;
  learnFromPages(reader, pass);
  if (pass.reachedEnd) {
    const offset = wholePages ? Math.ceil(total / pageStride) : total;
    await lookBeyondTotal(reader, window, pass, { total, firstPageRows: rows, lastPageRows, offset });
  }
}

/** Reads on from position `rows`, page after page, until the source has twice nothing more or `count` proves to be a total. */
async function readOnward(
  reader: Reader,
  window: Window,
  pass: Pass,
  rows: number,
  options: PassOptions,
): Promise<void> {
  let position = rows;
  for (let pageIndex = 1; position <= options.maxRows || spanMs(window) === 1; pageIndex += 1) {
    const page = await fetchNonEmptyWithinReach(reader, window, reader.offsetUnit === 'row' ? position : pageIndex);
    if (page === null) {
      pass.refused = true;
      return;
    }
    take(pass, page);
    if (pageRows(page) === 0) {
      learnFromEnd(reader, page, position);
      pass.reachedEnd = true;
      pass.endPosition = position;
      await lookBeyondEnd(reader, window, pass, { rows: position, isCounted: page.count === position });
      return;
    }
    noteRowsBeyond(reader, pass, page, position);
    position += pageRows(page);
    const total = options.toEnd || reader.offsetUnit === 'page' ? null : totalSaid(reader, page, position);
    if (total !== null) {
      await readTotal(reader, window, pass, position, total);
      return;
    }
  }
  pass.tooLarge = true;
}

/** A count of the page would differ from page to page, or be passed by the rows. What a single reply says may be a glitch. */
function learnFromPages(reader: Reader, pass: Pass): void {
  if (pass.repliesWithRows > 1 && pass.counts.size === 1 && !pass.rowsBeyondCount && !pass.counts.has(null)) {
    reader.traits.countIsTotal ??= true;
  }
}

/** An empty page whose count is the rows before it tells a total: a count of the page would be 0. */
function learnFromEnd(reader: Reader, page: Page, position: number): void {
  if (page.count === position && reader.traits.countIsTotal === null) {
    reader.traits.countIsTotal = true;
  }
}
