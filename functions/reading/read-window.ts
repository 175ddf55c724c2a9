/**
 * Complete reading: every part of a window is proven to be shown whole, or named as not proven. Pure over `fetchPage`. The
 * rules R1 to R6, why each is needed, and what they assume are in PROOF.md.
 *
 * A reply at offset 0 is a snapshot. So a window that fits into one reply needs one reply (R1, R3). From a longer one an
 * ordered page cuts off the part that it seems to show whole; the counts before and after prove it (R2). What does not
 * balance is read by itself, in smaller parts (R4), down to a single second (R5).
 */
import { IncompleteReadError } from '../errors.ts';
import { cutAt, evenCuts, spanMs } from '../intervals.ts';
import type { Window } from '../model.ts';
import { addReply, type Collected, emptyCollected } from './collected.ts';
import { type Ages, balanceCut, type Cut, isSingleTime, partsOf, partsToFit } from './cuts.ts';
import { DenseSecond } from './dense-second.ts';
import { ask, askTwice, type PageSource, type Reply, showSame } from './page-source.ts';

/** What to read. */
export interface WindowTask extends Ages {
  readonly window: Window;
  /** Stops after the first part with which so many rows were shown. */
  readonly maxRows: number;
  /** Asked between two requests; true stops the reading after the part under way. */
  readonly isStopping: () => boolean;
}

/** What was read. `collected` holds every row that any reply showed. */
export type WindowRead =
  | { readonly kind: 'complete'; readonly collected: Collected }
  | {
      /** Some parts are proven; the others are still to be read, but for those that cannot be proven. */
      readonly kind: 'partial';
      readonly collected: Collected;
      readonly proven: readonly Window[];
      readonly unproven: readonly IncompleteReadError[];
      /** What ended the reading early; null where it was stopped, or had enough rows. */
      readonly failure: unknown;
    };

/** Looks at one window before it is cut or given to R5: rows that leave between two looks make them differ. */
const maxLooks = 4;
/** A reading with so many unproven parts stops: such a source is not worth its requests. */
const maxUnproven = 5;

/** Reads a window. Never throws: what `fetchPage` throws is the `failure` of a partial read. */
export async function readWindow(source: PageSource, task: WindowTask): Promise<WindowRead> {
  return await new WindowReading(source, task).read();
}

