/** Estimates the cost of a backfill from the source's counts, with a few requests. */
import { loadCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { densityNear, knownSpan } from '../checkpoint/coverage.ts';
import { isoTime } from '../clock.ts';
import { SourceError } from '../errors.ts';
import { cutAt, evenCuts, gapsIn, lengthOf, spanMs } from '../intervals.ts';
import { maxPageRows, type Window } from '../model.ts';
import { SourceProfile } from '../reading/source-profile.ts';
import type { BackfillTask } from './backfill-task.ts';
import type { TargetRun } from './target-run.ts';

/** The estimate. Field names match `backfill --dry-run --json`. */
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
  /** Duration at the share of the quota that a backfill uses; null if unknown. */
  readonly seconds: number | null;
  readonly bytes: number | null;
  /** Requests that this estimate took. */
  readonly requestsUsed: number;
}

/** Number of windows to count. Of more windows, some of all lengths are counted and the rest is extrapolated. */
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
  const { checkpoint } = await loadCheckpoint(run);
  const { clock, settings } = run;
  const range = task.window ?? knownSpan(checkpoint, settings.initialFromMs);
  const untilMs = clock.now() - settings.settleMs;
  const settled = range === null ? null : { ...range, toMs: Math.min(range.toMs, untilMs) };
  const windows = settled === null ? [] : gapsIn(settled, task.again ? [] : checkpoint.coverage);
  const counted = await countSome(run, windows, checkpoint.maxSpanMs ?? Number.POSITIVE_INFINITY);
  const nearby = densityNear(checkpoint.coverage, windows[0]?.fromMs ?? 0);
  const rowsPerMs = counted.rows === null ? nearby : counted.rows / Math.max(1, counted.ms);
  const rows = rowsPerMs === null ? null : Math.round(rowsPerMs * lengthOf(windows));
  const requests = rows === null ? null : Math.ceil((rows / maxPageRows) * requestsPerPage) + windows.length;
  return {
    target: run.target.name,
    from: range === null ? null : isoTime(range.fromMs),
    to: range === null ? null : isoTime(range.toMs),
    windows: windows.map(({ fromMs, toMs }) => ({ from: isoTime(fromMs), to: isoTime(toMs) })),
    rows,
    isCounted: counted.rows !== null && counted.ms === lengthOf(windows),
    requests,
    seconds: requests === null ? null : Math.ceil(requests / settings.requestsPerSecond),
    bytes: rows === null ? null : rows * bytesPerRow,
    requestsUsed: run.source.stats().requests,
  };
}

/**
 * Counts some parts of windows, in spans that the source accepts.
 *
 * @returns the rows and the total length of these parts
 */
async function countSome(
  run: TargetRun,
  windows: readonly Window[],
  maxSpanMs: number,
): Promise<{ readonly rows: number | null; readonly ms: number }> {
  const { hints } = new SourceProfile();
  hints.maxSpanMs = maxSpanMs;
  for (;;) {
    const parts = windows.flatMap((window) => evenParts(window, hints.maxSpanMs));
    const sorted = parts.toSorted((a, b) => spanMs(b) - spanMs(a));
    const asked = sorted.filter((_, index) => index % Math.ceil(sorted.length / maxAsked) === 0);
    try {
      return { rows: await sumOfCounts(run, asked), ms: lengthOf(asked) };
    } catch (thrown) {
      const [longest] = asked;
      const isRefusal = thrown instanceof SourceError && thrown.httpStatus === 400;
      if (!isRefusal || longest === undefined || !hints.noteRefusal(longest)) {
        throw thrown;
      }
    }
  }
}

/** Returns equal parts of a window that are at most `maxMs` long. */
function evenParts(window: Window, maxMs: number): Window[] {
  return cutAt(window, evenCuts(window, Math.ceil(spanMs(window) / maxMs)).map(Math.floor));
}

/** Returns the source's count of some windows; null if one of them is not a total. */
async function sumOfCounts(run: TargetRun, windows: readonly Window[]): Promise<number | null> {
  let sum = 0;
  for (const window of windows) {
    const count = await countOf(run, window);
    if (count === null) {
      return null;
    }
    sum += count;
  }
  return sum;
}

/**
 * Returns the source's count of a window; null if it is not a total, because the source shows more rows than it or only
 * counts the page.
 */
async function countOf({ source, target }: TargetRun, { fromMs, toMs }: Window): Promise<number | null> {
  // Executions start at whole seconds. A millisecond earlier it does not matter whether the source includes the ends.
  const request = { startTimeMs: fromMs - 1, endTimeMs: toMs - 1, filter: target.filter, offset: 0 };
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
