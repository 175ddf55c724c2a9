/**
 * Coverage: the disjoint windows that were read, proven complete and written, each with the rows found in it. Pure.
 */

import { contains, gapsIn, lengthOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';

/** A window that is complete in the table. */
export interface CoveredWindow extends Window {
  /** Executions found in it when it was read, and late ones since. */
  readonly rows: number;
}

const dayMs = 86_400_000;
/** Windows older than this behind the end of coverage are kept by the month (30 days), younger ones by the day. */
const fineDays = 35;

/** What a checkpoint says is complete. */
export interface Covered {
  readonly coverage: readonly CoveredWindow[];
  /**
   * From where incremental runs set out to the furthest that any has proven; null before the first. What backfills add
   * elsewhere does not move it.
   */
  readonly incremental: Window | null;
}

/**
 * Where the next incremental run goes on: the end of what incremental runs have covered, or the first gap in it (after a
 * rewind, a run that had begun before it may have covered what lies beyond). Null before the first has covered anything.
 */
export function watermarkOf({ coverage, incremental }: Covered): EpochMs | null {
  return incremental === null ? null : (gapsIn(incremental, coverage)[0]?.fromMs ?? incremental.toMs);
}

/** The end of the last covered window; null without coverage. */
export function endOf(coverage: readonly CoveredWindow[]): EpochMs | null {
  return coverage.reduce<EpochMs | null>((latest, window) => Math.max(latest ?? window.toMs, window.toMs), null);
}

/** What should have no gap: from `initialFrom`, or from the first window where a backfill began earlier, to the watermark. Null before anything is covered. */
export function knownSpan(covered: Covered, initialFromMs: EpochMs): Window | null {
  const [first] = covered.coverage;
  const toMs = watermarkOf(covered) ?? endOf(covered.coverage);
  return first === undefined || toMs === null ? null : { fromMs: Math.min(initialFromMs, first.fromMs, toMs), toMs };
}

/**
 * Coverage with `window` added. Only the parts not covered before are new, with the rows whose start times lie in them,
 * so that two runs which covered the same window may both add it, in either order.
 */
export function addWindow(
  coverage: readonly CoveredWindow[],
  window: Window,
  startTimesMs: readonly EpochMs[],
): CoveredWindow[] {
  const added = gapsIn(window, coverage).map((gap) => ({
    ...gap,
    rows: startTimesMs.reduce((rows, ms) => (contains(gap, ms) ? rows + 1 : rows), 0),
  }));
  return compact([...coverage, ...added].sort((a, b) => a.fromMs - b.fromMs));
}

/** Coverage with executions that appeared late counted to the windows they lie in. */
export function addLateRows(coverage: readonly CoveredWindow[], startTimesMs: readonly EpochMs[]): CoveredWindow[] {
  if (startTimesMs.length === 0) {
    return [...coverage];
  }
  return coverage.map((window) => ({
    ...window,
    rows: window.rows + startTimesMs.filter((ms) => contains(window, ms)).length,
  }));
}

/** Executions in covered windows. */
export function rowsIn(coverage: readonly CoveredWindow[]): number {
  return coverage.reduce((sum, { rows }) => sum + rows, 0);
}

/** Rows per millisecond over the last week covered; null where nothing is. */
export function densityOf(coverage: readonly CoveredWindow[]): number | null {
  return densityNear(coverage, endOf(coverage) ?? 0);
}

/** Rows per millisecond of what is covered within a week of `ms`; null where nothing is. */
export function densityNear(coverage: readonly CoveredWindow[], ms: EpochMs): number | null {
  const near = coverage.filter((window) => window.toMs > ms - 7 * dayMs && window.fromMs < ms + 7 * dayMs);
  return near.length === 0 ? null : rowsIn(near) / lengthOf(near);
}

/** Coverage without what lies in `window`. A window that is cut keeps its rows in proportion: which of them stay is not known. */
export function cutOut(coverage: readonly CoveredWindow[], window: Window): CoveredWindow[] {
  return coverage.flatMap((covered) => {
    const before = { fromMs: covered.fromMs, toMs: Math.min(covered.toMs, window.fromMs) };
    const after = { fromMs: Math.max(covered.fromMs, window.toMs), toMs: covered.toMs };
    const rowsPerMs = covered.rows / (covered.toMs - covered.fromMs);
    return [before, after]
      .filter(({ fromMs, toMs }) => fromMs < toMs)
      .map((part) => ({ ...part, rows: Math.round(rowsPerMs * (part.toMs - part.fromMs)) }));
  });
}

/** Joins neighbours of one day, or of one month where they are old, so that the list stays short for ever. */
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
      joined[joined.length - 1] = { fromMs: last.fromMs, toMs: window.toMs, rows: last.rows + window.rows };
    } else {
      joined.push(window);
    }
  }
  return joined;
}
