/**
 * Cuts a long span into slices of a few thousand rows, by the density seen so far. Pure.
 *
 * Slices are read side by side, and each is read and committed as one: long enough that its last, partly filled page costs
 * little, short enough that many fit into the time left and that a kill does not cost much.
 */
import type { EpochMs, Window } from '../model.ts';

/** Rows of a slice at most: 50 pages, so that the half page lost at its end costs 1 %. */
export const maxSliceRows = 5_000;
/** Rows of a slice at least, where it is cut short so that several can be read side by side. */
const minSliceRows = 2_500;
/** A slice stops at so many times the rows it was cut for; the rest becomes slices of their own. */
const toleratedFactor = 2;
/** A rest shorter than this part of a slice is joined to it. */
const joinedRest = 0.3;

/** What limits the next slice. */
export interface SliceLimits {
  /** Rows that can be read in the time left. */
  readonly rowsInTimeLeft: number;
  /** The longest window that the source accepts. */
  readonly maxSpanMs: number;
  /** Counts are exact below this where they are capped; infinite where they are not. */
  readonly countCap: number;
  /** Slices that are read side by side. */
  readonly inFlight: number;
  /** Length of all that is still to be read. */
  readonly restMs: number;
}

/** Sizes slices while reading goes on. */
export class SlicePlanner {
  /** Rows per millisecond; null while unknown. */
  #rowsPerMs: number | null;

  /** @param rowsPerMs density known from before, for example from coverage; null if none is */
  constructor(rowsPerMs: number | null) {
    this.#rowsPerMs = rowsPerMs;
  }

  /** Whether slices are cut by a density at all. Without one, the next slice is all there is. */
  get knowsDensity(): boolean {
    return this.#rowsPerMs !== null && this.#rowsPerMs > 0;
  }

  /** Returns the next slice of `span`, from its start, and the rows at which its reading stops. */
  next(span: Window, limits: SliceLimits): { readonly window: Window; readonly maxRows: number } {
    const aimedRows = this.#aim(limits);
    const toMs = Math.min(this.#endOf(span, aimedRows), span.fromMs + limits.maxSpanMs);
    return { window: { fromMs: span.fromMs, toMs }, maxRows: aimedRows * toleratedFactor };
  }

  /** Learns from parts of a slice that were read. */
  partsRead(spanMs: number, rows: number): void {
    if (spanMs > 0) {
      const rowsPerMs = rows / spanMs;
      this.#rowsPerMs = this.#rowsPerMs === null ? rowsPerMs : (this.#rowsPerMs + rowsPerMs) / 2;
    }
  }

  #endOf({ fromMs, toMs }: Window, aimedRows: number): EpochMs {
    if (this.#rowsPerMs === null || this.#rowsPerMs <= 0) {
      return toMs;
    }
    const lengthMs = aimedRows / this.#rowsPerMs;
    // Between two whole seconds, where no row starts.
    const endMs = Math.floor((fromMs + lengthMs) / 1000) * 1000 + 500;
    return lengthMs * (1 + joinedRest) >= toMs - fromMs || endMs <= fromMs ? toMs : Math.min(endMs, toMs);
  }

  #aim({ rowsInTimeLeft, countCap, inFlight, restMs }: SliceLimits): number {
    const shareRows = (restMs * (this.#rowsPerMs ?? 0)) / inFlight;
    const rows = Math.min(maxSliceRows, Math.max(minSliceRows, shareRows), countCap);
    return Math.max(100, Math.min(rows, rowsInTimeLeft));
  }
}
