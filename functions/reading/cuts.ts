/**
 * Where to cut a window that one reply does not hold. Pure. Order and density only suggest a cut; that a part is complete
 * is proven by rules that do not use them.
 *
 * Start times are whole seconds as far as is known, so cuts lie at x.500 s, where no row can be. Where milliseconds were
 * seen, cuts lie between two rows that were shown.
 */
import { contains, cutAt, evenCuts, quantileCuts } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { Evidence } from './evidence.ts';
import type { Reply } from './page-source.ts';

/** Which rows may still appear, and which of them the next run reads again. */
export interface Ages {
  /** What starts earlier only leaves the source. */
  readonly settledUntilMs: EpochMs;
  /** What starts from here on is read again by the next run; infinite where nothing is. */
  readonly rereadFromMs: EpochMs;
}

/** A window cut in two: `part` seems to be shown whole, `remainder` is asked for next. */
export interface Cut {
  readonly part: Window;
  readonly remainder: Window;
  /** Rows of the reply that lie in `part`. */
  readonly shownRows: number;
}

/** A tile aims at this share of a page: at 80 of 100 rows, one in forty overflows by chance. */
const tileFill = 0.8;
/** Windows whose counts are exact are made this much smaller than the largest exact count. */
const countFill = 0.6;
/** More tiles are cut in two steps, so that the second one goes by counts of its own. */
const maxTiles = 96;
/** So many of a page's rows share a second with the next one where rows come in peaks. */
const clumpedShare = 0.1;
/** A page counts as ordered where so many of its steps go one way: ids follow start times but for executions run again. */
const orderedShare = 0.9;

/** Whether a window holds rows of a single start time only, as far as start times are known. */
export function isSingleTime({ fromMs, toMs }: Window, isWholeSeconds: boolean): boolean {
  return isWholeSeconds ? Math.ceil(fromMs / 1000) >= Math.floor((toMs - 1) / 1000) : toMs - fromMs <= 1;
}

/**
 * Cuts a window for a balance (R2): off the side that an ordered page shows whole. Returns null where nothing can be balanced
 * (no exact count, a row shown twice), the rows suggest no cut (no order, one time only), or rows may still appear in the
 * remainder although the part is settled.
 */
export function balanceCut(window: Window, reply: Reply, evidence: Evidence, ages: Ages): Cut | null {
  const { hints } = evidence;
  const { rows, distinct, times } = reply;
  const isUsable = evidence.balancesHold && hints.balancesPay && evidence.believes(reply.count) && distinct === rows;
  const order = isUsable && !isSingleTime(window, hints.isWholeSeconds) ? orderOf(times) : 0;
  const edgeMs = order === 0 ? null : pageEdge(sorted(times), order, hints);
  const [older, newer] = edgeMs === null ? [] : cutAt(window, [edgeMs]);
  if (edgeMs === null || older === undefined || newer === undefined) {
    return null;
  }
  const [part, remainder] = order < 0 ? [newer, older] : [older, newer];
  const shownRows = rowsBeside(times, edgeMs, order);
  const isSafe = remainder.toMs <= ages.settledUntilMs || part.fromMs >= ages.rereadFromMs;
  return shownRows > 0 && isSafe ? { part, remainder, shownRows } : null;
}

/** Cuts a window into parts that are read by themselves (R4); at least two, unless it holds a single time. */
export function partsOf(window: Window, reply: Reply, evidence: Evidence, ages: Ages): Window[] {
  const { isWholeSeconds } = evidence.hints;
  const count = evidence.believes(reply.count) ? reply.count : null;
  const middleMs = (window.fromMs + window.toMs) / 2;
  const choices = [
    // An ascending page balances only where nothing may appear behind it.
    count !== null && orderOf(reply.times) > 0 ? [ages.settledUntilMs, ages.rereadFromMs] : [],
    aligned(suggestedCuts(window, reply.times, count, evidence), isWholeSeconds),
    aligned([middleMs], isWholeSeconds),
  ];
  return choices.map((cuts) => cutAt(window, cuts)).find((parts) => parts.length > 1) ?? [window];
}

