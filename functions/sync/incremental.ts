/**
 * One incremental run of one target: looks again at what was open, reads `[watermark - lookback, now - settle)` in slices,
 * each proven complete, and commits as it goes. What a backfill has covered beyond the watermark is left out.
 */
import { isoTime } from '../clock.ts';
import { StateError, toDqsyncError } from '../errors.ts';
import type { EpochMs } from '../model.ts';
import { lengthOf } from '../reading/window.ts';
import { identityOf, loadCheckpoint } from './commit.ts';
import { readAndCommit, reportProgress } from './ending.ts';
import { densityOf, watermarkOf } from './plan/coverage.ts';
import { furthestLookback, lookbacks, nextWindow, spansFrom, spansToRead } from './plan/next-window.ts';
import { Recorder } from './recorder.ts';
import { reobserveOpen, reobserveOthers } from './reobserve.ts';
import { SliceReader } from './slice-reader.ts';
import { newRunState, outcomeOf, type RunState, type TargetOutcome } from './summarize.ts';
import { countingReader, recentFrom, rowsInTimeLeft, sourceTime } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';
import { nextProven, UnprovenWindows } from './unproven.ts';

const shortPartMs = 60_000;

/** What an incremental run works with. */
interface Incremental {
  readonly run: TargetRun;
  readonly state: RunState;
  readonly recorder: Recorder;
  readonly untilMs: EpochMs;
  readonly unproven: UnprovenWindows;
}

/**
 * Runs one target. A window that could not be proven fails the run, but only after what lies behind it was read. Never throws:
 * a failure is in the outcome, and everything proven complete is committed.
 */
export async function runIncremental(run: TargetRun): Promise<TargetOutcome> {
  const state = newRunState();
  try {
    const loaded = await loadCheckpoint(run.store, run.target.name, identityOf(run));
    const untilMs = run.clock.now() - run.settings.settleMs;
    const { lookbackMs: revisitedMs, initialFromMs: incrementalFromMs } = run.settings;
    const options = { mode: 'incremental', untilMs, revisitedMs, incrementalFromMs, rereads: null } as const;
    const recorder = new Recorder(run, loaded, options);
    state.recorder = recorder;
    const unproven = new UnprovenWindows(run);
    await readAndCommit(run, state, recorder, async () => {
      await readAll({ run, state, recorder, untilMs, unproven });
      unproven.throwFirst();
    });
  } catch (thrown) {
    state.error = toDqsyncError(thrown, run.target.name);
  }
  return outcomeOf(run, state, 'incremental');
}

async function readAll({ run, state, recorder, untilMs, unproven }: Incremental): Promise<void> {
  const { settings } = run;
  const reader = countingReader(run, state);
  const watermarkMs = watermarkOf(recorder.checkpoint);
  const window = nextWindow(recorder.checkpoint, settings, untilMs);
  state.window = window;
  requireSaneWatermark(run, watermarkMs);
  const again = lookbacks(window, recorder.checkpoint, settings.lookbackMs);
  const toRead = () => {
    const { checkpoint } = recorder;
    return spansToRead(window, [...again, ...furthestLookback(checkpoint, settings.lookbackMs)], checkpoint.coverage);
  };
  const spans = toRead();
  const reobservation = { run, reader, recorder, spans, unproven };
  await reobserveOpen(reobservation);
  const totalMs = lengthOf(spans);
  state.at = { atMs: window.fromMs, doneMs: 0, totalMs };
  const slices = new SliceReader({
    reader,
    spans,
    recentFromMs: () => withoutShortPart(window.fromMs, recentFrom(run, untilMs)),
    rowsPerMs: densityOf(recorder.checkpoint.coverage),
    rowsInTimeLeft: () => rowsInTimeLeft(run),
    now: () => run.clock.now(),
  });
  // What proves nothing for good must lie in the lookback of the next run, which begins at the end of coverage.
  let conclusiveToMs = Number.POSITIVE_INFINITY;
  let isCutShort = false;
  for (let slice = await nextProven(slices, unproven); slice !== null; slice = await nextProven(slices, unproven)) {
    const { fromMs, toMs } = slice.window;
    if (!slice.isConclusive) {
      conclusiveToMs = Math.min(conclusiveToMs, fromMs + settings.lookbackMs);
    }
    const provenToMs = Math.min(toMs, sourceTime(run, slice.begunAtMs) - settings.settleMs, conclusiveToMs);
    // Coverage that was cut short in one slice does not go on in the next: all of that is too young.
    recorder.addWindow(slice.window, isCutShort ? fromMs : provenToMs, slice.collected);
    isCutShort ||= provenToMs < toMs;
    reportProgress(run, state, { atMs: toMs, doneMs: totalMs - lengthOf(slices.rest), totalMs });
    if (recorder.isDue && slices.rest.length > 0 && (await recorder.commit('running', null)).conflicted) {
      slices.keepOnly(spansFrom(toRead(), toMs));
      if (slices.rest.length === 0) {
        run.log('info', 'another run has covered the rest of the window', { target: run.target.name });
      }
    }
  }
  await reobserveOthers(reobservation);
}

/**
 * An old part that is shorter than a minute is not worth requests of its own in a run soon after another: all counts as
 * recent then, and coverage goes on with a later run.
 */
function withoutShortPart(readFromMs: EpochMs, recentFromMs: EpochMs): EpochMs {
  return recentFromMs - readFromMs < shortPartMs ? Math.min(readFromMs, recentFromMs) : recentFromMs;
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
          'Set the clock right. If an earlier run had a clock that was ahead, take coverage back to before it with "dqsync rewind --to <instant>", so that the span is read again.',
      },
    );
  }
}
