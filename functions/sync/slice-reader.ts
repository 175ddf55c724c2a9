/**
 * Reads spans slice by slice, several at a time: while one slice waits for a reply, the others have something to ask. The
 * slices come out in order of time, each with the parts of it that are proven complete.
 */
import type { IncompleteReadError } from '../errors.ts';
import { contains, containsAny, cutAt, gapsIn, inOrder, lengthOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import { addReply, type Collected, emptyCollected } from '../reading/collected.ts';
import type { PageSource, Reply } from '../reading/page-source.ts';
import { readWindow, type WindowRead } from '../reading/read-window.ts';
import { nextSlice } from '../reading/slices.ts';

/** A slice with the parts of it that are proven complete, and the rows of those. */
export interface ReadSlice {
  readonly window: Window;
  /** Disjoint, in order of time; all of `window` as a rule. */
  readonly proven: readonly Window[];
  readonly unproven: readonly IncompleteReadError[];
  readonly collected: Collected;
  /** When its reading began, on our clock: what appeared later may be missing. */
  readonly begunAtMs: EpochMs;
  /** What started earlier could only leave while it was read. */
  readonly settledUntilMs: EpochMs;
}

/** What to read, and how. */
export interface SliceReading {
  readonly source: PageSource;
  /** Disjoint, in order of time. */
  readonly spans: readonly Window[];
  /** What lies behind is begun when everything before was read; null where that does not matter. */
  readonly barrierMs: EpochMs | null;
  /** Until where rows only leave. Asked anew for each slice: the source's clock is known from its first reply. */
  readonly settledUntilMs: () => EpochMs;
  /** What starts from here on is read again by the next run; infinite where nothing is. */
  readonly rereadFromMs: EpochMs;
  /** The first reply of the run: of what it shows in `spans`, nothing may be lost that leaves before it is read. */
  readonly shown: Reply | null;
  /** Density known from before; null if none is. */
  readonly rowsPerMs: number | null;
  /** How many rows can be read in the time left. */
  readonly rowsInTimeLeft: () => number;
  readonly now: () => EpochMs;
}

/** A slice stops at so many times the rows it aims at; the rest becomes slices of their own. */
const toleratedFactor = 2;
/** What is proven of a slice whose evidence was revoked. */
const nothing: Pick<WindowRead, 'proven' | 'unproven'> = { proven: [], unproven: [] };

/** A slice that is being read. */
interface BegunSlice extends Pick<ReadSlice, 'window' | 'begunAtMs' | 'settledUntilMs'> {
  /** Evidence that is revoked meanwhile makes the slice be read again. */
  readonly revision: number;
  readonly read: Promise<WindowRead>;
}

/** Goes through the spans in order of time. */
export class SliceReader {
  readonly #reading: SliceReading;
  #rowsPerMs: number | null;
  /** Rows of parts that were not proven. Reading them again shows these rows again, unless they are gone. */
  readonly #carried: Collected = emptyCollected();
  #unread: readonly Window[];
  readonly #begun: BegunSlice[] = [];
  #failure: { readonly thrown: unknown } | null = null;
  #revision: number;

  constructor(reading: SliceReading) {
    this.#reading = reading;
    this.#rowsPerMs = reading.rowsPerMs;
    this.#unread = reading.spans;
    this.#revision = reading.source.evidence.revision;
    if (reading.shown !== null) {
      addReply(this.#carried, reading.shown);
    }
  }

  /** What is still to be read, in order of time; slices under way included. */
  get rest(): readonly Window[] {
    return inOrder([...this.#unread, ...this.#begun.map(({ window }) => window)]);
  }

  /** Changes what is still to be read, for example because another run covered some of it. Slices under way go on. */
  keepOnly(spans: readonly Window[]): void {
    const begun = inOrder(this.#begun.map(({ window }) => window));
    this.#unread = spans.flatMap((span) => gapsIn(span, begun));
  }

  /** Returns whether evidence was revoked since the last call: what is not committed has to be read again. */
  takeRevocation(): boolean {
    const { revision } = this.#reading.source.evidence;
    const isRevoked = revision !== this.#revision;
    this.#revision = revision;
    return isRevoked;
  }

  /**
   * Returns the next slice; null at the end. Where the source fails, first returns what was proven until then.
   *
   * @throws what `fetchPage` threw, after the last slice
   */
  async next(): Promise<ReadSlice | null> {
    this.#begin();
    const slice = this.#begun[0];
    if (slice === undefined && this.#failure !== null) {
      throw this.#failure.thrown;
    }
    if (slice === undefined) {
      return null;
    }
    const read = await slice.read;
    this.#begun.shift();
    return this.#take(slice, read);
  }

  /** Begins as many slices as are to be under way. Without a density, the first one is all there is. */
  #begin(): void {
    const { source, barrierMs, rereadFromMs, rowsInTimeLeft, now } = this.#reading;
    const { hints, largestCount, revision } = source.evidence;
    const inFlight = source.inFlight();
    while (this.#failure === null && this.#begun.length < (this.#rowsPerMs === null ? 1 : inFlight)) {
      const unread = this.#unread.flatMap((span) => cutAt(span, barrierMs === null ? [] : [barrierMs]));
      const [span, ...others] = unread;
      if (span === undefined || this.#isBehindBarrier(span)) {
        return;
      }
      const { window, aimedRows } = nextSlice(span, {
        rowsPerMs: this.#rowsPerMs,
        rowsInTimeLeft: rowsInTimeLeft(),
        maxSpanMs: hints.maxSpanMs,
        countCap: hints.isCapped ? largestCount : Number.POSITIVE_INFINITY,
        inFlight,
        restMs: lengthOf(unread),
      });
      this.#unread = [...gapsIn(span, [window]), ...others];
      const settledUntilMs = this.#reading.settledUntilMs();
      const maxRows = aimedRows * toleratedFactor;
      const read = readWindow(source, { window, settledUntilMs, rereadFromMs, maxRows });
      this.#begun.push({ window, begunAtMs: now(), settledUntilMs, revision, read });
      // What a slice left over comes before the slices that were begun meanwhile.
      this.#begun.sort((a, b) => a.window.fromMs - b.window.fromMs);
    }
  }

  #isBehindBarrier({ fromMs }: Window): boolean {
    const barrierMs = this.#reading.barrierMs ?? Number.POSITIVE_INFINITY;
    return fromMs >= barrierMs && this.#begun.some(({ window }) => window.fromMs < barrierMs);
  }

  #take({ window, begunAtMs, settledUntilMs, revision }: BegunSlice, read: WindowRead): ReadSlice {
    const isRevoked = revision !== this.#reading.source.evidence.revision;
    const { proven, unproven } = isRevoked ? nothing : read;
    if (read.failure !== null) {
      this.#failure ??= { thrown: read.failure };
    }
    const settled = inOrder([...proven, ...unproven.map((error) => error.window)]);
    this.#unread = inOrder([...gapsIn(window, settled), ...this.#unread]);
    const collected = this.#rowsOf(window, proven, read.collected);
    if (proven.length > 0) {
      const seenPerMs = collected.seen.size / lengthOf(proven);
      this.#rowsPerMs = this.#rowsPerMs === null ? seenPerMs : (this.#rowsPerMs + seenPerMs) / 2;
    }
    return { window, proven, unproven, collected, begunAtMs, settledUntilMs };
  }

  /** Returns the rows of the proven parts, with carried ones that are gone since; keeps the others for later. */
  #rowsOf(window: Window, proven: readonly Window[], { seen, unreadable }: Collected): Collected {
    // A source that filters by another time than it shows may show a row in no other window than this.
    const isAttributable = this.#reading.source.evidence.balancesHold;
    const isWhole = lengthOf(proven) === lengthOf([window]);
    for (const [key, row] of isWhole || !isAttributable ? [] : seen) {
      const { startTimeMs } = row.execution;
      if (contains(window, startTimeMs) && !containsAny(proven, startTimeMs)) {
        this.#carried.seen.set(key, row);
        seen.delete(key);
      }
    }
    for (const [key, row] of this.#carried.seen) {
      if (!isAttributable || containsAny(proven, row.execution.startTimeMs)) {
        this.#carried.seen.delete(key);
        seen.set(key, seen.get(key) ?? row);
      }
    }
    return { seen, unreadable };
  }
}
