/** Reads a span slice by slice, each proven complete. */
import { type EpochMs, maxPageRows, type Window } from '../model.ts';
import { type Collected, emptyCollected, mergeCollected, rowCount } from '../reading/collected.ts';
import type { Reader } from '../reading/reader.ts';
import { SlicePlanner } from '../reading/slices.ts';
import { readVerified } from '../reading/verified.ts';
import { contains } from '../reading/window.ts';

/** A window proven complete, with every row it showed. */
export interface ReadSlice {
  readonly window: Window;
  readonly collected: Collected;
}

/** What to read, and how. */
export interface SliceReading {
  readonly reader: Reader;
  readonly fromMs: EpochMs;
  readonly untilMs: EpochMs;
  /** What starts from here on may have rows that appear late. */
  readonly recentFromMs: EpochMs;
  /** Density known from before; null if none is. */
  readonly rowsPerMs: number | null;
  /** How many rows can be read in the time left. */
  readonly rowsInTimeLeft: () => number;
}

/** Goes from `fromMs` to `untilMs`. */
export class SliceReader {
  readonly #reading: SliceReading;
  readonly #planner: SlicePlanner;
  /** Rows that came with replies about slices too large to be read; a later slice shows them again, unless they are gone. */
  readonly #carried: Collected = emptyCollected();
  #fromMs: EpochMs;
  #cutsAtRecent = false;

  constructor(reading: SliceReading) {
    this.#reading = reading;
    this.#planner = new SlicePlanner(reading.rowsPerMs);
    this.#fromMs = reading.fromMs;
  }

  /** Leaves out what lies before `ms`: it was covered by another. */
  skipTo(ms: EpochMs): void {
    this.#fromMs = Math.max(this.#fromMs, ms);
  }

  /** The next slice; null at the end. Throws what `readVerified` throws. */
  async next(): Promise<ReadSlice | null> {
    while (this.#fromMs < this.#reading.untilMs) {
      const limitRows = this.#reading.rowsInTimeLeft();
      const { window, maxRows } = this.#plan(limitRows);
      const outcome = await readVerified(this.#reading.reader, window, maxRows);
      if (outcome.kind === 'complete') {
        this.#planner.sliceRead(window, rowCount(outcome.collected), outcome.disturbed);
        this.#fromMs = window.toMs;
        this.#unload(window, outcome.collected);
        return { window, collected: outcome.collected };
      }
      mergeCollected(this.#carried, outcome.collected);
      if (contains(window, this.#reading.recentFromMs - 1) && window.toMs > this.#reading.recentFromMs) {
        this.#cutsAtRecent = true;
      } else {
        this.#planner.sliceTooLarge(window, outcome.rowsPerMs);
      }
    }
    return null;
  }

  /**
   * The next slice. What is old is kept apart from what is recent, unless one page, which is atomic, holds both: proof by
   * count is blind to one row gone and another come within one pass, and the row that slips through may be any of the
   * slice. Rows come late only where it is recent, and that is read again by the next run; so an old slice must not reach
   * into it.
   */
  #plan(limitRows: number): { window: Window; maxRows: number } {
    const { untilMs, recentFromMs } = this.#reading;
    const isBeforeCut = this.#cutsAtRecent && this.#fromMs < recentFromMs;
    const window = this.#planner.next(this.#fromMs, isBeforeCut ? recentFromMs : untilMs, limitRows);
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
