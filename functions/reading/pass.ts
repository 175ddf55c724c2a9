/**
 * One pass over the pages of a window. Pure over `fetchPage`.
 *
 * Where `count` is known to be a total, the pages after the first are fetched side by side; else one after the other
 * until the source has twice nothing more. A pass only reports what it saw; `verified.ts` decides whether that is all.
 */
import { SourceError } from '../errors.ts';
import { type EpochMs, maxPageRows, type Page, type Window } from '../model.ts';
import { addPage, type Collected, emptyCollected } from './collected.ts';
import { Gaps, type Span } from './gaps.ts';
import { fetchAt, fetchNonEmptyAt, pageRows, type Reader } from './reader.ts';
import { spanMs } from './window.ts';

/** A window of more pages than this is split as soon as it proves to move, not read to its end. */
export const rereadPages = 4;

/** What one pass over a window saw. */
export interface Pass {
  readonly collected: Collected;
  /** Every `count` that a reply with rows gave. More than one: the source changed meanwhile. */
  readonly counts: Set<number | null>;
  /** Start times of executions that two pages showed: the order among them is unstable, or the pages moved. */
  readonly duplicateTimes: Set<EpochMs>;
  /** The source had nothing more after the last row, by its count or by two empty replies. */
  reachedEnd: boolean;
  /** How many rows lie before the end, where two empty replies showed it; null where `count` told the end. */
  endPosition: number | null;
  /** Rows came after as many as `count` said: it is no total, or capped. */
  rowsBeyondCount: boolean;
  /** The source refused an offset; what lies beyond it was not read. */
  refused: boolean;
  /** The window holds more rows than were allowed; reading stopped early. */
  tooLarge: boolean;
  /** The count changed while a long window was read; nothing it had left to show could prove it, so reading stopped early. */
  abandoned: boolean;
  /** Spans for which nothing came although `count` says there is something. */
  holes: number;
  requests: number;
  repliesWithRows: number;
}

/** How to read. */
export interface PassOptions {
  /** Stop once the window is seen to hold more rows than this. */
  readonly maxRows: number;
  /** Don't believe `count`: go on until the source has nothing more. */
  readonly toEnd: boolean;
}

/** Reads a window once, from its first page to its end. Throws what `fetchPage` throws, save for a refused offset. */
export async function readPass(reader: Reader, window: Window, options: PassOptions): Promise<Pass> {
  const pass: Pass = {
    collected: emptyCollected(),
    counts: new Set(),
    duplicateTimes: new Set(),
    reachedEnd: false,
    endPosition: null,
    rowsBeyondCount: false,
    refused: false,
    tooLarge: false,
    abandoned: false,
    holes: 0,
    requests: 0,
    repliesWithRows: 0,
  };
  const first = await fetchNonEmptyAt(reader, window, 0);
  take(pass, first);
  const rows = pageRows(first);
  if (rows === 0) {
    pass.reachedEnd = first.count === 0 || first.count === null;
    pass.holes = pass.reachedEnd ? 0 : 1;
    return pass;
  }
  const total = options.toEnd ? null : totalSaid(reader, first, rows);
  if (total !== null && spanMs(window) > 1) {
    if (total > options.maxRows) {
      pass.tooLarge = true;
      return pass;
    }
    if (total >= reader.traits.countCap || total > rowsWithinReach(reader, rows)) {
      pass.refused = true;
      return pass;
    }
  }
  if (total === null) {
    await readOnward(reader, window, pass, rows, options);
  } else {
    await readTotal(reader, window, pass, rows, total);
  }
  return pass;
}

/** Adds a page to a pass. Empty replies have no say in whether the count is stable: they are glitches or the end. */
function take(pass: Pass, page: Page): void {
  pass.requests += 1;
  for (const startTimeMs of addPage(pass.collected, page)) {
    pass.duplicateTimes.add(startTimeMs);
  }
  if (pageRows(page) > 0) {
    pass.repliesWithRows += 1;
    pass.counts.add(page.count);
  }
}

/** The window's total, if the reply's `count` is one; null while it may be only the page's. `position`: rows up to the page's end. */
function totalSaid(reader: Reader, page: Page, position: number): number | null {
  if (page.count === null) {
    return null;
  }
  if (page.count > position && page.count > pageRows(page) && reader.traits.countIsTotal === null) {
    reader.traits.countIsTotal = true;
  }
  return reader.traits.countIsTotal === true && page.count >= position ? page.count : null;
}

