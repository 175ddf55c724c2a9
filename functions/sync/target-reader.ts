/** How a run reads its target's source: how many requests at once, how much in the time that is left, by whose clock. */
import { type EpochMs, maxPageRows } from '../model.ts';
import type { Reader } from '../reading/reader.ts';
import { noTraits } from '../reading/traits.ts';
import { reportProgress } from './ending.ts';
import type { RunState } from './summarize.ts';
import type { TargetRun } from './target-run.ts';

/** A skew below this is lost in the one-second resolution of the `Date` header. */
export const noticedSkewMs = 2_000;
/** By so much a skew may be misjudged: the header is cut to the second, and the reply took a while. */
const skewMarginMs = 1_000;
const recentStepMs = 10_000;

/** @param onRows told of rows as they come */
export function readerOf(
  run: Pick<TargetRun, 'source' | 'settings' | 'target'>,
  onRows: (rows: number) => void,
): Reader {
  const { source, settings, target } = run;
  return {
    fetchPage: source.fetchPage,
    filter: target.filter,
    offsetUnit: settings.offsetUnit,
    traits: noTraits(),
    inFlight: () => requestsInFlight(source.stats().latencyMs, settings),
    onRows,
  };
}

/** A reader that counts the rows of a run, and tells how far it is, as they come. */
export function countingReader(run: TargetRun, state: RunState): Reader {
  return readerOf(run, (rows) => {
    state.rowsRead += rows;
    reportProgress(run, state, null);
  });
}

/**
 * A quarter of what the quota, and the latency seen, let through in the time left: two slices are read at once, and each
 * begun shall be finished.
 */
export function rowsInTimeLeft(run: TargetRun): number {
  const { latencyMs } = run.source.stats();
  const answeredPerSecond = (1000 * requestsInFlight(latencyMs, run.settings)) / Math.max(1, latencyMs ?? 1);
  const requestsPerSecond = Math.min(run.settings.requestsPerSecond, answeredPerSecond);
  return (run.budget.remainingMs() / 1000) * requestsPerSecond * maxPageRows * 0.25;
}

/** Where the source's clock is behind ours, rows up to our now are still to come: coverage must not run ahead of it. */
export function sourceTime(run: Pick<TargetRun, 'source'>, ms: EpochMs): EpochMs {
  const skewMs = run.source.stats().clockSkewMs ?? 0;
  return ms + (skewMs < -noticedSkewMs ? Math.floor(skewMs) - skewMarginMs : 0);
}

/** Up to where no row can appear late any more, of what was asked for at `askedAtMs`. By the slower clock. */
export function finalUntil(run: Pick<TargetRun, 'source' | 'settings'>, askedAtMs: EpochMs): EpochMs {
  return sourceTime(run, askedAtMs) - run.settings.settleMs - run.settings.lookbackMs;
}

/**
 * From where on rows may appear late in a reading that goes up to `untilMs`, now less settle; with room for a skew that
 * goes unnoticed. In coarse steps by a clock that is off: that is an estimate, which moves with each reply, and a slice
 * that was cut at this must not be found to reach beyond it a moment after.
 */
export function recentFrom(run: Pick<TargetRun, 'source' | 'settings'>, untilMs: EpochMs): EpochMs {
  const bySourceMs = sourceTime(run, untilMs);
  const fromMs = bySourceMs - run.settings.lookbackMs - noticedSkewMs;
  return bySourceMs === untilMs ? fromMs : Math.floor(fromMs / recentStepMs) * recentStepMs;
}

/**
 * Of one slice: as many requests as arrive while one is answered, half as many again to catch up, and never fewer than keep
 * a core busy. Two slices are read at once, so that both together have at most as many as there are connections, 16.
 */
function requestsInFlight(latencyMs: number | null, settings: TargetRun['settings']): number {
  const whileOneIsAnswered = (settings.requestsPerSecond * (latencyMs ?? 0)) / 1000;
  const wanted = Math.min(Math.ceil(whileOneIsAnswered * 1.5) + 2, 8);
  return Math.max(1, Math.min(wanted, settings.maxInFlight));
}
