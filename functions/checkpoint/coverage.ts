/** Coverage: the disjoint windows that were read, proven complete and written, each with its number of rows. Pure. */

import { contains, gapsIn, lengthOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';

/** A window that is complete in the table. */
export interface CoveredWindow extends Window {
  /**
   * Executions found in it when it was read, plus those that appeared later, less those that were run again; after an
   * audit, those that it counted.
   */
  readonly rows: number;
  /** Whether `rows` is an estimate, because a rewind has cut the window. An audit reads it again. */
  readonly isEstimate?: true | undefined;
}

const dayMs = 86_400_000;
/** Windows older than this are joined by 30 days, younger ones by day. */
const fineDays = 35;

/** The part of a checkpoint that says what is complete. */
export interface Covered {
  readonly coverage: readonly CoveredWindow[];
  /**
   * From the start of the first incremental run to the furthest point that any run has proven; null before the first.
   * Backfills do not change it.
   */
  readonly incremental: Window | null;
}

/**
 * Returns where the next incremental run continues: the first gap in what incremental runs have covered, or its end. A
 * rewind leaves such a gap. Null before the first run has covered anything.
 */
export function watermarkOf({ coverage, incremental }: Covered): EpochMs | null {
  return incremental === null ? null : (gapsIn(incremental, coverage)[0]?.fromMs ?? incremental.toMs);
}

/** Returns where coverage began, even if a rewind has removed it since; null if nothing was ever covered. */
export function startOf({ coverage, incremental }: Covered): EpochMs | null {
  const starts = [coverage[0], incremental].flatMap((window) => (window ? [window.fromMs] : []));
  return starts.length === 0 ? null : Math.min(...starts);
}

/** Returns the end of the last covered window; null without coverage. */
export function endOf(coverage: readonly CoveredWindow[]): EpochMs | null {
  return coverage.reduce<EpochMs | null>((latest, window) => Math.max(latest ?? window.toMs, window.toMs), null);
}

/**
 * Returns the span that should have no gaps: from `initialFrom`, or an earlier backfill, to the furthest point that an
 * incremental run has proven. Null without coverage.
 */
export function knownSpan(covered: Covered, initialFromMs: EpochMs): Window | null {
  const [first] = covered.coverage;
  const toMs = covered.incremental?.toMs ?? endOf(covered.coverage);
  return first === undefined || toMs === null ? null : { fromMs: Math.min(initialFromMs, first.fromMs, toMs), toMs };
}

/**
 * Returns coverage with `window` added. Only parts that were not covered before add rows, so two runs that covered the
 * same window may both add it, in either order.
 */
export function addWindow(
  coverage: readonly CoveredWindow[],
  window: Window,
  startTimesMs: readonly EpochMs[],
): CoveredWindow[] {
  const added = gapsIn(window, coverage).map((gap) => ({ ...gap, rows: countIn(gap, startTimesMs) }));
  return compact([...coverage, ...added].sort((a, b) => a.fromMs - b.fromMs));
}

/** Returns coverage with late executions counted in their windows, and those that left taken off, by start time. */
export function adjustRows(
  coverage: readonly CoveredWindow[],
  lateMs: readonly EpochMs[],
  leftMs: readonly EpochMs[],
): CoveredWindow[] {
  return coverage.map((window) => ({
    ...window,
    rows: Math.max(0, window.rows + countIn(window, lateMs) - countIn(window, leftMs)),
  }));
}

function countIn(window: Window, startTimesMs: readonly EpochMs[]): number {
  return startTimesMs.reduce((rows, ms) => (contains(window, ms) ? rows + 1 : rows), 0);
}

/**
 * Returns coverage with `rows` more or fewer in the windows that begin in `window`, because an audit has counted them
 * again. It is unknown in which of the windows these rows are. None of them is an estimate any more.
 */
export function correctRows(coverage: readonly CoveredWindow[], window: Window, rows: number): CoveredWindow[] {
  let left = rows;
  return coverage.map((covered) => {
    if (!contains(window, covered.fromMs)) {
      return covered;
    }
    const corrected = Math.max(0, covered.rows + left);
    left -= corrected - covered.rows;
    return { fromMs: covered.fromMs, toMs: covered.toMs, rows: corrected };
  });
}

/** Returns the number of executions in the windows. */
export function rowsIn(coverage: readonly CoveredWindow[]): number {
  return coverage.reduce((sum, { rows }) => sum + rows, 0);
}

/** Returns the rows per millisecond of the last covered week; null without coverage. */
export function densityOf(coverage: readonly CoveredWindow[]): number | null {
  return densityNear(coverage, endOf(coverage) ?? 0);
}

/** Returns the rows per millisecond of coverage within a week of `ms`; null without coverage there. */
export function densityNear(coverage: readonly CoveredWindow[], ms: EpochMs): number | null {
  const near = coverage.filter((window) => window.toMs > ms - 7 * dayMs && window.fromMs < ms + 7 * dayMs);
  return near.length === 0 ? null : rowsIn(near) / lengthOf(near);
}

/**
 * Returns coverage without `window`. A window that is cut keeps an estimate of its rows, in proportion to its length,
 * because it is unknown which of them remain.
 */
export function cutOut(coverage: readonly CoveredWindow[], window: Window): CoveredWindow[] {
  return coverage.flatMap((covered) => {
    const before = { fromMs: covered.fromMs, toMs: Math.min(covered.toMs, window.fromMs) };
    const after = { fromMs: Math.max(covered.fromMs, window.toMs), toMs: covered.toMs };
    const lengthMs = covered.toMs - covered.fromMs;
    return [before, after]
      .filter(({ fromMs, toMs }) => fromMs < toMs)
      .map((part) => {
        const partMs = part.toMs - part.fromMs;
        const rows = Math.round((covered.rows * partMs) / lengthMs);
        return { ...covered, ...part, rows, ...(partMs < lengthMs && covered.rows > 0 ? { isEstimate: true } : {}) };
      });
  });
}

/** Joins adjacent windows of one day, or of 30 days if they are old, so that the list stays short. */
function compact(sorted: readonly CoveredWindow[]): CoveredWindow[] {
  const fineFromMs = (endOf(sorted) ?? 0) - fineDays * dayMs;
  const joined: CoveredWindow[] = [];
  for (const window of sorted) {
    const last = joined.at(-1);
    const blockMs = window.toMs < fineFromMs ? 30 * dayMs : dayMs;
    if (
      last !== undefined &&
      last.toMs === window.fromMs &&
      Math.floor(last.fromMs / blockMs) === Math.floor((window.toMs - 1) / blockMs)
    ) {
      joined[joined.length - 1] = { ...last, ...window, fromMs: last.fromMs, rows: last.rows + window.rows };
    } else {
      joined.push(window);
    }
  }
  return joined;
}
