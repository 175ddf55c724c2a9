/**
 * How far a run is, how fast, and how long it takes yet, without jumps. Pure.
 *
 * By the source's count where that is a total, else by start time. Requests go out in bursts, as the quota allows them, so
 * the pace is reckoned by the time that they take at the quota, not by the seconds since the last burst.
 */
import type { Progress } from '../../sync/target-run.ts';

/** How far a run is. */
export interface Estimate {
  /** 0 to 1; never falls. */
  readonly fraction: number;
  /** Rows that are known to be complete or shown since, as the source counts them. */
  readonly rows: number;
  /** Rows to read; null where the source's count does not tell. */
  readonly expected: number | null;
  /** Rows a second; null at first. */
  readonly perSecond: number | null;
  /** Milliseconds that it takes yet; null where nothing tells. */
  readonly leftMs: number | null;
}

/** More rows than the source had counted: its count was capped, or that of a page. */
const tolerance = 1.02;
/** Nothing is complete before the last request has been answered. */
const almost = 0.99;
/** Before that, a rate tells nothing. */
const firstRateMs = 1_000;

/** Follows the progress of one target. */
export class ProgressEstimate {
  readonly #startedAtMs: number;
  #provenRows = 0;
  #readAtProven = 0;
  #provenMs = 0;
  #fraction = 0;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** Returns the estimate after some progress. */
  after(progress: Progress, nowMs: number): Estimate {
    const { rowsRead, doneMs, paceMs = 0 } = progress;
    const proven = progress.rows?.proven ?? 0;
    if (proven > this.#provenRows || doneMs > this.#provenMs) {
      this.#provenRows = Math.max(proven, this.#provenRows);
      this.#provenMs = Math.max(doneMs, this.#provenMs);
      this.#readAtProven = rowsRead;
    }
    // A source that shows no order is asked for some rows more than once.
    const readPerRow = this.#provenRows === 0 ? 1 : Math.max(1, this.#readAtProven / this.#provenRows);
    const rows = Math.floor(this.#provenRows + Math.max(0, rowsRead - this.#readAtProven) / readPerRow);
    const counted = progress.rows?.expected ?? null;
    const expected = counted !== null && this.#provenRows > counted * tolerance ? null : counted;
    const isDone = progress.totalMs > 0 && doneMs >= progress.totalMs;
    const shown = expected === null ? this.#byTime(progress, rows) : rows / Math.max(1, expected);
    this.#fraction = Math.max(this.#fraction, isDone ? 1 : Math.min(almost, shown));
    const elapsedMs = nowMs - this.#startedAtMs;
    const workedMs = Math.max(elapsedMs, paceMs);
    return {
      fraction: this.#fraction,
      rows: expected === null ? rowsRead : Math.min(rows, expected),
      expected,
      perSecond: workedMs < firstRateMs ? null : (1000 * rowsRead) / workedMs,
      leftMs: this.#fraction === 0 ? null : Math.max(0, workedMs / this.#fraction - elapsedMs),
    };
  }

  /** Between two proven points by the rows shown since, at the density seen before. */
  #byTime({ totalMs }: Progress, rows: number): number {
    const rowsPerMs = this.#provenMs > 0 ? this.#provenRows / this.#provenMs : 0;
    const doneMs = this.#provenMs + (rowsPerMs > 0 ? (rows - this.#provenRows) / rowsPerMs : 0);
    return totalMs <= 0 ? 0 : doneMs / totalMs;
  }
}
