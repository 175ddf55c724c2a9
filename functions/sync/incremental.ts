/**
 * One incremental run of one target: re-checks open executions, reads `[watermark - lookback, now - settle)` in slices
 * that are each proven complete, and commits as it goes. Skips what a backfill has covered beyond the watermark.
 */
import { densityOf, watermarkOf } from '../checkpoint/coverage.ts';
import { coveredAmong, type UnprovenWindow, waitingAt } from '../checkpoint/unproven.ts';
import { isoTime } from '../clock.ts';
import { CredentialsError, StateError, StoppedError, toDqsyncError } from '../errors.ts';
import { gapsIn, lengthOf, overlap, spansFrom, unionOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import { emptySecretCode } from '../source/credentials.ts';
import { beginRun, firstRequest, type ReadingRun } from './begin-run.ts';
import { LookbackGate } from './lookback-gate.ts';
import { furthestLookback, lookbackOf, lookbacks, nextWindow, requirePast, spansToRead } from './next-window.ts';
import { reobserve } from './reobserve.ts';
import { isCommitDue, RunState, readAndCommit, reportProgress } from './run-state.ts';
import { type ReadSlice, SliceReader } from './slice-reader.ts';
import { outcomeOf, type TargetOutcome } from './summary.ts';
import { expectedRows, lateRowsFrom, rowsInTimeLeft, rowsOf, sourceTime } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

/** Two pages, which any run can read to the end. */
const shortLookbackRows = 200;
/** As many as one slice reads. A run of fewer rows reads its lookback in the same requests as new rows. */
const shortReadRows = 2_500;

/**
 * Runs the sync of one target. A window that cannot be proven fails the run, but only after everything later
 * was read. Later runs fail too until it is covered, and retry it after growing waits. Never throws: a failure is
 * part of the outcome, and everything proven is committed.
 */
export async function runIncremental(run: TargetRun): Promise<TargetOutcome> {
  const state = new RunState();
  try {
    const begun = await beginRun(run, state, { mode: 'incremental', isIncremental: true, rereads: null });
    const { recorder, committer, watch, unproven } = begun;
    try {
      await readAndCommit(run, state, committer, async () => {
        await readAll(begun).catch((thrown: unknown) => {
          throw recorder.checkpoint.coverage.length === 0 ? waitingOr(thrown, state) : thrown;
        });
        unproven.throwFirst();
      });
    } finally {
      if (watch !== null && !committer.isBroken) {
        state.quality = watch.quality;
        await watch.announce();
      }
    }
  } catch (thrown) {
    state.error = toDqsyncError(thrown, run.target.name);
  }
  return outcomeOf(run, state, 'incremental');
}

async function readAll(parts: ReadingRun): Promise<void> {
  const { run, state, source, recorder, untilMs, unproven } = parts;
  const { settings } = run;
  const watermarkMs = watermarkOf(recorder.checkpoint);
  const window = nextWindow(recorder.checkpoint, settings, untilMs);
  state.window = window;
  // Windows that could not be proven before, and whose next try has not come.
  const waiting = waitingAt(recorder.checkpoint.unproven, run.clock.now());
  const isMissing = (entry: UnprovenWindow): boolean => gapsIn(entry, recorder.checkpoint.coverage).length > 0;
  unproven.addWaiting(waiting.filter((entry) => overlap(entry, window) && isMissing(entry)));
  requireSaneWatermark(run, watermarkMs);
  if (watermarkMs === null) {
    requirePast(settings.initialFromMs, run.clock.now());
  }
  const lookbackMs = lookbackOf(recorder.checkpoint, settings.lookbackMs);
  const again = lookbacks(window, recorder.checkpoint, lookbackMs).flatMap((span) => gapsIn(span, waiting));
  const toRead = () => {
    const { checkpoint } = recorder;
    const spansAgain = [...again, ...furthestLookback(checkpoint, lookbackMs)];
    const spans = spansToRead(window, spansAgain, checkpoint.coverage);
    const missed = coveredAmong(checkpoint.unproven, checkpoint.coverage);
    return unionOf([...missed, ...spans]).flatMap((span) => gapsIn(span, waiting));
  };
  const spans = toRead();
  const calibration = await firstRequest(parts, window);
  await reobserve({ ...parts, spans });
  const totalMs = lengthOf(spans);
  state.at = { atMs: window.fromMs, doneMs: 0, totalMs };
  state.expectedRows = expectedRows(calibration, totalMs);
  const density = densityOf(recorder.checkpoint.coverage) ?? calibration.rowsPerMs;
  // Nothing is committed before the lookback is read (I11). In a long read, or with a long lookback, that comes first:
  // otherwise it would come last, because slices read their newest rows first, and a stop would lose all of them.
  const isLong = recorder.checkpoint.recent.length > shortLookbackRows || (density ?? 0) * totalMs > shortReadRows;
  const slices = new SliceReader({
    source,
    spans,
    barrierMs: isLong ? watermarkMs : null,
    settledUntilMs: () => lateRowsFrom(run, untilMs),
    rereadFromMs: untilMs - settings.lookbackMs,
    shown: calibration.collected,
    rowsPerMs: density,
    rowsInTimeLeft: () => rowsInTimeLeft(run),
    now: () => run.clock.now(),
  });
  await recordSlices(parts, slices, { again, toRead, totalMs });
  recorder.addUnproven(unproven.windows, slices.leftOver);
}

/**
 * What a run reads: spans that are read even if they are covered, and all that is left, as of the latest checkpoint.
 */
interface Plan {
  readonly again: readonly Window[];
  readonly toRead: () => Window[];
  /** Length of everything that was to be read at the start. */
  readonly totalMs: number;
}

/** Records slice after slice, and commits as often as is due. */
async function recordSlices(parts: ReadingRun, slices: SliceReader, { again, toRead, totalMs }: Plan): Promise<void> {
  const { run, state, recorder, committer, unproven } = parts;
  let gate = new LookbackGate(again);
  let isCutShort = false;
  const record = (slice: ReadSlice): void => {
    const { fromMs, toMs } = slice.window;
    const provenToMs = Math.min(toMs, sourceTime(run, slice.begunAtMs) - run.settings.settleMs);
    // If coverage was cut short in one slice, everything in later slices is too young to cover.
    recorder.addSlice(slice, isCutShort ? fromMs : provenToMs);
    isCutShort ||= provenToMs < toMs;
  };
  for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
    for (const released of gate.release(slice)) {
      record(released);
    }
    unproven.add(slice.unproven);
    if (slices.takeRevocation()) {
      recorder.forgetWindows();
      gate = new LookbackGate(again);
      isCutShort = false;
      slices.keepOnly(toRead());
    }
    const { toMs } = slice.window;
    state.provenRows += rowsOf(slice);
    reportProgress(run, state, { atMs: toMs, doneMs: totalMs - lengthOf(slices.rest), totalMs });
    if (
      isCommitDue(state, committer) &&
      slices.rest.length > 0 &&
      (await committer.commit('running', null)).conflicted
    ) {
      slices.keepOnly(spansFrom(toRead(), slices.rest[0]?.fromMs ?? toMs));
      if (slices.rest.length === 0) {
        run.log('info', 'another run has covered the rest of the window', { target: run.target.name });
      }
    }
  }
}

