/**
 * Reads a window so that every part is either proven complete or reported as unproven. Pure over `fetchPage`. PROOF.md
 * has the rules R1 to R6 with their reasons and assumptions.
 *
 * A reply at offset 0 is a snapshot, so a window that fits into one reply takes one request (R1, R3). An ordered page
 * cuts off the part of a longer window that it seems to show completely, and two counts prove that part (R2). Parts
 * that do not balance are read separately in smaller parts (R4), down to a single second (R5). A part that the source
 * fails to deliver is halved in the same way (R6).
 */
import { IncompleteReadError, type SourceError } from '../errors.ts';
import { contains, cutAt, evenCuts, gapsIn, inOrder, spanMs, unionOf } from '../intervals.ts';
import type { Window } from '../model.ts';
import { addReply, type Collected, emptyCollected } from './collected.ts';
import { type Ages, balanceCut, type Cut, halvesOf, isSingleTime, partsOf } from './cuts.ts';
import { DenseSecond } from './dense-second.ts';
import { ask, askTwice, type PageSource, type Reply, showSame, UndeliveredError } from './page-source.ts';

/** What to read. */
export interface WindowTask extends Ages {
  readonly window: Window;
  /** Reading stops after the first part that brings the rows shown to this number. */
  readonly maxRows: number;
}

/** The result of a read. Parts that are neither proven nor unproven are still to be read. */
export interface WindowRead {
  /** Every row of every reply. */
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
/** A read stops after this many unproven parts: more requests would not help against such a source. */
const maxUnproven = 5;
/** Maximum number of halvings in one read, which isolates two seconds in a month. */
const maxHalvings = 40;

/** Reads a window. Never throws: an error of `fetchPage` becomes the `failure`. */
export async function readWindow(source: PageSource, task: WindowTask): Promise<WindowRead> {
  return await new WindowReading(source, task).read();
}

/** The last reply of a look at a window, and whether it shows the whole window (R1, R3). */
interface Look extends Reply {
  readonly isWhole: boolean;
  /** The number of looks after which more would not help. */
  readonly mostLooks: number;
}

class WindowReading {
  #source: PageSource;
  readonly #task: WindowTask;
  readonly #todo: Window[];
  readonly #collected = emptyCollected();
  readonly #proven: Window[] = [];
  #unproven: IncompleteReadError[] = [];
  #halvings = 0;

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
        await this.#readOrHalve(window);
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

  /**
   * Reads a window. A part that the source fails to deliver is halved, and its halves are read after everything else:
   * the failure may concern a single row, or long windows only. A second is not halved, nor is anything after
   * `maxHalvings`: then it stays unproven (R6).
   */
  async #readOrHalve(window: Window): Promise<void> {
    try {
      await this.#readFrom(window);
    } catch (thrown) {
      if (!(thrown instanceof UndeliveredError)) {
        throw thrown;
      }
      addReply(this.#collected, thrown.answer);
      // A dense second also asks for windows around it.
      const failed = contains(window, thrown.window.fromMs) ? thrown.window : window;
      this.#todo.push(...gapsIn(window, inOrder([...this.#proven, ...this.#todo, failed])));
      const halves = this.#halvings < maxHalvings ? halvesOf(failed, this.#source.profile.hints.isWholeSeconds) : [];
      this.#halvings += 1;
      this.#source = { ...this.#source, isDoubtful: true };
      this.#todo.unshift(...halves);
      if (halves.length === 0) {
        this.#addFailure(failed, thrown.failure);
      }
    }
  }

  /** Adds a window that the source fails to deliver, joined with those beside it. */
  #addFailure(window: Window, cause: SourceError): void {
    const beside = this.#unproven.filter((error) => error.cause && unionOf([error.window, window]).length === 1);
    const [whole = window] = unionOf([window, ...beside.map((error) => error.window)]);
    const others = this.#unproven.filter((error) => !beside.includes(error));
    this.#unproven = [...others, new IncompleteReadError(whole, null, 0, cause)];
  }

