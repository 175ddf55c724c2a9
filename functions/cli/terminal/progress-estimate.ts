/**
 * Estimates progress, rate and time left of a run, without jumps. Pure.
 *
 * Uses the source's count if that is a total, otherwise start times. Requests are sent in bursts as the quota allows,
 * so the pace is based on the time that they take at the quota, not on the seconds since the last burst.
 */
import type { Progress } from '../../sync/target-run.ts';

/** The progress of a run. */
export interface Estimate {
  /**
   * 0 to 1; null if neither the number of rows is known nor a part of the span is done. Falls only when the source's
   * count turns out not to be a total.
   */
  readonly fraction: number | null;
  /**
   * Rows that are known to be complete or shown since, as the source counts them; never falls while `expected` is set.
   */
  readonly rows: number;
  /** Rows to read; null if the source's count is not a total. */
  readonly expected: number | null;
  /** Rows a second; null at first. */
  readonly perSecond: number | null;
  /** Milliseconds left; null if unknown. */
  readonly leftMs: number | null;
}

/** If more rows are proven than the source had counted, its count was capped, or was that of one page. */
const tolerance = 1.02;
/** The same for rows that are not proven yet: those at the edges of windows are shown twice (5 % in a sync of a week). */
const shownTolerance = 1.5;
/** Nothing is complete before the last reply. */
const almost = 0.99;
/** Rows shown since the last proof count for at most this share of the rest, which may be far denser than before. */
const mostAhead = 0.5;
/** Before this, a rate would be meaningless. */
const firstRateMs = 1_000;

/** Follows the progress of one target. */
export class ProgressEstimate {
  readonly #startedAtMs: number;
  #provenRows = 0;
  #readAtProven = 0;
  #provenMs = 0;
  #fraction = 0;
  #mostRows = 0;
  #wasCounted = false;

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
    // From a source without an order, some rows are read more than once.
    const readPerRow = this.#provenRows === 0 ? 1 : Math.max(1, this.#readAtProven / this.#provenRows);
    const rows = Math.floor(this.#provenRows + Math.max(0, rowsRead - this.#readAtProven) / readPerRow);
    // Slices are read in parallel but proven in order of time, so the first proof may count fewer rows than were shown.
    this.#mostRows = Math.max(rows, this.#mostRows);
    const expected = this.#expectedOf(progress, rows);
    const isDone = progress.totalMs > 0 && doneMs >= progress.totalMs;
    const shown = expected === null ? this.#byTime(progress, rows) : rows / Math.max(1, expected);
    this.#fraction = Math.max(this.#fraction, isDone ? 1 : Math.min(almost, shown));
    const isUnknown = expected === null && this.#fraction === 0 && rowsRead > 0;
    const elapsedMs = nowMs - this.#startedAtMs;
    const workedMs = Math.max(elapsedMs, paceMs);
    return {
      fraction: isUnknown ? null : this.#fraction,
      rows: expected === null ? rowsRead : Math.min(this.#mostRows, expected),
      expected,
      perSecond: workedMs < firstRateMs ? null : (1000 * rowsRead) / workedMs,
      leftMs: this.#fraction === 0 ? null : Math.max(0, workedMs / this.#fraction - elapsedMs),
    };
  }

  /** Returns the source's count. Returns null if that is not a total, and drops the share that was derived from it. */
  #expectedOf({ rows: given }: Progress, rows: number): number | null {
    const counted = given?.expected ?? null;
    const isTotal = counted !== null && this.#provenRows <= counted * tolerance && rows <= counted * shownTolerance;
    if (this.#wasCounted && !isTotal) {
      this.#fraction = 0;
    }
    this.#wasCounted = isTotal;
    return isTotal ? counted : null;
  }

  /** Between two proven points by the rows shown since, at the density seen before. */
  #byTime({ totalMs }: Progress, rows: number): number {
    const rowsPerMs = this.#provenMs > 0 ? this.#provenRows / this.#provenMs : 0;
    const aheadMs = rowsPerMs > 0 ? (rows - this.#provenRows) / rowsPerMs : 0;
    return totalMs <= 0 ? 0 : (this.#provenMs + Math.min(aheadMs, mostAhead * (totalMs - this.#provenMs))) / totalMs;
  }
}
