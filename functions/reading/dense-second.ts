/**
 * Reads one second that holds more rows than a page (R5): by offset, the only place where offsets are used. Pure over
 * `fetchPage`. A source with milliseconds is read this way within one millisecond.
 *
 * The level is the number of rows on the list: a believed count, or the position at which the list ends. Rows of one second
 * only leave, so an unchanged level means an unchanged list. It is complete once as many distinct rows as the level says
 * were shown since the level was first seen, in whatever order.
 */
import { IncompleteReadError } from '../errors.ts';
import { spanMs } from '../intervals.ts';
import type { Window } from '../model.ts';
import { addReply, type Collected } from './collected.ts';
import { ask, askTwice, type PageSource, type Reply } from './page-source.ts';

/** Unstable order of 250 rows takes about 10 passes, of 3,000 rows in pages of 100 about 12. */
const maxPasses = 40;
/** Other rows of the source are looked for within half a month before and after. */
const longestReachMs = 30 * 86_400_000;
/** Passes in a row that show nothing new: order is stable, and the missing rows are out of reach. */
const maxIdlePasses = 8;

/** Reads the list of one second, and adds its rows to `collected`. */
export class DenseSecond {
  readonly #source: PageSource;
  readonly #window: Window;
  readonly #collected: Collected;
  /** Null until it is known. */
  #level: number | null = null;
  #isCounted = false;
  /** Keys shown since the level was first seen. */
  readonly #shown = new Set<string>();
  /** Null until it matters: a believed count is reached in either. */
  #unit: 'row' | 'page' | null = null;

  constructor(source: PageSource, window: Window, collected: Collected) {
    this.#source = source;
    this.#window = window;
    this.#collected = collected;
  }

  /** Reads pass after pass until the list is proven complete. Returns null then, else the numbers that do not fit. */
  async read(): Promise<IncompleteReadError | null> {
    let idlePasses = 0;
    for (let pass = 1; pass <= maxPasses && idlePasses < maxIdlePasses; pass += 1) {
      const shownBefore = this.#shown.size;
      if (await this.#readPass()) {
        return null;
      }
      idlePasses = this.#shown.size === shownBefore ? idlePasses + 1 : 0;
    }
    return new IncompleteReadError(this.#window, this.#level, this.#shown.size);
  }

  /** Reads from offset 0 to the end of the list, or as far as the source goes. Returns whether the list is proven complete. */
  async #readPass(): Promise<boolean> {
    const inPass = new Set<string>();
    let position = 0;
    for (let pages = 0; ; pages += 1) {
      const reply = await this.#askSurely(this.#unit === 'page' ? pages : position);
      if (reply === null || reply.rows === 0) {
        return reply !== null && pages > 0 && (await this.#judgeEnd(inPass, position, pages));
      }
      for (const key of reply.keys) {
        inPass.add(key);
      }
      position += reply.rows;
      if (this.#take(reply)) {
        return true;
      }
      if (position > 4 * inPass.size + this.#source.evidence.pageRows) {
        // The source ignores offsets: the list has no end.
        return false;
      }
    }
  }

  /** Returns whether the rows shown are as many as a believed count. */
  #take({ count, keys }: Reply): boolean {
    const isCounted = this.#source.evidence.believes(count);
    if (isCounted && !(this.#isCounted && count === this.#level)) {
      this.#startAt(count, true);
    }
    for (const key of keys) {
      this.#shown.add(key);
    }
    return isCounted && this.#shown.size === count;
  }

  /** Judges a pass that came to the end of the list. The first one that finds this end only sets the level. */
  async #judgeEnd(inPass: ReadonlySet<string>, position: number, pages: number): Promise<boolean> {
    const isDoubtful = !this.#isCounted || position < (this.#level ?? 0);
    if (isDoubtful && this.#unit === null && position > 1) {
      this.#unit = (await this.#isCountedInPages(inPass, position, pages)) ? 'page' : 'row';
      if (this.#unit === 'page') {
        this.#startAt(null, false);
        return false;
      }
    }
    if (this.#isCounted) {
      return false;
    }
    if (position !== this.#level) {
      this.#startAt(position, false);
      return false;
    }
    return this.#shown.size === position && (await this.#goesOnElsewhere(this.#unit === 'page' ? pages : position));
  }

  #startAt(level: number | null, isCounted: boolean): void {
    this.#level = level;
    this.#isCounted = isCounted;
    this.#shown.clear();
  }

  /**
   * Whether the source counts offsets in pages. Counting rows, offset 1 shows what a pass has shown: where it had a single
   * page all of that but one row, in unstable order most. Asks twice where it does not.
   */
  async #isCountedInPages(inPass: ReadonlySet<string>, position: number, pages: number): Promise<boolean> {
    for (let looks = 0; looks < 2; looks += 1) {
      const reply = await this.#askSurely(1);
      if (reply === null) {
        return false;
      }
      this.#take(reply);
      const known = reply.keys.filter((key) => inPass.has(key)).length;
      // One row more may have left since.
      const isShifted = known === reply.rows && known >= Math.max(1, position - 2);
      if (pages > 1 ? known > reply.rows / 3 : isShifted) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether lists of this source go on where this one ends: a longer list shows a row at that position. Where nothing
   * else is within half a month, there is no longer list, and this one is taken to be all there is.
   */
  async #goesOnElsewhere(offset: number): Promise<boolean> {
    const { fromMs, toMs } = this.#window;
    const spanLimitMs = Math.min(this.#source.evidence.hints.maxSpanMs, longestReachMs);
    const reachMs = Math.floor((spanLimitMs - spanMs(this.#window)) / 2);
    const reply = await this.#askSurely(offset, { fromMs: fromMs - reachMs, toMs: toMs + reachMs });
    if (reply === null || reply.rows > 0) {
      return reply !== null;
    }
    const before = await this.#askSurely(0, { fromMs: fromMs - reachMs, toMs: fromMs - 2 });
    const behind = await this.#askSurely(0, { fromMs: toMs + 2, toMs: toMs + reachMs });
    return before?.rows === 0 && behind?.rows === 0;
  }

  /**
   * Asks again where the reply is no evidence: empty, with a row twice, or short where offsets count pages, because the rows
   * that it left out are at no later offset. Returns the fuller reply; null where the offset is refused.
   */
  async #askSurely(offset: number, window = this.#window): Promise<Reply | null> {
    const reply = await ask(this.#source, window, offset);
    if (reply === null) {
      return null;
    }
    const isCutShort = this.#unit === 'page' && this.#source.evidence.isShort(reply.rows);
    const isDoubtful = reply.rows === 0 || reply.distinct < reply.rows || isCutShort;
    const again = isDoubtful ? await askTwice(this.#source, window, reply, offset) : null;
    const replies = [reply, ...(again ?? [])];
    for (const one of window === this.#window ? replies : []) {
      addReply(this.#collected, one);
    }
    return replies.reduce((a, b) => (b.distinct > a.distinct ? b : a));
  }
}
