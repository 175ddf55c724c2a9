/**
 * Reads spans slice by slice, each proven complete, two at a time.
 *
 * A slice ends with a pause: its last pages are awaited, then the first page of the next, which has to tell the total. At
 * a latency of 0.8 s that would waste an eighth of the quota; the slice after it has enough to ask for meanwhile.
 */
import { IncompleteReadError } from '../errors.ts';
import { type EpochMs, maxPageRows, type Window } from '../model.ts';
import { type Collected, emptyCollected, mergeCollected, rowCount } from '../reading/collected.ts';
import type { Reader } from '../reading/reader.ts';
import { SlicePlanner } from '../reading/slices.ts';
import { type ReadOutcome, readVerified } from '../reading/verified.ts';
import { contains } from '../reading/window.ts';
import { spansFrom } from './plan/next-window.ts';

/** A window proven complete, with every row it showed. */
export interface ReadSlice {
  readonly window: Window;
  readonly collected: Collected;
  /** When its reading began, on our clock: what appeared later may be missing. */
  readonly begunAtMs: EpochMs;
  /** False where rows may have come late between its pages: any row of it may be missing, and it has to be read again. */
  readonly isConclusive: boolean;
}

/** A slice that is being read. */
interface BegunSlice {
  readonly window: Window;
  readonly begunAtMs: EpochMs;
  readonly outcome: Promise<ReadOutcome>;
}

/** What to read, and how. */
export interface SliceReading {
  readonly reader: Reader;
  /** Disjoint, in order of time. */
  readonly spans: readonly Window[];
  /** From where on rows may appear late. Asked anew each time: the source's clock is known from its first reply. */
  readonly recentFromMs: () => EpochMs;
  /** Density known from before; null if none is. */
  readonly rowsPerMs: number | null;
  /** How many rows can be read in the time left. */
  readonly rowsInTimeLeft: () => number;
  readonly now: () => EpochMs;
}

/** Goes through the spans in order of time. */
export class SliceReader {
  readonly #reading: SliceReading;
  readonly #planner: SlicePlanner;
  /** Rows that came with replies about slices too large to be read; a later slice shows them again, unless they are gone. */
  readonly #carried: Collected = emptyCollected();
  /** What is still to be read. */
  #rest: readonly Window[];
  /** Lies after the slice that is awaited, with nothing between them that is to be read but parts of that one. */
  #ahead: BegunSlice | null = null;
  #cutsAtRecent = false;
  #recentFromMs = Number.POSITIVE_INFINITY;
  /** A part of a slice that could not be proven. What lies before it is read first, by itself. */
  #unproven: { readonly error: IncompleteReadError; readonly fromMs: EpochMs } | null = null;

  constructor(reading: SliceReading) {
    this.#reading = reading;
    this.#planner = new SlicePlanner(reading.rowsPerMs);
    this.#rest = reading.spans;
  }

  /** What is still to be read, in order of time. */
  get rest(): readonly Window[] {
    return this.#rest;
  }

  /** Leaves out parts of what is still to be read: they were covered by another. `spans` is what remains. */
  keepOnly(spans: readonly Window[]): void {
    this.#rest = spans;
  }

