/** Whether more comes after the rows that `count`, or an empty reply, says are all. Pure over `fetchPage`. */
import { type EpochMs, maxPageRows, type Page, type Window } from '../model.ts';
import { addPage } from './collected.ts';
import { noteRowsBeyond, type Pass, take } from './pass.ts';
import {
  fetchCount,
  fetchNonEmptyAt,
  fetchNonEmptyWithinReach,
  fetchWithinReach,
  pageRows,
  type Reader,
} from './reader.ts';
import { contains, spanMs } from './window.ts';

/** What a pass over `total` rows came to. */
export interface TotalRead {
  readonly total: number;
  /** Rows of the first page, and of the one that reached the total. */
  readonly firstPageRows: number;
  readonly lastPageRows: number;
  /** What to ask for after the total, in the source's unit. */
  readonly offset: number;
}

/** Caps are round; a total that is not cannot be one, unless a page was cut short just there. */
const roundRows = 50;
/** A source's pages may be shorter than what is asked for, but not shorter than this; and a count capped at one of these. */
const fewestPageRows = 10;

/** What lies in the millisecond at a cut, or in the one before it, may be counted on both sides. */
const overlapMs = 2;

/** Whether as many rows may be a cap. */
export function isRoundCount(rows: number): boolean {
  return rows % roundRows === 0;
}

/**
 * Makes sure that `total` is no cap, where it may be one: no reply gave a larger count, and there may be rows beyond, because
 * the last page was full, or the total is round, or pages were cut short. Notes in the pass and the traits what it finds.
 */
export async function lookBeyondTotal(reader: Reader, window: Window, pass: Pass, read: TotalRead): Promise<void> {
  const { total, firstPageRows, lastPageRows } = read;
  if (total < reader.traits.largestCount) {
    return;
  }
  if (total <= firstPageRows && firstPageRows < maxPageRows) {
    const mayBeFull = total % fewestPageRows === 0 || total >= Math.max(fewestPageRows, reader.traits.largestPageRows);
    if (mayBeFull && !pass.lastRowSeen) {
      await lookBeyond(reader, window, pass, read);
    }
    return;
  }
  if (isRoundCount(total) || pass.hasShortPage || lastPageRows >= reader.traits.largestPageRows) {
    await lookBeyond(reader, window, pass, read);
  }
}

/**
 * Before a total of several pages is read: makes sure that it is no cap, where it may be one. A cap would hide that a row has
 * left between two pages; and a list may end at a cap, too, as if that were all. Notes in the pass and the traits what it finds.
 * The first page is read once more then, for a row may have left since, behind a cap; from now on that shows in the count.
 */
export async function lookForCap(reader: Reader, window: Window, pass: Pass, total: number): Promise<void> {
  if (isRoundCount(total) && total >= maxPageRows && total >= reader.traits.largestCount) {
    await refuseCap(reader, window, pass, total);
    if (!pass.refused && spanMs(window) > 1) {
      const first = await fetchNonEmptyAt(reader, window, 0);
      addPage(pass.collected, first);
      pass.counts.add(first.count);
    }
  }
}

/**
 * Whether a list that an empty reply ended, after `rows` rows on several pages, may go on: sources that go no deeper than a
 * round number may say so by an empty list. Notes in the pass and the traits what it finds.
 *
 * @param isCounted the empty reply counted as many rows
 */
export async function lookBeyondEnd(
  reader: Reader,
  window: Window,
  pass: Pass,
  { rows, isCounted }: { readonly rows: number; readonly isCounted: boolean },
): Promise<void> {
  if (!isRoundCount(rows) || spanMs(window) === 1) {
    return;
  }
  if (isCounted) {
    await refuseCap(reader, window, pass, rows);
  } else if (pass.repliesWithRows > 1) {
    // No count to compare with: shorter windows will tell.
    pass.refused = true;
    pass.reachedEnd = false;
  }
}

