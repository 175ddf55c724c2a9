/** How a run reads its target's source: how many windows at once, how much in the time that is left, by whose clock. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { type EpochMs, type FetchPage, maxPageRows, type Window } from '../model.ts';
import { calibrate, type PageSource, type Reply } from '../reading/page-source.ts';
import { SourceProfile } from '../reading/source-profile.ts';
import { type RunState, reportProgress } from './run-state.ts';
import type { TargetRun } from './target-run.ts';

/** A skew below this is lost in the one-second resolution of the `Date` header. */
export const noticedSkewMs = 2_000;
/** By so much a skew may be misjudged: the header is cut to the second, and the reply took a while. */
const skewMarginMs = 1_000;
const recentStepMs = 10_000;
/** A slice takes at most so long at the quota's pace, so that commits are a minute apart. */
const maxSliceSeconds = 60;
/** Where nothing limits the pace, a latency of a few milliseconds is our own work, which more windows would only lengthen. */
const mostPerSecond = 20;
/** Connections of a client; more windows would wait for one. */
const maxInFlight = 16;

/** A calibrating span reaches back at least this far: what a source holds of a month tells its page size and its counts. */
const calibratedMs = 30 * 86_400_000;
/** The source takes times of 13 digits; earlier ones cannot be asked for. */
const firstAskableMs = 1_000_000_000_001;

/** Returns the run's source as reading sees it. `onRows` is told of rows as they come. */
export function pageSourceOf(
  run: Pick<TargetRun, 'source' | 'settings' | 'target'>,
  onRows: (rows: number) => void,
): PageSource {
  const { source, settings, target } = run;
  return {
    fetchPage: source.fetchPage,
    filter: target.filter,
    profile: new SourceProfile(),
    inFlight: () => windowsInFlight(source.stats().latencyMs, settings),
    onRows,
  };
}

/** Returns the run's source; counts the rows of the run, and reports progress as they come. */
export function countingSource(
  run: TargetRun,
  state: RunState,
  { maxSpanMs }: Pick<Checkpoint, 'maxSpanMs'>,
): PageSource {
  const { fetchPage } = run.source;
  const watched: FetchPage = async (request) => {
    const page = await fetchPage(request);
    state.hasReadable ||= page.executions.length > 0;
    state.unreadableReason ??= page.unreadable[0]?.reason ?? null;
    return page;
  };
  const source = pageSourceOf({ ...run, source: { ...run.source, fetchPage: watched } }, (rows) => {
    state.counters.rowsRead += rows;
    reportProgress(run, state, null);
  });
  source.profile.hints.maxSpanMs = maxSpanMs ?? Number.POSITIVE_INFINITY;
  return source;
}

/** What the first request of a run has shown. */
export interface Calibration {
  readonly reply: Reply;
  /** The best guess of the density where nothing is covered yet; null where the source shows no rows. */
  readonly rowsPerMs: number | null;
}

/**
 * Makes the first request of a run, over `window` and at least a month.
 *
 * @throws what the source throws
 */
export async function calibrateRun(source: PageSource, { fromMs, toMs }: Window): Promise<Calibration> {
  const span = { fromMs: Math.max(firstAskableMs, Math.min(fromMs, toMs - calibratedMs)), toMs };
  const { window, reply } = await calibrate(source, span);
  const rows = Math.max(reply.rows, reply.count ?? 0);
  return { reply, rowsPerMs: rows === 0 ? null : rows / (window.toMs - window.fromMs) };
}

/**
 * Returns how many rows fit into the time left, for each of the slices under way: half of what quota and latency let
 * through, shared between them, so that a slice that is begun can be ended.
 */
export function rowsInTimeLeft(run: TargetRun): number {
  const { latencyMs } = run.source.stats();
  const inFlight = windowsInFlight(latencyMs, run.settings);
  const answeredPerSecond = (1000 * inFlight) / Math.max(1, latencyMs ?? 1);
  const requestsPerSecond = Math.min(run.settings.requestsPerSecond, answeredPerSecond);
  const seconds = Math.min(run.budget.remainingMs() / 1000, maxSliceSeconds);
  return (seconds * requestsPerSecond * maxPageRows * 0.5) / inFlight;
}

/** Where the source's clock is behind ours, rows up to our now are still to come: coverage must not run ahead of it. */
export function sourceTime(run: Pick<TargetRun, 'source'>, ms: EpochMs): EpochMs {
  const skewMs = run.source.stats().clockSkewMs ?? 0;
  return ms + (skewMs < -noticedSkewMs ? Math.floor(skewMs) - skewMarginMs : 0);
}

/** Returns the start time before which no row can appear late any more, as of `askedAtMs`. By the slower clock. */
export function noLateRowsBefore(run: Pick<TargetRun, 'source' | 'settings'>, askedAtMs: EpochMs): EpochMs {
  return sourceTime(run, askedAtMs) - run.settings.settleMs - run.settings.lookbackMs;
}

/**
 * Returns the start time from which rows may appear late in a read up to `untilMs` (now less settle), with room for a skew
 * too small to notice. By a clock that is off, it moves in coarse steps: the skew is an estimate that changes with each
 * reply, and a slice that was cut at this time must not reach beyond it a moment later.
 */
export function lateRowsFrom(run: Pick<TargetRun, 'source' | 'settings'>, untilMs: EpochMs): EpochMs {
  const bySourceMs = sourceTime(run, untilMs);
  const fromMs = bySourceMs - run.settings.lookbackMs - noticedSkewMs;
  return bySourceMs === untilMs ? fromMs : Math.floor(fromMs / recentStepMs) * recentStepMs;
}

/**
 * Returns how many windows to read at once. Each waits for one reply at a time, so there are as many as arrive while one
 * reply is under way, and half as many again to catch up. Three or four keep one core busy where replies come at once.
 */
function windowsInFlight(latencyMs: number | null, settings: TargetRun['settings']): number {
  const requestsPerSecond = Math.min(settings.requestsPerSecond, mostPerSecond);
  const whileOneIsAnswered = (requestsPerSecond * (latencyMs ?? 0)) / 1000;
  const wanted = Math.min(Math.ceil(whileOneIsAnswered * 1.5) + 3, maxInFlight);
  return Math.max(1, Math.min(wanted, settings.maxInFlight));
}
