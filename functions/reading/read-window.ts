/**
 * Reads a window so that every part is either proven complete or reported as unproven. Pure over `fetchPage`. PROOF.md
 * has the rules R1 to R6 with their reasons and assumptions.
 *
 * A reply at offset 0 is a snapshot, so a window that fits into one reply takes one request (R1, R3). An ordered page
 * cuts off the part of a longer window that it seems to show completely, and two counts prove that part (R2). Parts
 * that do not balance are read separately in smaller parts (R4), down to a single second (R5). A part that the source
 * fails to deliver is halved in the same way (R6).
 */
import { IncompleteReadError, SourceError } from '../errors.ts';
import { cutAt, evenCuts, gapsIn, inOrder, lengthOf, spanMs, unionOf } from '../intervals.ts';
import type { Window } from '../model.ts';
import { addReply, type Collected, emptyCollected } from './collected.ts';
import { type Ages, balanceCut, type Cut, halvesOf, isSingleTime, partsOf } from './cuts.ts';
import { DenseSecond } from './dense-second.ts';
import { ask, askTwice, type PageSource, type Reply } from './page-source.ts';

/** What to read. */
export interface WindowTask extends Ages {
  readonly window: Window;
  /** Returns whether to stop. Called after every part, and before another part is requested. */
  readonly isEnough: (collected: Collected, proven: readonly Window[]) => boolean;
}

/** The result of a read. Parts that are neither proven nor unproven are still to be read. */
export interface WindowRead {
  /** Every row that a reply showed, including replies to an earlier request that was repeated (R6). */
  readonly collected: Collected;
  /** Disjoint, in order of time; normally the whole window. */
  readonly proven: readonly Window[];
  readonly unproven: readonly IncompleteReadError[];
  /** The error that ended the read early; null without one. */
  readonly failure: unknown;
}

/**
 * Looks at a window before it is cut or read by R5. More than two, because rows that leave between two looks make them
 * differ.
 */
const maxLooks = 4;
/** A read stops after this many parts that are delivered but cannot be proven: more requests would not help. */
const maxUnproven = 5;
/** Maximum number of halvings in one read, which isolates two seconds in a month. */
const maxHalvings = 40;
/** Number of halvings before a source that has answered nothing yet counts as failing. */
const maxUnansweredHalvings = 2;

/** Reads a window. Never throws: an error of `fetchPage` becomes the `failure`. */
export async function readWindow(source: PageSource, task: WindowTask): Promise<WindowRead> {
  return await new WindowReading(source, task).read();
}

/** Maximum length of the empty windows that a first read requests if the source refuses longer ones. */
const maxEmptyMs = 30 * 86_400_000;

/** The result of reading a window only until a reply shows rows, even if a request after that failed. */
export interface FirstReply extends Pick<WindowRead, 'collected' | 'unproven'> {
  /** The last reply. It has no rows if no reply had any. */
  readonly reply: Reply;
}

/**
 * Reads a window only until a reply shows rows. The first read of a run is one of a long span (R0): it shows the page
 * size, whether counts exceed pages, and the density. If the source refuses such a span, the read ends after a month
 * without rows: years of a day each would take all the time of a run.
 *
 * @throws what `fetchPage` throws before a reply has shown rows. These rows may have left the source by the next run.
 */
export async function readFirst(source: PageSource, window: Window): Promise<FirstReply> {
  const { hints } = source.profile;
  const hasRows = ({ seen, unreadable }: Collected): boolean => seen.size + unreadable.size > 0;
  const { collected, unproven, failure } = await readWindow(source, {
    window,
    settledUntilMs: Number.POSITIVE_INFINITY,
    rereadFromMs: Number.POSITIVE_INFINITY,
    isEnough: (shown, proven) => hasRows(shown) || (spanMs(window) > hints.maxSpanMs && lengthOf(proven) >= maxEmptyMs),
  });
  if (hints.answered === null || (failure !== null && !hasRows(collected))) {
    throw failure;
  }
  return { reply: hints.answered.reply, collected, unproven };
}

class WindowReading {
  #source: PageSource;
  readonly #task: WindowTask;
  readonly #todo: Window[];
  readonly #collected = emptyCollected();
  readonly #proven: Window[] = [];
  readonly #unproven: IncompleteReadError[] = [];
  /** Windows that the source fails to deliver, each with its error. */
  readonly #undelivered = new Map<Window, SourceError>();
  /** The window that was requested last. */
  #looked: Window;
  #halvings = 0;

