/**
 * Reads a dense second, which holds more rows than a page, by offset (R5). Offsets are used nowhere else. Pure over
 * `fetchPage`. If the source has milliseconds, the unit is one millisecond instead.
 *
 * The level is the length of the list: a believed count, or the position at which the list ends. Rows of a settled
 * second only leave, so an unchanged level means an unchanged list. The list is complete when as many distinct rows
 * were shown since the level was first seen as the level says, in any order.
 */
import { IncompleteReadError } from '../errors.ts';
import { spanMs } from '../intervals.ts';
import type { Window } from '../model.ts';
import { ask, askTwice, type PageSource, type Reply } from './page-source.ts';

/** In unstable order, 250 rows take about 10 scans, and 3,000 rows in pages of 100 about 12. */
const maxScans = 40;
/** To find a longer list, rows are searched up to half a month before and after the second. */
const longestReachMs = 30 * 86_400_000;
/** After this many scans in a row without a new row, the order is stable and the missing rows cannot be reached. */
const maxIdleScans = 8;

/** Reads the list of one dense second. */
export class DenseSecond {
  readonly #source: PageSource;
  readonly #window: Window;
  /** Null until it is known. */
  #level: { readonly rows: number; readonly isCounted: boolean } | null = null;
  /** Keys of the rows shown since the level was first seen. */
  readonly #shown = new Set<string>();
  /** What the source counts offsets in. Null until it matters: with a believed count, either unit reaches all rows. */
  #unit: 'row' | 'page' | null = null;

  constructor(source: PageSource, window: Window) {
    this.#source = source;
    this.#window = window;
  }

  /** Scans until the list is proven complete. @throws IncompleteReadError if it cannot be, and as `ask` does */
  async read(): Promise<void> {
    let idleScans = 0;
    for (let scans = 0; scans < maxScans && idleScans < maxIdleScans; scans += 1) {
      const shownBefore = this.#shown.size;
      if (await this.#scan()) {
        return;
      }
      idleScans = this.#shown.size === shownBefore ? idleScans + 1 : 0;
    }
    throw new IncompleteReadError(this.#window, this.#level?.rows ?? null, this.#shown.size);
  }

  /**
   * Reads from offset 0 to the end of the list, or as far as the source allows. Returns whether the list is proven
   * complete.
   */
  async #scan(): Promise<boolean> {
    const inScan = new Set<string>();
    let position = 0;
    for (let pages = 0; ; pages += 1) {
      const reply = await this.#askSurely(this.#unit === 'page' ? pages : position);
      if (reply === null || reply.rows === 0) {
        return reply !== null && pages > 0 && (await this.#judgeEnd(inScan, position, pages));
      }
      for (const key of reply.keys) {
        inScan.add(key);
      }
      position += reply.rows;
      if (this.#take(reply)) {
        return true;
      }
      if (position > 4 * inScan.size + this.#source.profile.pageRows) {
        // The source ignores offsets, so the list never ends.
        return false;
      }
    }
  }

  /** Adds a reply to the rows shown. Returns whether they are as many as a believed count. */
  #take({ count, keys }: Reply): boolean {
    const isCounted = this.#source.profile.believes(count);
    if (isCounted) {
      this.#setLevel(count, true);
    }
    for (const key of keys) {
      this.#shown.add(key);
    }
    return isCounted && this.#shown.size === count;
  }

  /** Judges a scan that reached the end of the list. The first scan that finds this end only sets the level. */
  async #judgeEnd(inScan: ReadonlySet<string>, position: number, pages: number): Promise<boolean> {
    const { rows = 0, isCounted = false } = this.#level ?? {};
    if (isCounted && position >= rows) {
      return false;
    }
    if (this.#unit === null && position > 1) {
      this.#unit = (await this.#isCountedInPages(inScan, position, pages)) ? 'page' : 'row';
      if (this.#unit === 'page') {
        return false;
      }
    }
    const isProven = !isCounted && this.#setLevel(position, false) && this.#shown.size === position;
    return isProven && (await this.#goesOnElsewhere(this.#unit === 'page' ? pages : position));
  }

  /** Sets the level. A new one makes all rows count as not shown. Returns whether the level is unchanged. */
  #setLevel(rows: number, isCounted: boolean): boolean {
    const isSame = this.#level?.rows === rows && this.#level.isCounted === isCounted;
    if (!isSame) {
      this.#level = { rows, isCounted };
      this.#shown.clear();
    }
    return isSame;
  }

  /**
   * Returns whether the source counts offsets in pages. If it counts rows, offset 1 repeats rows of the scan: all but
   * one after a scan of a single page, most of them after a longer scan in unstable order. Asks twice if the reply may
   * be wrong.
   */
  async #isCountedInPages(inScan: ReadonlySet<string>, position: number, pages: number): Promise<boolean> {
    const reply = await askTwice(this.#source, this.#window, null, 1);
    if (reply === null) {
      return false;
    }
    this.#take(reply);
    const known = reply.keys.filter((key) => inScan.has(key)).length;
    // One more row may have left since the scan.
    const isShifted = known === reply.rows && known >= Math.max(1, position - 2);
    return pages > 1 ? known <= reply.rows / 3 : !isShifted;
  }

  /**
   * Returns whether this list ends because it has no more rows, and not because the source ends every list here. A
   * longer list that shows a row at this position is proof. Without rows within half a month there is no longer list,
   * and the end counts.
   */
  async #goesOnElsewhere(offset: number): Promise<boolean> {
    const { fromMs, toMs } = this.#window;
    const spanLimitMs = Math.min(this.#source.profile.hints.maxSpanMs, longestReachMs);
    const reachMs = Math.floor((spanLimitMs - spanMs(this.#window)) / 2);
    const reply = await this.#askSurely(offset, { fromMs: fromMs - reachMs, toMs: toMs + reachMs });
    if (reply === null || reply.rows > 0) {
      return reply !== null;
    }
    const before = await this.#askSurely(0, { fromMs: fromMs - reachMs, toMs: fromMs - 2 });
    const after = await this.#askSurely(0, { fromMs: toMs + 2, toMs: toMs + reachMs });
    return before?.rows === 0 && after?.rows === 0;
  }

  /**
   * Asks again after a reply that proves nothing: empty, with a row twice, or short while offsets count pages (the rows
   * left out are then at no later offset). Returns the fuller reply; null if the offset is refused.
   */
  async #askSurely(offset: number, window = this.#window): Promise<Reply | null> {
    // The rows of a longer list do not belong to this read.
    const source = window === this.#window ? this.#source : { ...this.#source, onReply: () => undefined };
    const reply = await ask(source, window, offset);
    const isCutShort = this.#unit === 'page' && reply?.isShort;
    const isDoubtful = reply !== null && (reply.rows === 0 || reply.distinct < reply.rows || isCutShort);
    return isDoubtful ? await askTwice(source, window, reply, offset) : reply;
  }
}
