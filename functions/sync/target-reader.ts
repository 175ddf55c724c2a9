/** How a run reads its source: number of windows in parallel, rows in the time left, and the source's clock. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { spanMs } from '../intervals.ts';
import { type EpochMs, type FetchPage, maxPageRows, type Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { type FirstReply, readFirst, readWindow, type WindowRead } from '../reading/read-window.ts';
import { SourceProfile } from '../reading/source-profile.ts';
import { type RunState, reportProgress } from './run-state.ts';
import type { ReadSlice } from './slice-reader.ts';
import type { TargetRun } from './target-run.ts';

/** The `Date` header has a resolution of one second, so a smaller skew cannot be noticed. */
const noticedSkewMs = 2_000;
/** Possible error of a measured skew: the header is cut to the second, and the reply took some time. */
const skewMarginMs = 1_000;
const recentStepMs = 10_000;
/** Longest time of a slice at the quota's pace, so that commits are about a minute apart. */
const maxSliceSeconds = 60;
/** Without a quota, a latency of a few milliseconds is our own work, which more windows would only prolong. */
const mostPerSecond = 20;
/** Number of connections of a client; more windows would only wait for one. */
const maxInFlight = 16;

/** The first request covers at least a month, which is enough to show the page size and what counts mean. */
const calibratedMs = 30 * 86_400_000;
/**
 * Ten pages. With fewer rows, or in the short window of an hourly sync, one more request for a count costs too much.
 */
const countedApartRows = 1_000;
const countedApartMs = 6 * 3_600_000;
/** Times have 13 digits in requests, so no earlier time can be requested. */
const firstAskableMs = 1_000_000_000_001;

/** Returns the run's source for `reading/`. `onRows` is called with the number of rows of each reply. */
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
    onReply: ({ rows }) => onRows(rows),
  };
}

