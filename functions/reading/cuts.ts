/**
 * Chooses where to cut a window that does not fit into one reply. Pure. Cuts are hints from order and density; no proof
 * relies on them.
 *
 * Start times are whole seconds as far as we know, so cuts lie at x.500 s, where no row starts. If start times with
 * milliseconds were seen, cuts lie between two rows that were shown.
 */
import { contains, cutAt, evenCuts, quantileCuts, spanMs } from '../intervals.ts';
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
  const { balancesHold, hints } = profile;
  const isUsable = balancesHold && profile.believes(reply.count) && reply.distinct === reply.rows;
  const mayPay = hints.marginRows <= maxMarginRows && !isSingleTime(window, hints.isWholeSeconds);
  const cut = isUsable && mayPay ? pageCut(window, reply, hints) : null;
  const isSafe = cut && (cut.remainder.toMs <= ages.settledUntilMs || cut.part.fromMs >= ages.rereadFromMs);
  return isSafe ? cut : null;
}

/** Cuts a window into at least two parts that are read separately (R4). */
export function partsOf(window: Window, reply: Reply, profile: SourceProfile, ages: Ages): Window[] {
  const { isWholeSeconds } = profile.hints;
  const count = profile.believes(reply.count) ? reply.count : null;
  const choices = [
    // Rows may still appear after these times, so an ascending page balances only up to them.
    count !== null && orderOf(reply.times) > 0 ? [ages.settledUntilMs, ages.rereadFromMs] : [],
    aligned(suggestedCuts(window, reply, count, profile), isWholeSeconds),
  ];
  return (
    choices.map((cuts) => cutAt(window, cuts)).find((parts) => parts.length > 1) ?? halvesOf(window, isWholeSeconds)
  );
}

/** Cuts a window in the middle. Returns nothing if it has a single start time. */
export function halvesOf(window: Window, isWholeSeconds: boolean): Window[] {
  const middleMs = (window.fromMs + window.toMs) / 2;
  return isSingleTime(window, isWholeSeconds) ? [] : cutAt(window, aligned([middleMs], isWholeSeconds));
}

function suggestedCuts(window: Window, reply: Reply, count: number | null, profile: SourceProfile): EpochMs[] {
  const { isWholeSeconds } = profile.hints;
  const times = reply.times.filter((ms) => contains(window, ms)).sort((a, b) => a - b);
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  if (isSingleTime({ fromMs: first, toMs: last + 1 }, isWholeSeconds)) {
    return isWholeSeconds ? [first - 500, last + 500] : [first, last + 1];
  }
  const tileRows = Math.max(1, profile.pageRows * tileFill);
  const tiles = Math.max(2, Math.ceil((count ?? 0) / tileRows));
  const parts = count === null ? 4 : tiles <= maxTiles ? tiles : Math.ceil((2 * tiles) / maxTiles);
  const shared = times.filter((ms, index) => index > 0 && ms - (times[index - 1] ?? 0) < 1000);
  if (count !== null && shared.length <= times.length * clumpedShare) {
    return evenCuts(window, parts);
  }
  const cut = pageCut(window, reply, profile.hints);
  if (cut === null) {
    return quantileCuts(times, parts);
  }
  // The page shows one end of the window. Cut off what it shows, then a tile of the same density.
  const rows = count === null ? Math.max(tileRows, profile.largestCount * countFill) : tileRows;
  const tileMs = (spanMs(cut.part) * rows) / cut.shownRows;
  const { fromMs, toMs } = cut.remainder;
  return toMs === window.toMs ? [fromMs, fromMs + tileMs] : [toMs - tileMs, toMs];
}

/**
 * Cuts a window so that at least `marginRows` rows at the far end of an ordered page lie in the remainder. Returns null
 * without an order, or if no gap between rows is wide enough.
 */
function pageCut(window: Window, reply: Reply, { isWholeSeconds, marginRows }: SourceProfile['hints']): Cut | null {
  const order = orderOf(reply.times);
  const distanceMs = isWholeSeconds ? 500 : 2;
  // From the far end inwards, so oldest first if start times fall.
  const times = reply.times.toSorted((a, b) => (b - a) * order);
  const beforeMs = (index: number): EpochMs => times[index - 1] ?? 0;
  const at = times.findIndex((ms, index) => index >= marginRows && Math.abs(ms - beforeMs(index)) > distanceMs + 1);
  const [older, newer] = order === 0 || at < 0 ? [] : cutAt(window, [beforeMs(at) - order * distanceMs]);
  if (older === undefined || newer === undefined) {
    return null;
  }
  const [part, remainder] = order < 0 ? [newer, older] : [older, newer];
  return { part, remainder, shownRows: times.length - at };
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

/** Moves cuts to the nearest place where no row can start. */
function aligned(cutsMs: readonly EpochMs[], isWholeSeconds: boolean): EpochMs[] {
  return cutsMs.map((ms) => (isWholeSeconds ? Math.round((ms - 500) / 1000) * 1000 + 500 : Math.round(ms)));
}