  /**
   * The next slice; null at the end. Throws what `readVerified` throws: where a window could not be proven, after all that
   * lies before it; to go on behind it, leave it out by `keepOnly`.
   */
  async next(): Promise<ReadSlice | null> {
    for (let span = this.#rest[0]; span !== undefined; span = this.#rest[0]) {
      this.#throwReached(span);
      const slice = this.#takeAhead(span) ?? this.#begin(span);
      const { window, begunAtMs } = slice;
      this.#beginAhead(window.toMs);
      const outcome = await slice.outcome.catch((thrown: unknown) => this.#keepUnproven(thrown, window));
      if (outcome === null) {
        continue;
      }
      const recentFromMs = this.#recentFrom();
      const isRecent = window.toMs > recentFromMs;
      const straddles = isRecent && window.fromMs < recentFromMs;
      if (outcome.kind === 'complete' && (outcome.isAtomic || !straddles)) {
        const pageRows = Math.max(1, this.#reading.reader.traits.largestPageRows);
        this.#planner.sliceRead(window, rowCount(outcome.collected), { ...outcome, pageRows });
        this.#rest = spansFrom(this.#rest, window.toMs);
        this.#unload(window, outcome.collected);
        return { window, collected: outcome.collected, begunAtMs, isConclusive: outcome.isAtomic || !isRecent };
      }
      mergeCollected(this.#carried, outcome.collected);
      if (straddles || outcome.kind === 'complete') {
        this.#cutsAtRecent = true;
      } else {
        this.#planner.sliceTooLarge(window, outcome.rowsPerMs);
      }
    }
    return null;
  }

  /** Only where slices are cut by a density, else the next is all there is; and not what was tried in vain a moment ago. */
  #beginAhead(fromMs: EpochMs): void {
    const [following] = spansFrom(this.#rest, fromMs);
    const isUntried =
      following !== undefined && following.fromMs < (this.#unproven?.fromMs ?? Number.POSITIVE_INFINITY);
    if (this.#ahead === null && isUntried && this.#planner.knowsDensity) {
      this.#ahead = this.#begin(following);
    }
  }

  /** Has the part of a slice before the window that could not be proven read first. Throws what is no such failure. */
  #keepUnproven(thrown: unknown, slice: Window): null {
    if (!(thrown instanceof IncompleteReadError) || thrown.window === undefined) {
      throw thrown;
    }
    const { fromMs } = thrown.window;
    if (fromMs <= slice.fromMs || fromMs >= slice.toMs) {
      throw thrown;
    }
    this.#unproven = { error: thrown, fromMs };
    return null;
  }

  /** Throws once reading has come to the window that could not be proven; not if another run has covered it meanwhile. */
  #throwReached({ fromMs }: Window): void {
    const unproven = this.#unproven;
    if (unproven === null || fromMs < unproven.fromMs) {
      return;
    }
    this.#unproven = null;
    if (fromMs === unproven.fromMs) {
      throw unproven.error;
    }
  }

  /** The slice that was begun ahead, once its turn has come. One that is not all of it in `span` was covered by another run. */
  #takeAhead(span: Window): BegunSlice | null {
    const ahead = this.#ahead;
    if (ahead === null || ahead.window.fromMs > span.fromMs) {
      return null;
    }
    this.#ahead = null;
    return ahead.window.fromMs === span.fromMs && ahead.window.toMs <= span.toMs ? ahead : null;
  }

  /** From where on rows may appear late. Never later than it was: a row that came meanwhile may start there. */
  #recentFrom(): EpochMs {
    this.#recentFromMs = Math.min(this.#recentFromMs, this.#reading.recentFromMs());
    return this.#recentFromMs;
  }

  /** Begins to read at the start of `span`. */
  #begin(span: Window): BegunSlice {
    const begunAtMs = this.#reading.now();
    const { window, maxRows } = this.#plan(span, this.#reading.rowsInTimeLeft());
    const outcome = readVerified(this.#reading.reader, window, maxRows);
    // Its failure counts when its turn comes, and not at all if an earlier slice fails.
    outcome.catch(() => undefined);
    return { window, begunAtMs, outcome };
  }

  /**
   * The next slice. What is old is kept apart from what is recent, unless one page, which is atomic, holds both: proof by
   * count is blind to one row gone and another come within one pass, and the row that slips through may be any of the
   * slice. Rows come late only where it is recent, and that is to be read again; so an old slice must not reach into it.
   */
  #plan({ fromMs, toMs }: Window, limitRows: number): { window: Window; maxRows: number } {
    const recentFromMs = this.#recentFrom();
    const isBeforeCut = this.#cutsAtRecent && fromMs < recentFromMs;
    const endMs = Math.min(
      toMs,
      isBeforeCut ? recentFromMs : toMs,
      this.#ahead?.window.fromMs ?? toMs,
      this.#unproven?.fromMs ?? toMs,
    );
    const window = this.#planner.next(fromMs, endMs, limitRows);
    const maxRows = this.#planner.maxRows(limitRows);
    if (recentFromMs <= window.fromMs || recentFromMs >= window.toMs) {
      return { window, maxRows };
    }
    return this.#planner.expectedRows(window) > maxPageRows
      ? { window: { fromMs: window.fromMs, toMs: recentFromMs }, maxRows }
      : { window, maxRows: maxPageRows };
  }

  /** Adds carried rows that start in `window` and are not among its rows: they were there, and are gone. */
  #unload(window: Window, collected: Collected): void {
    for (const [key, seen] of this.#carried.seen) {
      if (contains(window, seen.execution.startTimeMs)) {
        this.#carried.seen.delete(key);
        if (!collected.seen.has(key)) {
          collected.seen.set(key, seen);
        }
      }
    }
    for (const [key, row] of this.#carried.unreadable) {
      collected.unreadable.set(key, row);
    }
    this.#carried.unreadable.clear();
  }
}
