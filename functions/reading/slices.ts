/**
 * Cuts a long span into slices of a few thousand rows, from the density seen so far. Pure.
 *
 * A slice is what is read, verified and committed as one: long enough that its last, partly filled page costs little,
 * short enough that a disturbance or a kill does not cost much.
 */
import type { EpochMs, Window } from '../model.ts';

/** Rows a slice should hold: 50 pages, so that the half page lost at its end costs 1 %. */
export const aimedSliceRows = 5_000;
/** A slice that turns out to hold more than this many times its aim is cut again before it is read. */
const toleratedFactor = 3;
/** What is left after a slice is joined to it if it is shorter than this part of it. */
const joinedRest = 0.3;

/** Sizes slices while reading goes on. */
export class SlicePlanner {
  /** Rows per millisecond; null while unknown. */
  #rowsPerMs: number | null;
  #calmSlices = 0;
  #shrink = 1;

  /** @param rowsPerMs density known from before, for example from coverage; null if none is */
  constructor(rowsPerMs: number | null) {
    this.#rowsPerMs = rowsPerMs;
  }

  /** Rows to expect in a window; 0 while nothing is known. */
  expectedRows(window: Window): number {
    return (this.#rowsPerMs ?? 0) * (window.toMs - window.fromMs);
  }

  /** Whether slices are cut by a density at all; else the next is all there is. */
  get knowsDensity(): boolean {
    return this.#rowsPerMs !== null && this.#rowsPerMs > 0;
  }

  /** More rows than this in a slice are not read but cut again. */
  maxRows(limitRows: number): number {
    return this.#aim(limitRows) * toleratedFactor;
  }

  /**
   * The next slice from `fromMs`, at most up to `untilMs`.
   *
   * @param limitRows rows that can be read in the time left
   */
  next(fromMs: EpochMs, untilMs: EpochMs, limitRows: number): Window {
    const restMs = untilMs - fromMs;
    if (this.#rowsPerMs === null || this.#rowsPerMs <= 0) {
      return { fromMs, toMs: untilMs };
    }
    const lengthMs = Math.max(1, Math.floor(this.#aim(limitRows) / this.#rowsPerMs));
    return { fromMs, toMs: lengthMs * (1 + joinedRest) >= restMs ? untilMs : fromMs + lengthMs };
  }

  /** Learns from a slice that was read. `disturbed`: it had to be read more than once, so the next ones are kept shorter. */
  sliceRead(window: Window, rows: number, disturbed: boolean): void {
    const rowsPerMs = rows / (window.toMs - window.fromMs);
    this.#rowsPerMs = this.#rowsPerMs === null ? rowsPerMs : (this.#rowsPerMs + rowsPerMs) / 2;
    this.#calmSlices = disturbed ? 0 : this.#calmSlices + 1;
    if (disturbed) {
      this.#shrink = Math.max(0.1, this.#shrink / 2);
    } else if (this.#calmSlices >= 3) {
      this.#shrink = Math.min(1, this.#shrink * 1.5);
    }
  }

  /** Learns that a slice holds too many rows to be read as one. */
  sliceTooLarge(window: Window, rowsPerMs: number): void {
    const atMostHalfAsLong = (2 * this.#aim(Number.POSITIVE_INFINITY)) / (window.toMs - window.fromMs);
    this.#rowsPerMs = Math.max(rowsPerMs, atMostHalfAsLong);
  }

  #aim(limitRows: number): number {
    return Math.max(100, Math.min(aimedSliceRows * this.#shrink, limitRows));
  }
}
