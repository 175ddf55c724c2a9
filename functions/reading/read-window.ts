/**
 * Complete reading: every part of a window is proven to be shown whole, or named as not proven. Pure over `fetchPage`. The
 * rules R1 to R6, why each is needed, and what they assume are in PROOF.md.
 *
 * A reply at offset 0 is a snapshot. So a window that fits into one reply needs one reply (R1, R3). From a longer one an
 * ordered page cuts off the part that it seems to show whole; the counts before and after prove it (R2). What does not
 * balance is read by itself, in smaller parts (R4), down to a single second (R5).
 */
import { IncompleteReadError } from '../errors.ts';
import { cutAt, evenCuts, spanMs, unionOf } from '../intervals.ts';
import type { Window } from '../model.ts';
import { addReply, type Collected, emptyCollected } from './collected.ts';
import { type Ages, balanceCut, type Cut, isSingleTime, partsOf } from './cuts.ts';
import { DenseSecond } from './dense-second.ts';
import { ask, askTwice, type PageSource, type Reply, showSame } from './page-source.ts';

/** What to read. */
export interface WindowTask extends Ages {
  readonly window: Window;
  /** Stops after the first part with which so many rows were shown. */
  readonly maxRows: number;
}

/** What was read. What is neither proven nor unproven is still to be read. */
export interface WindowRead {
  /** Every row that any reply showed. */
  readonly collected: Collected;
  /** Disjoint, in order of time; all of the window as a rule. */
  readonly proven: readonly Window[];
  readonly unproven: readonly IncompleteReadError[];
  /** What ended the reading early; null where it went to the end, or had enough rows. */
  readonly failure: unknown;
}

/** Looks at one window before it is cut or given to R5: rows that leave between two looks make them differ. */
const maxLooks = 4;
/** A reading with so many unproven parts stops: such a source is not worth its requests. */
const maxUnproven = 5;

/** Reads a window. Never throws: what `fetchPage` throws is the `failure`. */
export async function readWindow(source: PageSource, task: WindowTask): Promise<WindowRead> {
  return await new WindowReading(source, task).read();
}

/** The last reply of a look at a window, and whether it shows all of the window (R1, R3). */
interface Look extends Reply {
  readonly isWhole: boolean;
  /** So many looks at the window are worth their requests. */
  readonly mostLooks: number;
}

class WindowReading {
  readonly #source: PageSource;
  readonly #task: WindowTask;
  readonly #todo: Window[];
  readonly #collected = emptyCollected();
  readonly #proven: Window[] = [];
  readonly #unproven: IncompleteReadError[] = [];

  constructor(source: PageSource, task: WindowTask) {
    this.#source = source;
    this.#task = task;
    this.#todo = [task.window];
  }

  async read(): Promise<WindowRead> {
    let failure: unknown = null;
    try {
      let window = this.#todo.pop();
      while (window !== undefined) {
        await this.#readFrom(window);
        window = this.#hasEnough() ? undefined : this.#todo.pop();
      }
    } catch (thrown) {
      failure = thrown;
    }
    return { collected: this.#collected, proven: unionOf(this.#proven), unproven: this.#unproven, failure };
  }

  #hasEnough(): boolean {
    const isFull = this.#proven.length > 0 && this.#collected.seen.size >= this.#task.maxRows;
    return isFull || this.#unproven.length >= maxUnproven;
  }

  /** Proves part after part of a window, as long as the parts that its pages suggest balance. */
  async #readFrom(window: Window): Promise<void> {
    let rest = window;
    let reply = await this.#look(rest);
    while (reply !== null && !reply.isWhole) {
      const cut = balanceCut(rest, reply, this.#source.evidence, this.#task);
      if (cut === null) {
        return await this.#readInParts(rest, reply);
      }
      const next = await this.#look(cut.remainder);
      const isBalanced = this.#judgeBalance(cut, reply, next);
      rest = cut.remainder;
      // A count that is too low explains a failed balance, too. So the remainder must not be called whole by it.
      reply = isBalanced || !next?.isWhole ? next : await this.#look(rest);
      if (reply?.isWhole === false && this.#hasEnough()) {
        this.#todo.push(rest);
        return;
      }
    }
    if (reply !== null) {
      this.#proven.push(rest);
    }
  }