/** Returns the run's source; counts its rows and reports progress. */
export function countingSource(
  run: TargetRun,
  state: RunState,
  { maxSpanMs }: Pick<Checkpoint, 'maxSpanMs'>,
): PageSource {
  const { fetchPage } = run.source;
  const watched: FetchPage = async (request) => {
    const page = await fetchPage(request);
    state.countCheck.note(request, page);
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

/** The result of the first request of a run. */
export interface Calibration extends FirstReply {
  /** Estimated density if nothing is covered yet; null if the source shows no rows. */
  readonly rowsPerMs: number | null;
  /** Whether that is the density of the whole window, not only of a part (`readFirst`). */
  readonly isOfWhole: boolean;
}

/**
 * Makes the first request of a run, over `window` and at least a month, or as much of that as the source is known to
 * accept.
 *
 * @throws what the source throws
 */
export async function calibrateRun(source: PageSource, { fromMs, toMs }: Window): Promise<Calibration> {
  const longestMs = Math.min(source.profile.hints.maxSpanMs, Math.max(toMs - fromMs, calibratedMs));
  const first = await readFirst(source, { fromMs: Math.max(firstAskableMs, toMs - longestMs), toMs });
  const { reply } = first;
  const { window } = reply;
  const rows = Math.max(reply.rows, reply.count ?? 0);
  const rowsPerMs = rows === 0 ? null : rows / spanMs(window);
  return { ...first, rowsPerMs, isOfWhole: window.fromMs <= fromMs && window.toMs === toMs };
}

/**
 * Makes the first request as `calibrateRun` does. Also counts `window` on its own if it is shorter than the span of that
 * request, but long enough for its progress to matter: the rest of the month may be far denser or emptier.
 *
 * @throws what the source throws
 */
export async function calibrateRead(source: PageSource, window: Window): Promise<Calibration> {
  const calibration = await calibrateRun(source, window);
  const lengthMs = spanMs(window);
  if (lengthMs >= calibratedMs || lengthMs < countedApartMs || (totalOf(calibration) ?? 0) < countedApartRows) {
    return calibration;
  }
  const counted = calibration.isOfWhole ? await readFirst(source, window) : null;
  const count = counted?.reply.count ?? 0;
  return count > 0 && counted?.reply.window === window ? { ...calibration, rowsPerMs: count / lengthMs } : calibration;
}

/**
 * Returns how many rows a run over `totalMs` has to read, from the source's count; null if that is not a total of the
 * whole window.
 */
export function expectedRows(calibration: Calibration, totalMs: number): number | null {
  const isKnown = calibration.isOfWhole && totalOf(calibration) !== null;
  return isKnown ? Math.round((calibration.rowsPerMs ?? 0) * totalMs) : null;
}

function totalOf({ reply: { count, rows } }: Calibration): number | null {
  return count !== null && (count > rows || (count === rows && rows < maxPageRows)) ? count : null;
}

/** Returns the rows that a slice has shown, unreadable ones included. */
export function rowsOf({ collected }: Pick<ReadSlice, 'collected'>): number {
  return collected.seen.size + collected.unreadable.size;
}

/**
 * Returns how many rows each slice in flight can read in the time left: half of what quota and latency allow, shared
 * between them, so that a slice that was started can be finished.
 */
export function rowsInTimeLeft(run: TargetRun): number {
  const { latencyMs } = run.source.stats();
  const inFlight = windowsInFlight(latencyMs, run.settings);
  const answeredPerSecond = (1000 * inFlight) / Math.max(1, latencyMs ?? 1);
  const requestsPerSecond = Math.min(run.settings.requestsPerSecond, answeredPerSecond);
  const seconds = Math.min(run.budget.remainingMs() / 1000, maxSliceSeconds);
  return (seconds * requestsPerSecond * maxPageRows * 0.5) / inFlight;
}

/**
 * Returns `ms` by the source's clock if that is behind ours. Rows up to our now are then still to come, and coverage
 * must not run ahead of them.
 */
export function sourceTime(run: Pick<TargetRun, 'source'>, ms: EpochMs): EpochMs {
  const skewMs = run.source.stats().clockSkewMs ?? 0;
  return ms + (skewMs < -noticedSkewMs ? Math.floor(skewMs) - skewMarginMs : 0);
}

/** Returns the start time before which no row can appear late, as of `askedAtMs`, by the slower clock. */
export function noLateRowsBefore(run: Pick<TargetRun, 'source' | 'settings'>, askedAtMs: EpochMs): EpochMs {
  return sourceTime(run, askedAtMs) - run.settings.settleMs - run.settings.lookbackMs;
}

/**
 * Returns the start time from which rows may appear late in a read up to `untilMs` (now less settle time), with room
 * for an unnoticed skew.
 *
 * If the source's clock is off, the result moves in coarse steps: the measured skew changes with each reply, and a
 * slice that was cut at this time must not reach beyond it a moment later.
 */
export function lateRowsFrom(run: Pick<TargetRun, 'source' | 'settings'>, untilMs: EpochMs): EpochMs {
  const bySourceMs = sourceTime(run, untilMs);
  const fromMs = bySourceMs - run.settings.lookbackMs - noticedSkewMs;
  return bySourceMs === untilMs ? fromMs : Math.floor(fromMs / recentStepMs) * recentStepMs;
}

/** Reads a window completely in one go, again if trust was revoked meanwhile. @throws what the source throws */
export async function readWhole(
  run: Pick<TargetRun, 'source' | 'settings' | 'clock'>,
  source: PageSource,
  window: Window,
): Promise<WindowRead> {
  const { revision } = source.profile;
  const read = await readWindow(source, {
    window,
    settledUntilMs: lateRowsFrom(run, run.clock.now() - run.settings.settleMs),
    rereadFromMs: Number.POSITIVE_INFINITY,
    isEnough: () => false,
  });
  if (read.failure !== null) {
    throw read.failure;
  }
  return source.profile.revision === revision ? read : await readWhole(run, source, window);
}

/**
 * Returns how many windows to read in parallel. Each waits for one reply at a time, so as many as the pace sends while one
 * reply is in flight, and half as many again to catch up. If replies are immediate, three or four keep one core busy.
 */
function windowsInFlight(latencyMs: number | null, settings: TargetRun['settings']): number {
  const requestsPerSecond = Math.min(settings.requestsPerSecond, mostPerSecond);
  const whileOneIsAnswered = (requestsPerSecond * (latencyMs ?? 0)) / 1000;
  const wanted = Math.min(Math.ceil(whileOneIsAnswered * 1.5) + 3, maxInFlight);
  return Math.max(1, Math.min(wanted, settings.maxInFlight));
}
