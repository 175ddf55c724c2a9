/**
 * Coverage: the disjoint windows that were read, proven complete and written, each with the rows found in it. Pure.
 */
import type { EpochMs, Window } from '../../model.ts';
import { contains } from '../../reading/window.ts';

/** A window that is complete in the table. */
export interface CoveredWindow extends Window {
  /** Executions found in it when it was read, and late ones since. */
  readonly rows: number;
}

const dayMs = 86_400_000;
/** Windows older than this behind the watermark are kept by the month (30 days), younger ones by the day. */
const fineDays = 35;

/** The end of the last covered window: where the next incremental run goes on. Null without coverage. */
export function watermarkOf(coverage: readonly CoveredWindow[]): EpochMs | null {
  return coverage.reduce<EpochMs | null>((latest, window) => Math.max(latest ?? window.toMs, window.toMs), null);
}

/** The parts of `window` that coverage does not hold, in order of time. */
export function gapsIn(window: Window, coverage: readonly CoveredWindow[]): Window[] {
  const gaps: Window[] = [];
  let fromMs = window.fromMs;
  for (const covered of coverage) {
    if (covered.toMs <= fromMs || covered.fromMs >= window.toMs) {
      continue;
    }
    if (covered.fromMs > fromMs) {
      gaps.push({ fromMs, toMs: covered.fromMs });
    }
    fromMs = Math.max(fromMs, covered.toMs);
  }
  if (fromMs < window.toMs) {
    gaps.push({ fromMs, toMs: window.toMs });
  }
  return gaps;
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

/** Rows per millisecond over the last week covered; null where nothing is. */
export function densityOf(coverage: readonly CoveredWindow[]): number | null {
  const watermarkMs = watermarkOf(coverage);
  if (watermarkMs === null) {
    return null;
  }
  const recent = coverage.filter((window) => window.toMs > watermarkMs - 7 * dayMs);
  const spanMs = recent.reduce((sum, window) => sum + window.toMs - window.fromMs, 0);
  return recent.reduce((sum, window) => sum + window.rows, 0) / spanMs;
}

/** Joins neighbours of one day, or of one month where they are old, so that the list stays short for ever. */
function compact(sorted: readonly CoveredWindow[]): CoveredWindow[] {
  const fineFromMs = (watermarkOf(sorted) ?? 0) - fineDays * dayMs;
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
