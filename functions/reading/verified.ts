/**
 * Complete reading: a window is read until it is proven that every row was seen, or the read fails naming the window.
 * Pure over `fetchPage`. The product's heart; `proof.ts` says what counts as a proof.
 *
 * Not proven: times at which two pages showed the same row are read by themselves, small windows are read again, then
 * the window is split, down to windows of one page, which one request reads atomically.
 */
import { IncompleteReadError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
import { addPage, type Collected, distinctCount, emptyCollected, mergeCollected, rowCount } from './collected.ts';
import { densityOf } from './density.ts';
import { checkOffsetUnit } from './offset-unit.ts';
import type { Pass } from './pass.ts';
import {
  accountedRows,
  addPass,
  type Evidence,
  noEvidence,
  provesItself,
  provesTogether,
  stableCount,
} from './proof.ts';
import { readPass, rereadPages } from './read-pass.ts';
import { fetchNonEmptyAt, type Reader } from './reader.ts';
import { filledPart } from './slices.ts';
import { contains, spanMs, splitWindow } from './window.ts';

/** How the reading of a window ended; a read that could not be proven throws instead. */
export type ReadOutcome =
  | {
      readonly kind: 'complete';
      /** Every row the source returned, also those at the widened edges. */
      readonly collected: Collected;
      /** What it cost, as `SlicePlanner` wants to know it. */
      readonly requests: number;
      readonly exposedRequests: number;
      /** Passes over more than a millisecond that proved nothing: rows moved, or the source misbehaved. */
      readonly disturbances: number;
      /** One reply held all of it, so that nothing could move between pages. */
      readonly isAtomic: boolean;
    }
  | {
      /** The window holds more than `maxRows`: ask again for a shorter one. */
      readonly kind: 'tooLarge';
      /** The rows of the replies that showed it. */
      readonly collected: Collected;
      readonly rowsPerMs: number;
    };

/** Passes over a millisecond that holds more than a page, before giving up. */
const maxPassesOfMillisecond = 40;
/** … and passes in a row that showed nothing new. */
const maxIdlePasses = 12;

/** Requests that one read may cost before the source is called unreadable. */
class Effort {
  requests = 0;
  passes = 0;
  disturbances = 0;
  exposedRequests = 0;
  repliesWithRows = 0;
  pages = 0;

  /**
   * @param rowsSoFar of the whole read: a capped count hides how many there are
   * @param pageRows the most rows that a page has
   */
  spend(pass: Pass, rowsSoFar: number, pageRows: number): void {
    this.requests += pass.requests;
    this.passes += 1;
    this.repliesWithRows += pass.repliesWithRows;
    const counts = [...pass.counts].map((count) => count ?? 0);
    this.pages = Math.max(this.pages, Math.max(rowsSoFar, ...counts) / Math.max(1, pageRows));
  }

  /**
   * A pass that was disturbed, or was not, after each reply but the last; where order doesn't hold, that shows at once.
   *
   * @param isDue no more passes are needed than were made
   */
  weigh(pass: Pass, window: Window, isProven: boolean, isDue: boolean): void {
    const isDisturbed = !isProven && isDue && spanMs(window) > 1;
    this.disturbances += isDisturbed ? 1 : 0;
    this.exposedRequests += isDisturbed && !pass.abandoned ? 1 : pass.requests - 1;
  }

  get isSpent(): boolean {
    return this.requests > 1000 + this.pages * 30;
  }
}

/**
 * Reads `window` completely.
 *
 * @param maxRows a window of more rows than this (and of more than a millisecond) is not read but reported `tooLarge`
 * @throws IncompleteReadError when completeness could not be proven
 * @throws ConfigError when the source counts `offset` in another unit than configured
 */
export async function readVerified(reader: Reader, window: Window, maxRows: number): Promise<ReadOutcome> {
  const collected = emptyCollected();
  const effort = new Effort();
  const tooLarge = await resolve({ reader, collected, repeats: new Map(), effort, maxRows }, window);
  if (tooLarge !== null) {
    return { kind: 'tooLarge', collected: tooLarge.collected, rowsPerMs: densityOf(tooLarge, window) };
  }
  const { requests, exposedRequests, disturbances, repliesWithRows } = effort;
  return { kind: 'complete', collected, requests, exposedRequests, disturbances, isAtomic: repliesWithRows <= 1 };
}

interface Read {
  readonly reader: Reader;
  readonly collected: Collected;
  /** Rows that the source was proven to list more than once, with how often. */
  readonly repeats: Map<string, number>;
  readonly effort: Effort;
  readonly maxRows: number;
}

/** Reads until proven; returns the pass only if it found the window too large. */
async function resolve(read: Read, window: Window): Promise<Pass | null> {
  const evidence = noEvidence();
  for (let attempt = 1; ; attempt += 1) {
    const toEnd = mustReadToEnd(read.reader, window, evidence.previous);
    const pass = await readPass(read.reader, window, { maxRows: read.maxRows, toEnd });
    mergeCollected(read.collected, pass.collected);
    read.effort.spend(pass, rowCount(read.collected), read.reader.traits.largestPageRows);
    if (pass.tooLarge) {
      return pass;
    }
    const { traits } = read.reader;
    const isProven = provesItself(traits, pass) || (await isProvenTogether(read, window, pass, evidence));
    read.effort.weigh(pass, window, isProven, traits.countIsTotal === true || attempt > 1);
    if (isProven) {
      for (const [key, times] of evidence.repeats) {
        read.repeats.set(key, times);
      }
      return null;
    }
    if (isHopeless(read, window, pass, evidence, attempt)) {
      throw incomplete(window, pass, evidence);
    }
    if (isWorthSplitting(read.reader, window, pass, attempt)) {
      return resolveParts(read, window, pass);
    }
    evidence.previous = pass;
  }
}

/** Within a single millisecond, where splitting can't help, a count that failed to serve is passed over. */
function mustReadToEnd(reader: Reader, window: Window, previous: Pass | null): boolean {
  if (spanMs(window) > 1) {
    return false;
  }
  return previous === null
    ? reader.traits.countCap < Number.POSITIVE_INFINITY
    : stableCount(reader.traits, previous) === null;
}

/** Splits the window and reads each part until proven. */
async function resolveParts(read: Read, window: Window, pass: Pass): Promise<null> {
  const { countCap, refusedOffset, largestPageRows } = read.reader.traits;
  const rows = Math.max(rowCount(pass.collected), ...[...pass.counts].map((count) => count ?? 0));
  const reachableRows = refusedOffset * (read.reader.offsetUnit === 'row' ? 1 : largestPageRows);
  const partRows = Math.max(1, Math.min(calmRows(pass, rows, largestPageRows), reachableRows * 0.8, countCap * 0.5));
  for (const part of splitWindow(window, Math.min(64, Math.max(2, Math.ceil(rows / partRows))))) {
    await resolve({ ...read, maxRows: Number.POSITIVE_INFINITY }, part);
  }
  return null;
}

/**
 * How long a part may be to be read in peace. Where the count changed after n requests, it may again: square root of n pages
 * cost least. Where many rows showed twice, the order holds for no two requests, and only a single page does.
 */
function calmRows(pass: Pass, rows: number, pageRows: number): number {
  if (pass.abandoned) {
    return Math.min(rows / 2, Math.sqrt(pass.requests) * pageRows);
  }
  const isShuffled = pass.reachedEnd && rowCount(pass.collected) < rows * 0.9;
  return isShuffled ? Math.min(rows / 2, filledPart * pageRows) : rows / 2;
}

/** Weighs a pass that did not prove itself with those before, and mends what a cheap look can mend; the total must then still be the same. */
async function isProvenTogether(read: Read, window: Window, pass: Pass, evidence: Evidence): Promise<boolean> {
  const { reader } = read;
  addPass(reader.traits, window, evidence, pass);
  const isCounted = stableCount(reader.traits, pass) !== null;
  const isOdd = pass.holes > 0 || pass.duplicateTimes.size > 0 || !isCounted;
  if (isOdd && !(await checkOffsetUnit(reader, window, { pass, isCounted }, read.collected))) {
    return false;
  }
  if (spanMs(window) > 1 && evidence.count !== null && accountedRows(evidence) < evidence.count) {
    await rereadRepeatedTimes(read, window, pass, evidence);
    if (isCounted) {
      const confirmation = await fetchNonEmptyAt(reader, window, 0);
      addPage(read.collected, confirmation);
      evidence.count = confirmation.count === evidence.count ? evidence.count : null;
    }
  }
  return provesTogether(reader.traits, evidence, pass);
}

/**
 * A total that did not change and a row missing means that another row stood on two pages, and the order among equal
 * start times is unstable: the missing one has the start time of the one shown twice. Or one reply showed a row twice: then
 * either the source lists it so, which its millisecond tells, or another is missing. Reads just those milliseconds.
 */
async function rereadRepeatedTimes(read: Read, window: Window, pass: Pass, evidence: Evidence): Promise<void> {
  const times = new Set([...pass.duplicateTimes, ...repeatedTimes(pass)]);
  if (times.size > 2 * pass.requests + 4) {
    return;
  }
  for (const startTimeMs of times) {
    const millisecond = { fromMs: startTimeMs, toMs: startTimeMs + 1 };
    const alone = { ...read, collected: emptyCollected(), repeats: new Map<string, number>(), effort: new Effort() };
    try {
      await resolve({ ...alone, maxRows: Number.POSITIVE_INFINITY }, millisecond);
    } catch (thrown) {
      if (thrown instanceof IncompleteReadError && !contains(window, startTimeMs)) {
        // A neighbour, shown because the source counts edges as inside: short parts of this window can do without.
        continue;
      }
      throw thrown;
    }
    read.effort.passes += alone.effort.passes;
    mergeCollected(read.collected, alone.collected);
    const found = onlyAt(alone.collected, startTimeMs);
    mergeCollected(evidence.asOfCount, found);
    for (const [key, times] of alone.repeats) {
      if (found.seen.has(key)) {
        evidence.repeats.set(key, times);
      }
    }
  }
}

function repeatedTimes({ collected: { seen, repeats } }: Pass): EpochMs[] {
  return [...repeats.keys()].flatMap((key) => seen.get(key)?.execution.startTimeMs ?? []);
}

/** Nothing that is left to try would change the picture. */
function isHopeless(read: Read, window: Window, pass: Pass, evidence: Evidence, attempt: number): boolean {
  if (read.effort.isSpent) {
    return true;
  }
  const stuck = attempt >= maxPassesOfMillisecond || evidence.idlePasses >= maxIdlePasses || pass.refused;
  return spanMs(window) === 1 && stuck;
}

function isWorthSplitting(reader: Reader, window: Window, pass: Pass, attempt: number): boolean {
  if (spanMs(window) === 1) {
    return false;
  }
  if (pass.refused || pass.abandoned || attempt >= 3) {
    return true;
  }
  const isLong = rowCount(pass.collected) > rereadPages * reader.traits.largestPageRows;
  return reader.traits.countIsTotal === true && (isLong || attempt >= 2);
}

function incomplete(window: Window, pass: Pass, evidence: Evidence): IncompleteReadError {
  const counts = [...pass.counts].map((count) => count ?? 'none');
  const distinctRows = Math.max(distinctCount(pass.collected), distinctCount(evidence.seen));
  return new IncompleteReadError(
    `the window could not be proven complete: the source said count ${counts.join(', then ') || 'none'} and showed ${distinctRows} distinct rows`,
    {
      remedy:
        'Nothing is lost: this window does not count as covered, and the next run reads it again. If it stays, run "dqsync list" over the window and compare count with rows.',
      window,
      expectedRows: evidence.count,
      distinctRows,
    },
  );
}

function onlyAt(collected: Collected, startTimeMs: EpochMs): Collected {
  const seen = new Map([...collected.seen].filter(([, { execution }]) => execution.startTimeMs === startTimeMs));
  return { seen, unreadable: new Map(), repeats: new Map([...collected.repeats].filter(([key]) => seen.has(key))) };
}
