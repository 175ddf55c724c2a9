/**
 * What the replies of one run have shown about the source. Proofs rely on `SourceProfile` (PROOF.md, R0 to R5). It is
 * never kept for the next run, because the source may change and a stale profile would lose rows. `Hints` only choose
 * what to ask next.
 */
import { spanMs } from '../intervals.ts';
import type { PageFilter, Window } from '../model.ts';
import type { Reply } from './page-source.ts';
import { Turns } from './turns.ts';

/**
 * What a run has learned about its source, shared by all of its reads. Reads only add knowledge or revoke trust, so
 * windows may finish in any order.
 */
export class SourceProfile {
  readonly hints = new Hints();
  readonly turns = new Turns();
  /** The most rows in one reply (P). A reply with that many rows may have been cut off. */
  pageRows = 0;
  /** The largest count that exceeded its full page (E); 0 without one, or if counts were revoked. */
  largestCount = 0;
  /** Whether counts of two windows may be subtracted. Not if the source filters by another time than it shows. */
  balancesHold = true;
  /** Grows with every revocation. Conclusions of an earlier revision that are not committed must be read again. */
  revision = 0;
  /** Whether no reply has shown more rows than its count. */
  countsHold = true;

  /** Returns whether `count` is exact. Below E, it is neither the page's own number of rows nor cut off by a cap. */
  believes(count: number | null): count is number {
    return count !== null && count < this.largestCount;
  }

  /** Adds what a reply from `offset` on shows. */
  note(offset: number, { window, rows, count, times }: Reply): void {
    const isCountWrong = count !== null && rows > 0 && offset + rows > count;
    this.countsHold &&= !isCountWrong;
    // If the page is larger than assumed, the count that exceeded the smaller page may be this page's own.
    if (isCountWrong || rows > this.pageRows) {
      this.revision += this.largestCount === 0 ? 0 : 1;
      this.largestCount = 0;
    }
    this.pageRows = Math.max(this.pageRows, rows);
    if (this.countsHold && count !== null && rows === this.pageRows && rows < count && offset === 0) {
      this.largestCount = Math.max(this.largestCount, count);
    }
    if (this.balancesHold && times.some((ms) => ms < window.fromMs - 1 || ms > window.toMs)) {
      this.balancesHold = false;
      this.revision += 1;
    }
    this.hints.isWholeSeconds &&= times.every((ms) => ms % 1000 === 0);
  }
}

const dayMs = 86_400_000;
/**
 * Limits on the span of a request, in days, that similar APIs have; less a minute, as a request is 2 ms wider than its
 * window.
 */
const spanLimitsMs = [90, 30, 7, 1].map((days) => days * dayMs - 60_000);

/** What seems to be true of the source. Saves requests, and proves nothing. */
class Hints {
  isWholeSeconds = true;
  /** The longest window that the source accepts, as far as it is known. */
  maxSpanMs = Number.POSITIVE_INFINITY;
  /** The last reply from offset 0, and the filter of its request; null without one. */
  answered: { readonly reply: Reply; readonly filter: PageFilter } | null = null;
  /** Rows at the far end of a page that are left to the next page, because the order there may be loose. */
  marginRows = 1;

  /** Records whether a balance failed. Reading a window in parts is not a failure, so that balances are tried again. */
  noteBalance(hasFailed: boolean): void {
    this.marginRows = hasFailed ? this.marginRows * 2 : Math.max(1, this.marginRows - 1);
  }

  /** Records that the source refused a window. Returns whether a shorter window may be accepted. */
  noteRefusal(window: Window): boolean {
    const shorterMs = spanLimitsMs.find((limitMs) => limitMs < spanMs(window));
    this.maxSpanMs = Math.min(this.maxSpanMs, shorterMs ?? Number.POSITIVE_INFINITY);
    return shorterMs !== undefined;
  }
}
