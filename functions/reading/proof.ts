/**
 * What the passes over a window prove. Pure, and asks the source for nothing.
 *
 * Proof, for a source whose `count` is a total: the distinct rows of one pass equal `count`, and every page of the pass
 * gave the same count. Rows that move between pages either change the count or make one row show twice and another not
 * at all, so the numbers differ. (What this cannot see, one row gone and another come within one pass, takes a row that
 * appears late; where that may be, the caller has to read again: invariant I16.)
 * Passes that gave the same count may be put together, as far as their rows do not exceed it. A row that one reply shows
 * twice counts once, for it may stand there in place of another, until two passes over its millisecond alone show it twice:
 * the count of a millisecond leaves little room for others. (Of one that can't be read nobody knows the millisecond: there
 * any two passes do.)
 * Where `count` is only the page's, missing, or capped at a single millisecond, the position of the empty end stands in
 * for it, and one pass is not enough, for a row that leaves takes the end along: two passes have to find the same end,
 * and their rows together have to be as many.
 */
import type { Window } from '../model.ts';
import {
  type Collected,
  distinctCount,
  emptyCollected,
  isUnreadableKey,
  mergeCollected,
  rowCount,
} from './collected.ts';
import type { Pass } from './pass.ts';
import type { SourceTraits } from './traits.ts';
import { spanMs } from './window.ts';

/** What the passes over one window have shown so far. */
export interface Evidence {
  /** The count, or the position of the end, that `asOfCount` belongs to; null while no pass had a believed one. */
  count: number | null;
  /** Rows of all passes that gave just this count. */
  asOfCount: Collected;
  /** Keys that stood more than once in one reply of two of those passes, with how often: the source lists them so. */
  repeats: Map<string, number>;
  /** How many those passes were. */
  passes: number;
  /** One of them came to the end: more rows than the count would have shown there. */
  reachedEnd: boolean;
  /** An end before `count` that the last pass found. */
  earlierEnd: number | null;
  previous: Pass | null;
  /** Rows of any pass. */
  readonly seen: Collected;
  /** Passes in a row that showed nothing new. */
  idlePasses: number;
}

/** Nothing was read yet. */
export function noEvidence(): Evidence {
  return {
    count: null,
    asOfCount: emptyCollected(),
    repeats: new Map(),
    passes: 0,
    reachedEnd: false,
    earlierEnd: null,
    previous: null,
    seen: emptyCollected(),
    idlePasses: 0,
  };
}

/** Whether a pass by itself proves that all was seen: it came to an empty end at once, or its rows are as many as its count. */
export function provesItself(traits: SourceTraits, pass: Pass): boolean {
  if (pass.refused || !pass.reachedEnd) {
    return false;
  }
  const rows = distinctCount(pass.collected);
  return rows === 0 || rows === stableCount(traits, pass);
}

/** Adds a pass that did not prove itself. `evidence.previous` stays as it is. */
export function addPass(traits: SourceTraits, window: Window, evidence: Evidence, pass: Pass): void {
  const rowsBefore = distinctCount(evidence.seen);
  mergeCollected(evidence.seen, pass.collected);
  evidence.idlePasses = distinctCount(evidence.seen) > rowsBefore ? 0 : evidence.idlePasses + 1;
  const count = stableCount(traits, pass) ?? endPosition(traits, window, pass);
  if (count === null) {
    return;
  }
  if (evidence.count === count) {
    confirmRepeats(evidence, pass, (key) => spanMs(window) === 1 || isUnreadableKey(key));
    mergeCollected(evidence.asOfCount, pass.collected);
    evidence.passes += 1;
    evidence.reachedEnd ||= pass.reachedEnd;
  }
  const isEnd = stableCount(traits, pass) === null;
  if (isEnd && evidence.count !== null && count < evidence.count && count !== evidence.earlierEnd) {
    // A short page may have hidden rows from a source that counts pages. Only the same end twice in a row means that rows have left.
    evidence.earlierEnd = count;
    return;
  }
  evidence.earlierEnd = null;
  if (evidence.count !== count || distinctCount(evidence.asOfCount) > count) {
    evidence.count = count;
    evidence.repeats = new Map();
    evidence.asOfCount = emptyCollected();
    evidence.passes = 1;
    evidence.reachedEnd = pass.reachedEnd;
    mergeCollected(evidence.asOfCount, pass.collected);
  }
}

/** A row that stands twice in one reply may stand there in place of another; one that does so again is listed twice. */
function confirmRepeats({ asOfCount, repeats }: Evidence, pass: Pass, mayBe: (key: string) => boolean): void {
  for (const [key, times] of pass.collected.repeats) {
    const timesBefore = asOfCount.repeats.get(key);
    if (timesBefore !== undefined && mayBe(key)) {
      repeats.set(key, Math.max(repeats.get(key) ?? 1, Math.min(times, timesBefore)));
    }
  }
}

/** How many rows of `count` the passes under it have accounted for. */
export function accountedRows({ asOfCount, repeats }: Evidence): number {
  return rowCount(asOfCount, repeats);
}

/**
 * Whether the rows put together are as many as the count (or end) they were read under; an end has to be found twice, and
 * a count may be capped, as long as no pass came to its end and looked beyond. Never by a pass that was refused an offset: as many rows as can be reached look just like a count capped there.
 */
export function provesTogether(traits: SourceTraits, evidence: Evidence, pass: Pass): boolean {
  if (pass.refused) {
    return false;
  }
  const passesNeeded = stableCount(traits, pass) === null ? 2 : 1;
  const isEnded = evidence.reachedEnd && evidence.passes >= passesNeeded;
  return isEnded && evidence.count !== null && accountedRows(evidence) === evidence.count;
}

/** The one total that every page of the pass gave; null if there were several, or it can't be believed. */
export function stableCount(traits: SourceTraits, pass: Pass): number | null {
  const [count] = pass.counts;
  const believed =
    pass.counts.size === 1 &&
    typeof count === 'number' &&
    count < traits.countCap &&
    !pass.rowsBeyondCount &&
    traits.countIsTotal === true;
  return believed ? count : null;
}

/** Where the empty end was found; null if it was not, or where `count` can serve or says that there is more, or all lists end there. */
function endPosition(traits: SourceTraits, window: Window, pass: Pass): number | null {
  const countServes =
    traits.countIsTotal === true && (traits.countCap === Number.POSITIVE_INFINITY || spanMs(window) > 1);
  const position = pass.endPosition;
  if (countServes || pass.refused || position === null || position === traits.listCap) {
    return null;
  }
  return [...pass.counts].some((count) => (count ?? 0) > position) ? null : position;
}