function suggestedCuts(window: Window, shown: readonly EpochMs[], count: number | null, evidence: Evidence): EpochMs[] {
  const times = sorted(shown.filter((ms) => contains(window, ms)));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const { isWholeSeconds } = evidence.hints;
  if (isSingleTime({ fromMs: first, toMs: last + 1 }, isWholeSeconds)) {
    return isWholeSeconds ? [first - 500, last + 500] : [first, last + 1];
  }
  const tileRows = Math.max(1, evidence.pageRows * tileFill);
  const tiles = Math.max(2, Math.ceil((count ?? 0) / tileRows));
  const parts = count === null ? 4 : tiles <= maxTiles ? tiles : Math.ceil((2 * tiles) / maxTiles);
  if (count !== null && !isClumped(times)) {
    return evenCuts(window, parts);
  }
  const order = orderOf(shown);
  const edgeMs = order === 0 ? null : pageEdge(times, order, evidence.hints);
  if (order === 0 || edgeMs === null) {
    return quantileCuts(times, parts);
  }
  // The page shows one end of the window: off what it shows, and a tile as dense as that.
  const rows = count === null ? Math.max(tileRows, evidence.largestCount * countFill) : tileRows;
  const shownMs = order < 0 ? window.toMs - edgeMs : edgeMs - window.fromMs;
  const tileMs = (shownMs * rows) / Math.max(1, rowsBeside(times, edgeMs, order));
  return [edgeMs, edgeMs + order * tileMs];
}

/** Returns the cut that leaves `marginRows` rows at the far end of an ordered page, or a few more, and lies clear of all. */
function pageEdge(times: readonly EpochMs[], order: -1 | 1, hints: Evidence['hints']): EpochMs | null {
  const distanceMs = (hints.isWholeSeconds ? 500 : 2) * -order;
  // From the far end inwards: oldest first where pages fall in time.
  const inwards = order < 0 ? times : times.toReversed();
  for (let index = hints.marginRows - 1; index + 1 < inwards.length; index += 1) {
    const [left = 0, kept = 0] = [inwards[index], inwards[index + 1]];
    const edgeMs = left + distanceMs;
    if ((kept - edgeMs) * -order > 1) {
      return edgeMs;
    }
  }
  return null;
}

/** Returns how many rows lie on the side of a cut that a page of this order shows whole. */
function rowsBeside(times: readonly EpochMs[], edgeMs: EpochMs, order: -1 | 0 | 1): number {
  return times.filter((ms) => ms < edgeMs === order > 0).length;
}

/** 1 where the times rise, -1 where they fall, 0 where neither holds for nearly all steps. */
function orderOf(times: readonly EpochMs[]): -1 | 0 | 1 {
  let rising = 0;
  let falling = 0;
  for (let index = 1; index < times.length; index += 1) {
    const stepMs = (times[index] ?? 0) - (times[index - 1] ?? 0);
    rising += stepMs > 0 ? 1 : 0;
    falling += stepMs < 0 ? 1 : 0;
  }
  const needed = (rising + falling) * orderedShare;
  return rising + falling === 0 ? 0 : rising >= needed ? 1 : falling >= needed ? -1 : 0;
}

function sorted(times: readonly EpochMs[]): EpochMs[] {
  return times.toSorted((a, b) => a - b);
}

function isClumped(times: readonly EpochMs[]): boolean {
  const shared = times.filter((ms, index) => index > 0 && ms - (times[index - 1] ?? 0) < 1000);
  return shared.length > times.length * clumpedShare;
}

/** Moves cuts to the nearest place where no row can be. */
function aligned(cutsMs: readonly EpochMs[], isWholeSeconds: boolean): EpochMs[] {
  return cutsMs.map((ms) => (isWholeSeconds ? Math.round((ms - 500) / 1000) * 1000 + 500 : Math.round(ms)));
}
