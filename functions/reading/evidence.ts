/**
 * What the replies of one run have shown of the source. `Evidence` proves (PROOF.md, R0 to R5), and is never kept for the
 * next run: a source may change, and a wrong belief would lose rows. `Hints` only choose what to ask next.
 */
import { spanMs } from '../intervals.ts';
import type { Window } from '../model.ts';
import type { Reply } from './page-source.ts';
import { Turns } from './turns.ts';

/** Shared by everything that reads for a run. It only grows, so windows may end in any order; or it is revoked. */
export class Evidence {
  readonly hints = new Hints();
  readonly turns = new Turns();
  #pageRows = 0;
  #revision = 0;
  #countsHold = true;
  #balancesHold = true;
  /** The largest count that a full page fell short of, and the window it was of. */
  #excess: { readonly count: number; readonly window: Window } | null = null;

  /** The most rows in one reply. A reply of that many may have been cut off (P). */
  get pageRows(): number {
    return this.#pageRows;
  }

  /** Grows with every revocation. What was concluded under an earlier revision, and is not committed, is read again. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether counts of two windows may be subtracted: the source filters by the time that it shows. */
  get balancesHold(): boolean {
    return this.#balancesHold;
  }

  /** The largest count that exceeded the full page it came with (E); 0 where none did, or counts were revoked. */
  get largestCount(): number {
    return this.#countsHold ? (this.#excess?.count ?? 0) : 0;
  }

  /** Whether `count` is exact: a smaller one than E is neither the page's own nor cut off by a cap. */
  believes(count: number | null): count is number {
    return count !== null && count < this.largestCount;
  }

  /** Whether a reply of so many rows cannot have been cut off. A page is taken to hold at least two rows. */
  isShort(rows: number): boolean {
    return rows < Math.max(this.#pageRows, 2);
  }

  /** Takes in a reply for `window` from `offset` on. */
  note(window: Window, offset: number, { rows, count, times }: Reply): void {
    if (rows > this.#pageRows) {
      // What exceeded a smaller page may have been the count of this one.
      this.#revision += this.#excess === null ? 0 : 1;
      this.#pageRows = rows;
      this.#excess = null;
    }
    if (count !== null && rows > 0 && offset + rows > count && this.#countsHold) {
      this.#countsHold = false;
      this.#revision += this.#excess === null ? 0 : 1;
    }
    if (count !== null && rows === this.#pageRows && rows < count && offset === 0) {
      this.#noteExcess(count, window);
    }
    if (this.#balancesHold && times.some((ms) => ms < window.fromMs - 1 || ms > window.toMs)) {
      this.#balancesHold = false;
      this.#revision += 1;
    }
    this.hints.isWholeSeconds &&= times.every((ms) => ms % 1000 === 0);
  }

  #noteExcess(count: number, window: Window): void {
    const known = this.#excess;
    if (known === null || count > known.count) {
      this.#excess = { count, window };
      this.hints.isCapped = false;
    } else if (count === known.count && spanMs(window) !== spanMs(known.window)) {
      this.hints.isCapped = true;
    }
  }
}

const dayMs = 86_400_000;
/** Spans that sources of this kind refuse to exceed, in days, less a minute: a request is 2 ms wider than its window. */
const spanLimitsMs = [90, 30, 7, 1].map((days) => days * dayMs - 60_000);
/** How fast the success rate follows: about the last five balances count. */
const successWeight = 0.2;
/** Below this rate tiles cost less: a part that does not balance costs two requests more, a tile a third of one. */
const worthwhileRate = 0.5;
/** Each window that is tiled brings the rate this much nearer to the next try. */
const retryStep = 0.04;
const maxMarginRows = 16;

/** What seems to be true of the source, to ask it economically. */
class Hints {
  isWholeSeconds = true;
  /** Two lists of different length reported the same count, which no other exceeded. */
  isCapped = false;
  /** The longest window that the source accepts, as far as is known. */
  maxSpanMs = Number.POSITIVE_INFINITY;
  /** Rows at the far end of a page that are left to the next one: there the order of neighbors may be loose. */
  marginRows = 1;
  #successRate = 1;

  /** Whether balances succeed often enough to be tried. */
  get balancesPay(): boolean {
    return this.#successRate > worthwhileRate;
  }

  noteBalance(isBalanced: boolean): void {
    this.#successRate += ((isBalanced ? 1 : 0) - this.#successRate) * successWeight;
    this.marginRows = isBalanced ? Math.max(1, this.marginRows - 1) : Math.min(maxMarginRows, this.marginRows * 2);
  }

  noteTiled(): void {
    this.#successRate = Math.min(1, this.#successRate + retryStep);
  }

  /** Learns that a window was refused. Returns whether a shorter one is worth asking for. */
  noteRefusal(window: Window): boolean {
    const shorterMs = spanLimitsMs.find((limitMs) => limitMs < spanMs(window));
    this.maxSpanMs = Math.min(this.maxSpanMs, shorterMs ?? Number.POSITIVE_INFINITY);
    return shorterMs !== undefined;
  }
}