  /** Proves part after part of a window for as long as the cuts that its pages suggest balance. */
  async #readFrom(window: Window): Promise<void> {
    let rest = window;
    let reply = await this.#look(rest);
    while (reply !== null && !reply.isWhole) {
      const cut = balanceCut(rest, reply, this.#source.profile, this.#task);
      if (cut === null) {
        return await this.#readInParts(rest, reply);
      }
      const next = await this.#look(cut.remainder);
      const isBalanced = this.#judgeBalance(cut, reply, next);
      rest = cut.remainder;
      // A remainder's count that is too low also makes a balance fail, so it must not prove the remainder whole.
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
   * Looks at a window until a reply is whole or shows that it was cut off. If the source refuses the window as too
   * long, queues parts of it and returns null.
   */
  async #look(window: Window): Promise<Look | null> {
    // Without exact counts, every window needs two looks.
    const isCounted = this.#source.profile.largestCount > 0;
    let replies = isCounted ? await askOnce(this.#source, window) : await askTwice(this.#source, window);
    for (let looks = 1; replies !== null; looks += 1) {
      const look = this.#judgeLook(window, replies);
      if (look.isWhole || looks >= look.mostLooks) {
        return look;
      }
      replies = await askTwice(this.#source, window, look);
    }
    const parts = Math.ceil(spanMs(window) / this.#source.profile.hints.maxSpanMs);
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

  /** R1: one reply shows as many distinct rows as an exact count says. A reply without rows proves no count. */
  #isWholeByCount({ rows, count, distinct }: Reply): boolean {
    return rows > 0 && count === rows && distinct === rows && this.#source.profile.believes(count);
  }

  /**
   * R3: whether this reply shows the whole window if the reply before it showed the same. A row shown twice may have
   * replaced another row. Only in a window of a single start time it counts as listed twice.
   */
  #mayBeWhole(window: Window, { rows, count, distinct, isShort }: Reply): boolean {
    const isPlain = distinct === rows || isSingleTime(window, this.#source.profile.hints.isWholeSeconds);
    return isPlain && isShort && (count === null || count <= rows);
  }

  /** Whether the reply itself is wrong: a row twice, or fewer rows than a page and than its own count. */
  #isOdd({ rows, count, distinct, isShort }: Reply): boolean {
    return distinct < rows || (isShort && rows < (count ?? 0));
  }

  /**
   * R2: the part is complete if as many distinct rows of it were shown as the two counts leave for it. The remainder
   * was requested after the reply had arrived. A part that does not balance is queued.
   */
  #judgeBalance({ part, shownRows }: Cut, { count }: Reply, next: Reply | null): boolean {
    const { profile } = this.#source;
    const nextCount = next?.count ?? null;
    const partRows = profile.believes(count) && profile.believes(nextCount) ? count - nextCount : 0;
    const isBalanced = partRows === shownRows && profile.balancesHold;
    profile.hints.noteBalance(isBalanced);
    if (isBalanced) {
      this.#proven.push(part);
    } else {
      this.#todo.push(part);
    }
    return isBalanced;
  }

  /** R4 and R5: queues smaller parts, or reads a single second by offset. */
  async #readInParts(window: Window, reply: Reply): Promise<void> {
    const { profile } = this.#source;
    if (isSingleTime(window, profile.hints.isWholeSeconds)) {
      const unproven = await new DenseSecond(this.#source, window, this.#collected).read();
      if (unproven === null) {
        this.#proven.push(window);
      } else {
        this.#unproven.push(unproven);
      }
    } else if (reply.rows === 0) {
      this.#unproven.push(new IncompleteReadError(window, reply.count, 0));
    } else {
      profile.hints.noteTiled();
      this.#todo.push(...partsOf(window, reply, profile, this.#task));
    }
  }
}

async function askOnce(source: PageSource, window: Window): Promise<readonly [Reply] | null> {
  const reply = await ask(source, window);
  return reply && [reply];
}
