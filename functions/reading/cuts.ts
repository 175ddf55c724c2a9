/**
 * Chooses where to cut a window that does not fit into one reply. Pure. Cuts are hints from order and density; no proof
 * relies on them.
 *
 * Start times are whole seconds as far as we know, so cuts lie at x.500 s, where no row starts. If start times with
 * milliseconds were seen, cuts lie between two rows that were shown.
 */
import { contains, cutAt, evenCuts, quantileCuts } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { Reply } from './page-source.ts';
import type { SourceProfile } from './source-profile.ts';

/** The times that separate settled rows, rows that may still appear, and rows that the next run reads again. */
export interface Ages {
  /** Rows that start earlier can leave the source; none appears any more. */
  readonly settledUntilMs: EpochMs;
  /** The next run reads again all rows that start at this time or later; infinite if it reads none again. */
  readonly rereadFromMs: EpochMs;
}

/** A window cut in two: `part` seems to be shown completely, `remainder` is requested next. */
export interface Cut {
  readonly part: Window;
  readonly remainder: Window;
  /** Rows of the reply that lie in `part`. */
  readonly shownRows: number;
}

/** Tiles aim at this share of a page. At 80 of 100 rows, one in forty overflows by chance. */
const tileFill = 0.8;
/** Windows aim at this share of the largest exact count, so that their own counts are exact too. */
const countFill = 0.6;
/** A window that needs more tiles is cut in two steps, so that the second step has counts of its own. */
const maxTiles = 96;
/** Rows come in peaks if more than this share of a page's rows shares a second with the row before it. */
const clumpedShare = 0.1;
/** With a larger margin tiles cost less: a failed balance costs two more requests, a tile a third of one. */
const maxMarginRows = 16;
/** A page is ordered if this share of its steps goes one way. Ids follow start times, except for re-runs. */
const orderedShare = 0.9;

/** Returns whether the rows of a window can have only a single start time. */
export function isSingleTime({ fromMs, toMs }: Window, isWholeSeconds: boolean): boolean {
  return isWholeSeconds ? Math.ceil(fromMs / 1000) >= Math.floor((toMs - 1) / 1000) : toMs - fromMs <= 1;
}

/**
 * Cuts a window for a balance (R2): `part` is the side that an ordered page seems to show completely. Returns null if
 * no balance is possible: no exact count, a row shown twice, no order, a single start time, or rows that may still
 * appear in the remainder of a settled part.
 */
export function balanceCut(window: Window, reply: Reply, profile: SourceProfile, ages: Ages): Cut | null {
  const { hints } = profile;
  const { rows, distinct, times } = reply;
  const isUsable =
    profile.balancesHold && hints.marginRows <= maxMarginRows && profile.believes(reply.count) && distinct === rows;
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

/** Cuts a window into at least two parts that are read separately (R4). A window of a single start time stays whole. */
export function partsOf(window: Window, reply: Reply, profile: SourceProfile, ages: Ages): Window[] {
  const { isWholeSeconds } = profile.hints;
  const count = profile.believes(reply.count) ? reply.count : null;
  const middleMs = (window.fromMs + window.toMs) / 2;
  const choices = [
    // Rows may still appear after these times, so an ascending page balances only up to them.
    count !== null && orderOf(reply.times) > 0 ? [ages.settledUntilMs, ages.rereadFromMs] : [],
    aligned(suggestedCuts(window, reply.times, count, profile), isWholeSeconds),
    aligned([middleMs], isWholeSeconds),
  ];
  return choices.map((cuts) => cutAt(window, cuts)).find((parts) => parts.length > 1) ?? [window];
}

/** Cuts a window in the middle. Returns nothing if it has a single start time or cannot be cut. */
export function halvesOf(window: Window, isWholeSeconds: boolean): Window[] {
  const parts = cutAt(window, aligned([(window.fromMs + window.toMs) / 2], isWholeSeconds));
  return parts.length > 1 && !isSingleTime(window, isWholeSeconds) ? parts : [];
}

function suggestedCuts(
  window: Window,
  shown: readonly EpochMs[],
  count: number | null,
  profile: SourceProfile,
): EpochMs[] {
  const times = sorted(shown.filter((ms) => contains(window, ms)));
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  const { isWholeSeconds } = profile.hints;
  if (isSingleTime({ fromMs: first, toMs: last + 1 }, isWholeSeconds)) {
    return isWholeSeconds ? [first - 500, last + 500] : [first, last + 1];
  }
  const tileRows = Math.max(1, profile.pageRows * tileFill);
  const tiles = Math.max(2, Math.ceil((count ?? 0) / tileRows));
  const parts = count === null ? 4 : tiles <= maxTiles ? tiles : Math.ceil((2 * tiles) / maxTiles);
  if (count !== null && !isClumped(times)) {
    return evenCuts(window, parts);
  }
  const order = orderOf(shown);
  const edgeMs = order === 0 ? null : pageEdge(times, order, profile.hints);
  if (order === 0 || edgeMs === null) {
    return quantileCuts(times, parts);
  }
  // The page shows one end of the window. Cut off what it shows, then a tile of the same density.
  const rows = count === null ? Math.max(tileRows, profile.largestCount * countFill) : tileRows;
  const shownMs = order < 0 ? window.toMs - edgeMs : edgeMs - window.fromMs;
  const tileMs = (shownMs * rows) / Math.max(1, rowsBeside(times, edgeMs, order));
  return [edgeMs, edgeMs + order * tileMs];
}

/**
 * Returns the cut that leaves at least `marginRows` rows at the far end of an ordered page; null if no gap is wide
 * enough.
 */
function pageEdge(times: readonly EpochMs[], order: -1 | 1, hints: SourceProfile['hints']): EpochMs | null {
  const distanceMs = (hints.isWholeSeconds ? 500 : 2) * -order;
  // From the far end inwards, so oldest first if start times fall.
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

/** Returns how many rows lie on the side of a cut that a page of this order shows completely. */
function rowsBeside(times: readonly EpochMs[], edgeMs: EpochMs, order: -1 | 0 | 1): number {
  return times.filter((ms) => ms < edgeMs === order > 0).length;
}

/** Returns 1 if the times rise, -1 if they fall, 0 if too many steps go the other way. */
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

/** Moves cuts to the nearest place where no row can start. */
function aligned(cutsMs: readonly EpochMs[], isWholeSeconds: boolean): EpochMs[] {
  return cutsMs.map((ms) => (isWholeSeconds ? Math.round((ms - 500) / 1000) * 1000 + 500 : Math.round(ms)));
}