  constructor(source: PageSource, task: WindowTask) {
    const onReply = (reply: Reply): void => {
      source.onReply(reply);
      addReply(this.#collected, reply);
    };
    this.#source = { ...source, onReply };
    this.#task = task;
    this.#todo = [task.window];
    this.#looked = task.window;
  }

  async read(): Promise<WindowRead> {
    let failure: unknown = null;
    try {
      let window = this.#todo.pop();
      while (window !== undefined) {
        await this.#readOrHalve(window);
        window = this.#hasEnough() ? undefined : this.#todo.pop();
      }
    } catch (thrown) {
      failure = thrown;
    }
    for (const window of unionOf([...this.#undelivered.keys()])) {
      const [, cause] = [...this.#undelivered].find(([part]) => part.fromMs === window.fromMs) ?? [];
      this.#unproven.push(new IncompleteReadError(window, null, 0, cause));
    }
    return { collected: this.#collected, proven: unionOf(this.#proven), unproven: this.#unproven, failure };
  }

  #hasEnough(): boolean {
    return this.#unproven.length >= maxUnproven || this.#task.isEnough(this.#collected, this.#proven);
  }

  /**
   * Reads a window. A part that the source fails to deliver is halved, and its halves are read after everything else:
   * the failure may concern a single row, or long windows only. A second is not halved, nor is anything after
   * `maxHalvings`: then it stays unproven (R6).
   */
  async #readOrHalve(window: Window): Promise<void> {
    try {
      await this.#readFrom(window);
    } catch (thrown) {
      if (thrown instanceof IncompleteReadError) {
        this.#unproven.push(thrown);
        return;
      }
      if (!(thrown instanceof SourceError && thrown.mayBeOfRequest)) {
        throw thrown;
      }
      const failed = this.#looked;
      const { answered, isWholeSeconds } = this.#source.profile.hints;
      const halves = this.#halvings < maxHalvings ? halvesOf(failed, isWholeSeconds) : [];
      if (answered !== null) {
        // Fails if not only the window fails, but the source.
        await ask({ ...this.#source, filter: answered.filter, isDoubtful: false }, answered.reply.window);
      } else if (halves.length === 0 || this.#halvings === maxUnansweredHalvings) {
        throw thrown;
      }
      this.#todo.push(...gapsIn(window, inOrder([...this.#proven, ...this.#todo, failed])));
      this.#todo.unshift(...halves);
      this.#source = { ...this.#source, isDoubtful: true };
      this.#halvings += 1;
      if (halves.length === 0) {
        this.#undelivered.set(failed, thrown);
      }
    }
  }

  /** Proves part after part of a window for as long as the cuts that its pages suggest balance. */
  async #readFrom(window: Window): Promise<void> {
    let rest = window;
    let reply = await this.#look(rest);
    while (reply !== null && !this.#isWhole(rest, reply)) {
      if (this.#hasEnough()) {
        this.#todo.push(rest);
        return;
      }
      const isSure = !this.#mayBeWrong(rest, reply);
      const cut = isSure ? balanceCut(rest, reply, this.#source.profile, this.#task) : null;
      if (cut === null) {
        return await this.#readInParts(rest, reply);
      }
      const next = await this.#look(cut.remainder);
      const isBalanced = this.#judgeBalance(cut, reply, next);
      rest = cut.remainder;
      // A remainder's count that is too low also makes a balance fail, so it must not prove the remainder whole.
      const isTooLow = next !== null && !isBalanced && this.#isWhole(rest, next);
      reply = isTooLow ? await this.#look(rest) : next;
    }
    if (reply !== null) {
      this.#proven.push(rest);
    }
  }

  /**
   * Looks at a window until a reply is whole or shows that it was cut off. If the source refuses the window as too
   * long, queues parts of it and returns null.
   */
  async #look(window: Window): Promise<Reply | null> {
    const { profile } = this.#source;
    this.#looked = window;
    // Without exact counts, every window needs two looks.
    let reply = await (profile.largestCount > 0 ? ask : askTwice)(this.#source, window);
    for (let looks = 1; reply !== null && looks < maxLooks && this.#mayBeWrong(window, reply); looks += 1) {
      reply = await askTwice(this.#source, window, reply);
    }
    if (reply === null) {
      const parts = Math.ceil(spanMs(window) / profile.hints.maxSpanMs);
      this.#todo.push(...cutAt(window, evenCuts(window, parts).map(Math.round)));
    }
    return reply;
  }

  /** Returns whether a reply may be wrong by itself (A4). A balance uses no count of such a reply (R2). */
  #mayBeWrong(window: Window, reply: Reply): boolean {
    const { rows, distinct, isShort, isConfirmed } = reply;
    const isOdd = rows === 0 || (!isConfirmed && (isShort || distinct < rows));
    return isOdd && !this.#isWhole(window, reply);
  }

  /**
   * Returns whether a reply shows its whole window, by one of two rules.
   *
   * R1: the reply shows as many distinct rows as an exact count says. A reply without rows does not prove a count.
   *
   * R3: two replies in a row that were not cut off show the same. A row shown twice may have replaced another row. Only
   * in a window of a single start time it counts as listed twice.
   */
  #isWhole(window: Window, { rows, count, distinct, isShort, isConfirmed }: Reply): boolean {
    const { profile } = this.#source;
    const isCounted = rows > 0 && count === rows && profile.believes(count);
    const isSeenTwice = isConfirmed && isShort && (count === null || count <= rows);
    return distinct === rows
      ? isCounted || isSeenTwice
      : isSeenTwice && isSingleTime(window, profile.hints.isWholeSeconds);
  }

  /**
   * Proves a part by R2, or queues it. The part is complete if as many distinct rows of it were shown as the two counts
   * leave for it. The remainder was requested after the reply had arrived. Returns whether the part is proven.
   */
  #judgeBalance({ part, remainder, shownRows }: Cut, { count }: Reply, next: Reply | null): boolean {
    const { profile } = this.#source;
    const nextCount = next === null || this.#mayBeWrong(remainder, next) ? null : next.count;
    const partRows = profile.believes(count) && profile.believes(nextCount) ? count - nextCount : 0;
    const isBalanced = partRows === shownRows && profile.balancesHold;
    profile.hints.noteBalance(!isBalanced);
    (isBalanced ? this.#proven : this.#todo).push(part);
    return isBalanced;
  }

  /** Queues smaller parts (R4), or reads a single second by offset (R5). @throws IncompleteReadError, as `ask` does */
  async #readInParts(window: Window, reply: Reply): Promise<void> {
    const { profile } = this.#source;
    if (isSingleTime(window, profile.hints.isWholeSeconds)) {
      await new DenseSecond(this.#source, window).read();
      this.#proven.push(window);
    } else if (reply.rows === 0) {
      throw new IncompleteReadError(window, reply.count, 0);
    } else {
      profile.hints.noteBalance(false);
      this.#todo.push(...partsOf(window, reply, profile, this.#task));
    }
  }
}