function rowsWithinReach(reader: Reader, firstPageRows: number): number {
  return reader.traits.refusedOffset * (reader.offsetUnit === 'row' ? 1 : firstPageRows);
}

/** Reads positions `[rows, total)` side by side, then makes sure that nothing follows a last page that was full. */
async function readTotal(reader: Reader, window: Window, pass: Pass, rows: number, total: number): Promise<void> {
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
    if (pass.counts.size > 1 && spanMs(window) > 1 && total > rereadPages * strideRows()) {
      pass.abandoned = true;
      gaps.clear();
      return;
    }
    if (span.from + pageRows(page) >= total) {
      lastPageRows = pageRows(page);
    }
    if (span.from + pageRows(page) > total && !wholePages) {
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
  const mayBeCut = (total > rows || rows >= maxPageRows) && total >= reader.traits.largestCount;
  if (pass.reachedEnd && mayBeCut && lastPageRows >= reader.traits.largestPageRows) {
    await lookBeyond(reader, window, pass, wholePages ? Math.ceil(total / pageStride) : total, total);
  }
}

/** A full last page may have been cut off by a capped count: asks what comes after. */
async function lookBeyond(reader: Reader, window: Window, pass: Pass, offset: number, total: number): Promise<void> {
  let page = await fetchWithinReach(reader, window, offset);
  if (page !== null && pageRows(page) === 0) {
    page = await fetchWithinReach(reader, window, offset);
  }
  if (page === null) {
    // As many rows as can be reached, and no word of what comes after: a count capped at the deepest offset looks just so.
    pass.refused = true;
    pass.reachedEnd = false;
    reader.traits.countCap = Math.min(reader.traits.countCap, total);
    return;
  }
  if (pageRows(page) === 0) {
    return;
  }
  take(pass, page);
  pass.reachedEnd = false;
  noteRowsBeyond(reader, pass, page, total);
}

/** Learns from rows that came after as many as `count` said: a count that fits the page is the page's, a larger one is capped. */
function distrust(reader: Reader, count: number, rows: number): void {
  if (count > rows) {
    reader.traits.countCap = Math.min(reader.traits.countCap, count);
  } else {
    reader.traits.countIsTotal = false;
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
    const page = await fetchOnward(reader, window, reader.offsetUnit === 'row' ? position : pageIndex, position);
    if (page === null) {
      pass.refused = true;
      return;
    }
    take(pass, page);
    if (pageRows(page) === 0) {
      pass.reachedEnd = true;
      pass.endPosition = position;
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

/** Notes rows that came although `count` had said that the `position` rows before them were all. */
function noteRowsBeyond(reader: Reader, pass: Pass, page: Page, position: number): void {
  if (page.count !== null && page.count <= position) {
    pass.rowsBeyondCount = true;
    distrust(reader, page.count, pageRows(page));
  }
}

/**
 * The page at `offset`; an empty one is asked for twice, unless its count says that `position` rows are all. A round
 * number may be a cap, and the empty page a glitch, so then the count is not enough.
 */
async function fetchOnward(reader: Reader, window: Window, offset: number, position: number): Promise<Page | null> {
  const page = await fetchWithinReach(reader, window, offset);
  if (page === null || pageRows(page) > 0) {
    return page;
  }
  const confirms = (reply: Page): boolean => reply.count === position && reader.traits.countIsTotal !== false;
  const second = confirms(page) && position % 10 !== 0 ? page : await fetchWithinReach(reader, window, offset);
  if (second !== null && pageRows(second) === 0 && confirms(second)) {
    reader.traits.countIsTotal = true;
  }
  return second;
}

/** The page at `offset`, or null if the source refuses to go that far. */
async function fetchWithinReach(reader: Reader, window: Window, offset: number): Promise<Page | null> {
  if (offset >= reader.traits.refusedOffset) {
    return null;
  }
  try {
    return await fetchAt(reader, window, offset);
  } catch (error) {
    if (error instanceof SourceError && error.httpStatus === 400 && offset > 0) {
      reader.traits.refusedOffset = Math.min(reader.traits.refusedOffset, offset);
      return null;
    }
    throw error;
  }
}