/** A reply, and whether the one before it for the same window showed the same rows. */
interface Look extends Reply {
  readonly isConfirmed: boolean;
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
      for (let window = this.#todo.pop(); window !== undefined; window = this.#todo.pop()) {
        await this.#readFrom(window);
        if (this.#hasEnough()) {
          break;
        }
      }
    } catch (thrown) {
      failure = thrown;
    }
    const [collected, proven, unproven] = [this.#collected, this.#proven, this.#unproven];
    return failure === null && this.#todo.length === 0 && unproven.length === 0
      ? { kind: 'complete', collected }
      : { kind: 'partial', collected, proven, unproven, failure };
  }

  #hasEnough(): boolean {
    const { maxRows, isStopping } = this.#task;
    const isFull = this.#proven.length > 0 && this.#collected.seen.size >= maxRows;
    return isFull || this.#unproven.length >= maxUnproven || isStopping();
  }

  /** Proves part after part of a window, as long as the parts that its pages suggest balance. */
  async #readFrom(window: Window): Promise<void> {
    let rest = window;
    let reply = await this.#look(rest);
    while (reply !== null) {
      reply = await this.#confirm(rest, reply);
      if (reply.isConfirmed || this.#isWholeByCount(reply)) {
        this.#proven.push(rest);
        return;
      }
      const cut = balanceCut(rest, reply, this.#source.evidence, this.#task);
      if (cut === null) {
        return await this.#readInParts(rest, reply);
      }
      const next = await this.#look(cut.remainder);
      const balanced = this.#judgeBalance(cut, reply, next);
      rest = cut.remainder;
      // A count that is too low explains a failed balance, too. So the remainder must not be called whole by it.
      reply = next === null || balanced || !this.#isWholeByCount(next) ? next : await this.#look(rest);
      if (reply !== null && this.#hasEnough()) {
        this.#todo.push(rest);
        return;
      }
    }
  }

  /** R1: one reply shows as many distinct rows as an exact count says. A reply without rows vouches for nothing. */
  #isWholeByCount({ rows, count, distinct }: Reply): boolean {
    return rows > 0 && count === rows && distinct === rows && this.#source.evidence.believes(count);
  }

  /**
   * R3: looks again until two replies in a row, neither of them cut off, show the same rows; or until R1 holds. Returns
   * the last reply.
   */
  async #confirm(window: Window, first: Look): Promise<Look> {
    let reply = first;
    for (let looks = 1; looks < maxLooks && !reply.isConfirmed && !this.#isWholeByCount(reply); looks += 1) {
      if (reply.rows > 0 && !this.#mayBeWhole(window, reply)) {
        break;
      }
      const replies = await askTwice(this.#source, window, reply);
      reply = replies === null ? reply : (this.#judgeLooks(window, replies) ?? reply);
    }
    return reply;
  }

  /** A row that is shown twice may stand for another one, so only within a single time it is taken to be listed twice. */
  #mayBeWhole(window: Window, { rows, count, distinct }: Reply): boolean {
    const { evidence } = this.#source;
    const isPlain = distinct === rows || isSingleTime(window, evidence.hints.isWholeSeconds);
    return isPlain && evidence.isShort(rows) && (count === null || count <= rows);
  }

  /**
   * R2: the part is complete if as many distinct rows of it were shown as both counts leave for it. The remainder was
   * asked for after the reply had arrived. Else the part is read by itself.
   */
  #judgeBalance({ part, edgeMs, shownRows }: Cut, reply: Reply, next: Reply | null): boolean {
    const { evidence } = this.#source;
    const isComparable = next !== null && evidence.believes(reply.count) && evidence.believes(next.count);
    const isClear = next?.times.every((ms) => Math.abs(ms - edgeMs) > 1) ?? false;
    const partRows = isComparable && isClear ? (reply.count ?? 0) - (next.count ?? 0) : 0;
    const isBalanced = partRows === shownRows && evidence.balancesHold;
    evidence.hints.noteBalance(isBalanced);
    if (isBalanced) {
      this.#proven.push(part);
    } else {
      this.#todo.push(...partsToFit(part, reply, partRows, evidence));
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

  /**
   * Looks at a window. Asks again where the reply is no evidence: empty, with a row twice, or shorter than a page and than
   * its own count. Where the source refuses a window as long as this, queues parts of it and returns null.
   */
  async #look(window: Window): Promise<Look | null> {
    const { evidence } = this.#source;
    // Without exact counts every window takes two looks.
    if (evidence.largestCount === 0) {
      return this.#judgeLooks(window, await askTwice(this.#source, window));
    }
    const reply = await ask(this.#source, window);
    if (reply === null) {
      return this.#judgeLooks(window, null);
    }
    addReply(this.#collected, reply);
    const isOdd = reply.rows === 0 || reply.distinct < reply.rows;
    const isCutShort = evidence.isShort(reply.rows) && reply.rows < (reply.count ?? 0);
    const looks = isOdd || isCutShort ? await askTwice(this.#source, window, reply) : null;
    return this.#judgeLooks(window, looks ?? [reply]);
  }

  /** Takes in looks at a window. Queues parts of it where the source refuses one as long as this. */
  #judgeLooks(window: Window, looks: readonly Reply[] | null): Look | null {
    const last = looks?.at(-1);
    if (looks === null || last === undefined) {
      const parts = Math.ceil(spanMs(window) / this.#source.evidence.hints.maxSpanMs);
      this.#todo.push(...cutAt(window, evenCuts(window, parts).map(Math.round)));
      return null;
    }
    for (const reply of looks) {
      addReply(this.#collected, reply);
    }
    const [first = last] = looks;
    const isSame = looks.length > 1 && looks.every((reply) => this.#mayBeWhole(window, reply)) && showSame(first, last);
    return { ...last, isConfirmed: isSame };
  }
}