  /**
   * Looks at a window until a reply is whole, or shows that it was cut off. Where the source refuses a window as long as this,
   * queues parts of it and returns null.
   */
  async #look(window: Window): Promise<Look | null> {
    // Without exact counts every window takes two looks.
    const isCounted = this.#source.evidence.largestCount > 0;
    let replies = isCounted ? await askOnce(this.#source, window) : await askTwice(this.#source, window);
    for (let looks = 1; replies !== null; looks += 1) {
      const look = this.#judgeLook(window, replies);
      if (look.isWhole || looks >= look.mostLooks) {
        return look;
      }
      replies = await askTwice(this.#source, window, look);
    }
    const parts = Math.ceil(spanMs(window) / this.#source.evidence.hints.maxSpanMs);
    this.#todo.push(...cutAt(window, evenCuts(window, parts).map(Math.round)));
    return null;
  }

  #judgeLook(window: Window, replies: readonly [Reply, ...Reply[]]): Look {
    const [first, last = first] = replies;
    for (const reply of replies) {
      addReply(this.#collected, reply);
    }
    const mayBeWhole = this.#mayBeWhole(window, last);
    const isConfirmed = replies.length > 1 && mayBeWhole && showSame(first, last);
    const isWhole = isConfirmed || this.#isWholeByCount(last);
    const isOdd = replies.length === 1 && this.#isOdd(last);
    return { ...last, isWhole, mostLooks: mayBeWhole || last.rows === 0 ? maxLooks : isOdd ? 2 : 1 };
  }

  /** R1: one reply shows as many distinct rows as an exact count says. A reply without rows vouches for nothing. */
  #isWholeByCount({ rows, count, distinct }: Reply): boolean {
    return rows > 0 && count === rows && distinct === rows && this.#source.evidence.believes(count);
  }

  /**
   * Whether a reply is all of its window if the reply before it showed the same (R3). A row that is shown twice may stand for
   * another one; only within a single time it is taken to be listed twice.
   */
  #mayBeWhole(window: Window, { rows, count, distinct }: Reply): boolean {
    const { evidence } = this.#source;
    const isPlain = distinct === rows || isSingleTime(window, evidence.hints.isWholeSeconds);
    return isPlain && evidence.isShort(rows) && (count === null || count <= rows);
  }

  /** Whether a reply is wrong as such: a row twice, or shorter than a page and than its own count. */
  #isOdd({ rows, count, distinct }: Reply): boolean {
    return distinct < rows || (this.#source.evidence.isShort(rows) && rows < (count ?? 0));
  }

  /**
   * R2: the part is complete if as many distinct rows of it were shown as both counts leave for it. The remainder was
   * asked for after the reply had arrived. Else the part is read by itself.
   */
  #judgeBalance({ part, shownRows }: Cut, { count }: Reply, next: Reply | null): boolean {
    const { evidence } = this.#source;
    const nextCount = next?.count ?? null;
    const partRows = evidence.believes(count) && evidence.believes(nextCount) ? count - nextCount : 0;
    const isBalanced = partRows === shownRows && evidence.balancesHold;
    evidence.hints.noteBalance(isBalanced);
    if (isBalanced) {
      this.#proven.push(part);
    } else {
      this.#todo.push(part);
    }
    return isBalanced;
  }

  /** R4 and R5: queues smaller parts, or reads a single second by offset. */
  async #readInParts(window: Window, reply: Reply): Promise<void> {
    const { evidence } = this.#source;
    if (isSingleTime(window, evidence.hints.isWholeSeconds)) {
      const unproven = await new DenseSecond(this.#source, window, this.#collected).read();
      if (unproven === null) {
        this.#proven.push(window);
      } else {
        this.#unproven.push(unproven);
      }
    } else if (reply.rows === 0) {
      this.#unproven.push(new IncompleteReadError(window, reply.count, 0));
    } else {
      evidence.hints.noteTiled();
      this.#todo.push(...partsOf(window, reply, evidence, this.#task));
    }
  }
}

async function askOnce(source: PageSource, window: Window): Promise<readonly [Reply] | null> {
  const reply = await ask(source, window);
  return reply && [reply];
}
