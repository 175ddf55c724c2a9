/** What one pass over a window's pages saw, reply by reply. Pure; what it proves is said in `proof.ts`. */
import type { EpochMs, Page } from '../model.ts';
import { addPage, type Collected, emptyCollected } from './collected.ts';
import { pageRows, type Reader } from './reader.ts';

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
  /** The last row was asked for once more, and came alone. */
  lastRowSeen: boolean;
  /** A page that was not the last had fewer rows than others had. */
  hasShortPage: boolean;
  requests: number;
  repliesWithRows: number;
}

/** Nothing was seen yet. */
export function emptyPass(): Pass {
  return {
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
    lastRowSeen: false,
    hasShortPage: false,
    requests: 0,
    repliesWithRows: 0,
  };
}

/** Adds a page to a pass. Empty replies have no say in whether the count is stable: they are glitches or the end. */
export function take(pass: Pass, page: Page): void {
  pass.requests += 1;
  for (const startTimeMs of addPage(pass.collected, page)) {
    pass.duplicateTimes.add(startTimeMs);
  }
  if (pageRows(page) > 0) {
    pass.repliesWithRows += 1;
    pass.counts.add(page.count);
  }
}

/** Notes rows that came although `count` had said that the `position` rows before them were all. */
export function noteRowsBeyond(reader: Reader, pass: Pass, page: Page, position: number): void {
  if (page.count !== null && page.count <= position) {
    pass.rowsBeyondCount = true;
    distrust(reader, page.count, pageRows(page));
  }
}

/** Learns from rows that came after as many as `count` said: a count that fits the page is the page's, a larger one is capped. */
function distrust(reader: Reader, count: number, rows: number): void {
  if (count > rows) {
    reader.traits.countCap = Math.min(reader.traits.countCap, count);
  } else {
    reader.traits.countIsTotal = false;
  }
}
