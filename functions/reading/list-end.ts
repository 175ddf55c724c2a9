/** Whether more comes after the rows that `count` says are all. Pure over `fetchPage`. */
import { maxPageRows, type Window } from '../model.ts';
import { noteRowsBeyond, type Pass, take } from './pass.ts';
import { fetchCount, fetchNonEmptyWithinReach, fetchWithinReach, pageRows, type Reader } from './reader.ts';

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
const maxHalvings = 8;

/**
 * Makes sure that `total` is no cap, where it may be one: no reply gave a larger count, and there may be rows beyond, because
 * the last page was full, or the total is round, or pages were cut short. Notes in the pass and the traits what it finds.
 */
export async function lookBeyondTotal(reader: Reader, window: Window, pass: Pass, read: TotalRead): Promise<void> {
  const { total, firstPageRows, lastPageRows } = read;
  const isRound = total % roundRows === 0;
  const mayBeCut = (total > firstPageRows || firstPageRows >= maxPageRows) && total >= reader.traits.largestCount;
  if (!mayBeCut || !(isRound || pass.hasShortPage || lastPageRows >= reader.traits.largestPageRows)) {
    return;
  }
  await lookBeyond(reader, window, pass, read);
  if (pass.reachedEnd && isRound && (await isSilentlyCapped(reader, window, total))) {
    refuse(reader, pass, total);
  }
}

async function lookBeyond(reader: Reader, window: Window, pass: Pass, { offset, total }: TotalRead): Promise<void> {
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

function refuse(reader: Reader, pass: Pass, total: number): void {
  pass.refused = true;
  pass.reachedEnd = false;
  reader.traits.countCap = Math.min(reader.traits.countCap, total);
}

/**
 * Whether list and count both end at `total` although there is more: then the halves of the window hold more together.
 * A half without rows tells nothing, so the other one is halved again.
 */
async function isSilentlyCapped(reader: Reader, window: Window, total: number): Promise<boolean> {
  let { fromMs, toMs } = window;
  for (let halvings = 0; halvings < maxHalvings && toMs - fromMs > 1; halvings += 1) {
    const midMs = Math.floor((fromMs + toMs) / 2);
    const early = await fetchCount(reader, { fromMs, toMs: midMs });
    const late = await fetchCount(reader, { fromMs: midMs, toMs });
    if (early === null || late === null) {
      return false;
    }
    if (early > 0 && late > 0) {
      // Both were asked for a millisecond more than they have: what lies there may be in both.
      const inBoth = early + late > total ? await fetchCount(reader, { fromMs: midMs, toMs: midMs }) : 0;
      return early + late - (inBoth ?? 0) > total;
    }
    [fromMs, toMs] = early > 0 ? [fromMs, midMs] : [midMs, toMs];
  }
  return false;
}

/**
 * Whether the `count` of a first page that had just as many rows is the total: asks for the last of its rows again. A count
 * of the page would be 1, and a reply with a row is no glitch, so that one request tells what two empty replies can't.
 */
export async function isTotalByLastRow(reader: Reader, window: Window, rows: number): Promise<boolean> {
  if (reader.offsetUnit !== 'row' || rows < 2) {
    return false;
  }
  const page = await fetchWithinReach(reader, window, rows - 1);
  if (page === null || pageRows(page) !== 1) {
    return false;
  }
  const isTotal = page.count === rows;
  if (isTotal || page.count === 1) {
    reader.traits.countIsTotal = isTotal;
  }
  return isTotal;
}