/**
 * Returns the error that ends the run of a target without any coverage: a stop, if its secret has no value yet.
 *
 * The secrets of a stack get their values only after it is deployed, so the first scheduled runs find them empty. That
 * is not a failure. A secret that is emptied later is one.
 */
function waitingOr(thrown: unknown, state: RunState): unknown {
  if (!(thrown instanceof CredentialsError) || thrown.code !== emptySecretCode) {
    return thrown;
  }
  state.waitingFor = 'credentials';
  const { message, remedy, target } = thrown;
  return new StoppedError(`waiting for credentials: ${message}. ${remedy}`, { remedy, target });
}

/**
 * Refuses a watermark in the future: some clock is or was ahead. Coverage would be read again anyway, but the user must
 * know.
 */
function requireSaneWatermark(run: TargetRun, watermarkMs: EpochMs | null): void {
  const aheadMs = (watermarkMs ?? 0) - run.clock.now();
  if (aheadMs > run.settings.lookbackMs) {
    throw new StateError(
      `the checkpoint covers up to ${isoTime(watermarkMs ?? 0)}, which is in the future by this machine's clock`,
      {
        target: run.target.name,
        remedy:
          'If this clock is behind, correct it. If the clock of an earlier run was ahead, executions since then may be missing. To read them again, run this with the correct time of that run: dqsync rewind --to <time>',
      },
    );
  }
}
