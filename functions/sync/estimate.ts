/** Estimates the cost of a backfill from the source's counts, with a few requests. */
import { identityOf, loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { densityNear, knownSpan } from '../checkpoint/coverage.ts';
import { isoTime } from '../clock.ts';
import { gapsIn, lengthOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import { maxPageRows } from '../model.ts';
import type { BackfillTask } from './backfill-task.ts';
import type { TargetRun } from './target-run.ts';

/** The estimate. Names are those of `backfill --dry-run --json`. */
export interface Estimate {
  readonly target: string;
  readonly from: string | null;
  readonly to: string | null;
  /** Windows that the backfill would read. */
  readonly windows: readonly { readonly from: string; readonly to: string }[];
  /** Null if the source reports no totals and there is no nearby coverage to extrapolate from. */
  readonly rows: number | null;
  /**
   * Whether the source has counted `rows`. Otherwise it is extrapolated from nearby coverage or from some of the
   * windows.
   */
  readonly isCounted: boolean;
  readonly requests: number | null;
  /** At the share of the quota that a backfill uses. */
  readonly seconds: number | null;
  readonly bytes: number | null;
  /** Requests that this estimate took. */
  readonly requestsUsed: number;
}

/** Number of windows to count. With more windows, the longest are counted and the rest is extrapolated. */
const maxAsked = 10;
/** Measured with Parquet and GZIP; see the benchmark in functions/README.md. */
const bytesPerRow = 12;
/** Half a page is lost at the end of each slice of 50 pages. */
const requestsPerPage = 1.01;

/**
 * Estimates the backfill of one target. Writes nothing.
 *
 * @throws StateError, SourceError, CredentialsError, StorageError
 */
export async function estimateBackfill(run: TargetRun, task: BackfillTask): Promise<Estimate> {
  const { checkpoint } = await loadCheckpoint(run.store, run.target.name, identityOf(run));
  const range = task.window ?? knownSpan(checkpoint, run.settings.initialFromMs);
  const windows = range === null ? [] : windowsToRead(range, task.again ? [] : checkpoint.coverage, settledMs(run));
  const asked = [...windows].sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, maxAsked);
  const counts: (number | null)[] = [];
  for (const window of asked) {
    counts.push(await countOf(run, window));
  }
  const counted = counts.every((count) => count !== null) ? counts.reduce((sum, count) => sum + count, 0) : null;
  const rows =
    counted === null
      ? extrapolatedRows(windows, densityNear(checkpoint.coverage, windows[0]?.fromMs ?? 0))
      : scaled(counted, lengthOf(asked), lengthOf(windows));
  const requests = rows === null ? null : Math.ceil((rows / maxPageRows) * requestsPerPage) + windows.length;
  return {
    target: run.target.name,
    from: range === null ? null : isoTime(range.fromMs),
    to: range === null ? null : isoTime(range.toMs),
    windows: windows.map(({ fromMs, toMs }) => ({ from: isoTime(fromMs), to: isoTime(toMs) })),
    rows,
    isCounted: counted !== null && asked.length === windows.length,
    requests,
    seconds: requests === null ? null : Math.ceil(requests / run.settings.requestsPerSecond),
    bytes: rows === null ? null : rows * bytesPerRow,
    requestsUsed: run.source.stats().requests,
  };
}

function settledMs({ clock, settings }: TargetRun): EpochMs {
  return clock.now() - settings.settleMs;
}

function windowsToRead(range: Window, coverage: readonly Window[], untilMs: EpochMs): Window[] {
  return gapsIn({ fromMs: range.fromMs, toMs: Math.min(range.toMs, untilMs) }, coverage);
}

/**
 * Returns the source's count of a window; null if it is not a total, because the source shows more rows than it or only
 * counts the page.
 */
async function countOf({ source, target }: TargetRun, { fromMs, toMs }: Window): Promise<number | null> {
  const request = { startTimeMs: fromMs, endTimeMs: toMs, filter: target.filter, offset: 0 };
  const one = await source.fetchPage({ ...request, limit: 1 });
  const rows = one.executions.length + one.unreadable.length;
  if (one.count === null) {
    return null;
  }
  if (one.count !== rows || rows === 0) {
    return one.count;
  }
  const two = await source.fetchPage({ ...request, limit: 2 });
  return two.executions.length + two.unreadable.length > rows ? null : one.count;
}

function extrapolatedRows(windows: readonly Window[], rowsPerMs: number | null): number | null {
  return rowsPerMs === null ? null : Math.round(rowsPerMs * lengthOf(windows));
}

function scaled(rows: number, askedMs: number, allMs: number): number {
  return askedMs === 0 ? 0 : Math.round((rows * allMs) / askedMs);
}
