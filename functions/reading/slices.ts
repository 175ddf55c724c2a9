/**
 * Cuts a long span into slices of a few thousand rows, from the density seen so far. Pure.
 *
 * A slice is what is read, verified and committed as one: long enough that its last, partly filled page costs little,
 * short enough that a disturbance or a kill does not cost much.
 */
import { type EpochMs, maxPageRows, type Window } from '../model.ts';

/** Rows a slice should hold: 50 pages, so that the half page lost at its end costs 1 %. */
export const aimedSliceRows = 5_000;
/** A slice that turns out to hold more than this many times its aim is cut again before it is read. */
const toleratedFactor = 3;
/** A slice that shall fit into one page aims at this part of it, for rows come in clusters. */
export const filledPart = 0.7;
/** Slices of fewer pages than this cost more than slices of one page each, which nothing disturbs. */
const leastPages = 2.2;
/** After so many requests, what was seen of disturbances counts half. */
const halfLifeRequests = 500;
/** A first disturbance counts as one in so many requests more than were made. */
const benevolentRequests = 25;
/** What is left after a slice is joined to it if it is shorter than this part of it. */
const joinedRest = 0.3;

/** What the reading of a slice cost. */
export interface SliceCost {
  readonly requests: number;
  /** Those after which the source could have moved unseen: not the first of a pass, nor those after a disturbance. */
  readonly exposedRequests: number;
  /** Passes that proved nothing, because rows moved or their order did. */
  readonly disturbances: number;
  /** Rows that a page holds. */
  readonly pageRows: number;
}

/** Sizes slices while reading goes on. */
export class SlicePlanner {
  /** Rows per millisecond; null while unknown. */
  #rowsPerMs: number | null;
  /** Of late; older ones count less. */
  #exposedRequests = 0;
  #disturbances = 0;
  #pageRows = maxPageRows;

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

  /** Learns from a slice that was read: how dense the source is, and how often it does not hold still. */
  sliceRead(window: Window, rows: number, cost: SliceCost): void {
    const rowsPerMs = rows / (window.toMs - window.fromMs);
    this.#rowsPerMs = this.#rowsPerMs === null ? rowsPerMs : (this.#rowsPerMs + rowsPerMs) / 2;
    const kept = 0.5 ** (cost.requests / halfLifeRequests);
    this.#exposedRequests = this.#exposedRequests * kept + cost.exposedRequests;
    this.#disturbances = this.#disturbances * kept + cost.disturbances;
    this.#pageRows = cost.pageRows;
  }

  /** Learns that a slice holds too many rows to be read as one. */
  sliceTooLarge(window: Window, rowsPerMs: number): void {
    const atMostHalfAsLong = (2 * this.#aim(Number.POSITIVE_INFINITY)) / (window.toMs - window.fromMs);
    this.#rowsPerMs = Math.max(rowsPerMs, atMostHalfAsLong);
  }

  #aim(limitRows: number): number {
    const calmRows = this.#calmRows();
    return Math.max(Math.min(maxPageRows, calmRows), Math.min(calmRows, limitRows));
  }

  /**
   * Rows of a slice that costs least. Half a page is lost at its end, and half of its pages where it is disturbed: with a
   * disturbance every n requests, both together are least at the square root of n pages.
   */
  #calmRows(): number {
    const pages = Math.sqrt((this.#exposedRequests + benevolentRequests) / this.#disturbances);
    return Math.min(aimedSliceRows, (pages < leastPages ? filledPart : pages) * this.#pageRows);
  }
}
