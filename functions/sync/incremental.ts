/**
 * One incremental run of one target: looks again at what was open, reads `[watermark - lookback, now - settle)` in slices,
 * each proven complete, and commits as it goes.
 */
import { isoTime } from '../clock.ts';
import { StateError, StoppedError, toDqsyncError } from '../errors.ts';
import { type EpochMs, maxPageRows } from '../model.ts';
import type { Reader } from '../reading/reader.ts';
import { noTraits } from '../reading/traits.ts';
import { identityOf, loadCheckpoint } from './commit.ts';
import { densityOf, watermarkOf } from './plan/coverage.ts';
import { nextWindow } from './plan/next-window.ts';
import { Recorder } from './recorder.ts';
import { reobserveOpen, reobserveOthers } from './reobserve.ts';
import { SliceReader } from './slice-reader.ts';
import { outcomeOf, type RunState, type TargetOutcome } from './summarize.ts';
import type { TargetRun } from './target-run.ts';

/** A skew below this is lost in the one-second resolution of the `Date` header. */
const noticedSkewMs = 2_000;

/**
 * Runs one target. Never throws: a failure is in the outcome, and everything proven complete before it is committed.
 */
export async function runIncremental(run: TargetRun): Promise<TargetOutcome> {
  const state: RunState = { recorder: null, fromMs: null, untilMs: null, rowsRead: 0, done: false, error: null };
  try {
    const loaded = await loadCheckpoint(run.store, run.target.name, identityOf(run));
    const untilMs = run.clock.now() - run.settings.settleMs;
    state.recorder = new Recorder(run, loaded, 'incremental', untilMs);
    await readAndCommit(run, state, state.recorder, untilMs);
  } catch (thrown) {
    state.error = toDqsyncError(thrown, run.target.name);
  }
  return outcomeOf(run, state, 'incremental');
}

/** Reads, and commits at the end whatever the end was. */
async function readAndCommit(run: TargetRun, state: RunState, recorder: Recorder, untilMs: EpochMs): Promise<void> {
  try {
    await readAll(run, state, recorder, untilMs);
  } catch (thrown) {
    if (recorder.isBroken) {
      throw thrown;
    }
    if (thrown instanceof StoppedError) {
      await recorder.commit('stopped', null);
      run.log('info', thrown.message, { target: run.target.name });
      return;
    }
    const error = toDqsyncError(thrown, run.target.name);
    await recorder.commit('failed', error.message);
    throw error;
  }
  await recorder.commit('done', null);
  state.done = true;
}

async function readAll(run: TargetRun, state: RunState, recorder: Recorder, untilMs: EpochMs): Promise<void> {
  const { settings } = run;
  const reader = readerOf(run, state);
  const watermarkMs = watermarkOf(recorder.checkpoint.coverage);
  const { fromMs: readFromMs, toMs } = nextWindow(watermarkMs, settings, untilMs);
  state.fromMs = readFromMs;
  state.untilMs = toMs;
  requireSaneWatermark(run, watermarkMs);
  await reobserveOpen(run, reader, recorder, readFromMs);
  const slices = new SliceReader({
    reader,
    fromMs: readFromMs,
    untilMs,
    recentFromMs: () => recentFrom(run, readFromMs, watermarkMs, untilMs),
    rowsPerMs: densityOf(recorder.checkpoint.coverage),
    rowsInTimeLeft: () => rowsInTimeLeft(run),
    now: () => run.clock.now(),
  });
  let provenToMs = readFromMs;
  for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
    const { window, collected, begunAtMs } = slice;
    const isSeamless = provenToMs >= window.fromMs;
    const settledMs = Math.min(window.toMs, sourceTime(run, begunAtMs) - settings.settleMs);
    provenToMs = isSeamless ? settledMs : provenToMs;
    // Coverage that was cut short in one slice does not go on in the next: there would be a gap that nobody fills.
    recorder.addWindow(window, isSeamless ? settledMs : window.fromMs, collected);
    report(run, state, window.toMs);
    if (recorder.isDue && window.toMs < untilMs && (await recorder.commit('running', null))) {
      const reachedMs = watermarkOf(recorder.checkpoint.coverage) ?? window.toMs;
      slices.skipTo(reachedMs);
      provenToMs = Math.max(provenToMs, reachedMs);
      if (reachedMs >= untilMs) {
        run.log('info', 'another run has covered the rest of the window', { target: run.target.name });
      }
    }
  }
  await reobserveOthers(run, reader, recorder, readFromMs);
}

function readerOf(run: TargetRun, state: RunState): Reader {
  const { source, settings, target } = run;
  return {
    fetchPage: source.fetchPage,
    filter: target.filter,
    offsetUnit: settings.offsetUnit,
    traits: noTraits(),
    inFlight: () => requestsInFlight(source.stats().latencyMs, settings),
    onRows: (rows) => {
      state.rowsRead += rows;
      report(run, state, null);
    },
  };
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

/**
 * A quarter of what the quota, and the latency seen, let through in the time left: two slices are read at once, and each
 * begun shall be finished.
 */
function rowsInTimeLeft(run: TargetRun): number {
  const { latencyMs } = run.source.stats();
  const answeredPerSecond = (1000 * requestsInFlight(latencyMs, run.settings)) / Math.max(1, latencyMs ?? 1);
  const requestsPerSecond = Math.min(run.settings.requestsPerSecond, answeredPerSecond);
  return (run.budget.remainingMs() / 1000) * requestsPerSecond * maxPageRows * 0.25;
}

/**
 * From where on rows may still appear late, by the slower clock. Where all before it is covered already, nothing can be
 * lost by reading it together with what is recent, and `readFromMs` says so.
 */
function recentFrom(run: TargetRun, readFromMs: EpochMs, watermarkMs: EpochMs | null, untilMs: EpochMs): EpochMs {
  const recentFromMs = sourceTime(run, untilMs) - run.settings.lookbackMs - noticedSkewMs;
  return watermarkMs !== null && recentFromMs <= watermarkMs ? readFromMs : recentFromMs;
}

/** Where the source's clock is behind ours, rows up to our now are still to come: coverage must not run ahead of it. */
function sourceTime(run: TargetRun, ms: EpochMs): EpochMs {
  const skewMs = run.source.stats().clockSkewMs ?? 0;
  return ms + (skewMs < -noticedSkewMs ? Math.floor(skewMs) : 0);
}

/** Coverage beyond our own now means that some clock is or was off; what was covered early is read again, but say so. */
function requireSaneWatermark(run: TargetRun, watermarkMs: EpochMs | null): void {
  const aheadMs = (watermarkMs ?? 0) - run.clock.now();
  if (aheadMs > run.settings.lookbackMs) {
    throw new StateError(
      `the checkpoint covers up to ${isoTime(watermarkMs ?? 0)}, which is later than now by this machine's clock`,
      {
        target: run.target.name,
        remedy:
          'Set the clock right. If an earlier run had a clock that was ahead, move the checkpoint back to a version from before it (the bucket keeps them), so that the span is read again.',
      },
    );
  }
}

function report(run: TargetRun, state: RunState, atMs: EpochMs | null): void {
  state.atMs = atMs ?? state.atMs ?? state.fromMs ?? 0;
  run.onProgress({
    target: run.target.name,
    fromMs: state.fromMs ?? 0,
    atMs: state.atMs,
    untilMs: state.untilMs ?? 0,
    rowsRead: state.rowsRead,
  });
}