async function lookBeyond(reader: Reader, window: Window, pass: Pass, read: TotalRead): Promise<void> {
  const { offset, total, firstPageRows } = read;
  if (total <= firstPageRows && (await isLastRow(reader, window, pass, total))) {
    return;
  }
  const page = await fetchNonEmptyWithinReach(reader, window, offset);
  if (page === null) {
    // As many rows as can be reached, and no word of what comes after: a count capped at the deepest offset looks just so.
    refuse(reader, pass, total);
    return;
  }
  if (pageRows(page) === 0) {
    return;
  }
  take(pass, page);
  pass.reachedEnd = false;
  noteRowsBeyond(reader, pass, page, total);
}

/** Asks for the last row again: that one comes alone is no glitch, so one request tells what takes two empty replies. */
async function isLastRow(reader: Reader, window: Window, pass: Pass, total: number): Promise<boolean> {
  if (reader.offsetUnit !== 'row') {
    return false;
  }
  const page = await fetchWithinReach(reader, window, total - 1);
  pass.lastRowSeen = page !== null && isOneRow(pass, page);
  return pass.lastRowSeen;
}

/** Whether one row came alone. It is added to those of the pass: where another has slipped there, it is one too many. */
function isOneRow(pass: Pass, page: Page): boolean {
  addPage(pass.collected, page);
  return pageRows(page) === 1;
}

function refuse(reader: Reader, pass: Pass, total: number): void {
  pass.refused = true;
  pass.reachedEnd = false;
  reader.traits.countCap = Math.min(reader.traits.countCap, total);
}

async function refuseCap(reader: Reader, window: Window, pass: Pass, total: number): Promise<void> {
  if (spanMs(window) > 1 && (await isCapped(reader, window, pass, total))) {
    refuse(reader, pass, total);
    reader.traits.listCap = Math.min(reader.traits.listCap, total);
  }
}

/** Whether `total` is a cap: then two parts of the window hold more together. Less means that it has changed. */
async function isCapped(reader: Reader, window: Window, pass: Pass, total: number): Promise<boolean> {
  for (const cutMs of cutsOf(window, pass)) {
    const early = (await fetchCount(reader, { fromMs: window.fromMs, toMs: cutMs })) ?? 0;
    const late = (await fetchCount(reader, { fromMs: cutMs, toMs: window.toMs })) ?? 0;
    // Both were asked for a millisecond more than they have: what lies there may be in both.
    const inBoth = early + late > total ? await fetchCount(reader, { fromMs: cutMs, toMs: cutMs }) : 0;
    if (early + late - (inBoth ?? 0) > total) {
      return true;
    }
    if (early + late < total) {
      // A row has left since the first page.
      pass.counts.add(early + late);
    }
  }
  return false;
}

/**
 * Where to cut, so that each part has a row of its own that was shown: the other part may then be capped, and both together
 * are more. Where all that was shown lies close together: one cut after it, and one before it.
 */
function cutsOf(window: Window, pass: Pass): EpochMs[] {
  const times = timesIn(window, pass);
  const middleMs = Math.floor((window.fromMs + window.toMs) / 2);
  const firstMs = times[0] ?? middleMs - overlapMs;
  const lastMs = times.at(-1) ?? middleMs + overlapMs;
  const medianMs = times[Math.floor(times.length / 2)] ?? middleMs;
  return lastMs - firstMs > overlapMs
    ? [Math.max(firstMs + overlapMs, Math.min(lastMs - 1, medianMs))]
    : [lastMs + overlapMs, firstMs - 1];
}

function timesIn(window: Window, pass: Pass): EpochMs[] {
  return [...pass.collected.seen.values()]
    .map(({ execution }) => execution.startTimeMs)
    .filter((ms) => contains(window, ms))
    .sort((a, b) => a - b);
}

/**
 * Whether the `count` of a first page that had just as many rows is the total: asks for the last of its rows again. A count
 * of the page would be 1, and a reply with a row is no glitch, so that one request tells what two empty replies can't.
 */
export async function isTotalByLastRow(reader: Reader, window: Window, pass: Pass, rows: number): Promise<boolean> {
  if (reader.offsetUnit !== 'row' || rows < 2) {
    return false;
  }
  const page = await fetchWithinReach(reader, window, rows - 1);
  if (page === null || !isOneRow(pass, page)) {
    return false;
  }
  pass.lastRowSeen = true;
  const isTotal = page.count === rows;
  if (isTotal || page.count === 1) {
    reader.traits.countIsTotal = isTotal;
  }
  return isTotal;
}
