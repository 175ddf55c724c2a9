/**
 * One backfill of one target: reads the uncovered parts of a range, with the same slices, proofs, table and checkpoint
 * as an incremental run. Never moves the watermark.
 *
 * Executions that started after now - settle - lookback are read and written but not covered. Rows may still appear
 * there, and only incremental runs look back.
 */
import { rereadParts } from '../checkpoint/change.ts';
import { densityNear, knownSpan } from '../checkpoint/coverage.ts';
import { isoTime } from '../clock.ts';
import { InternalError, toDqsyncError } from '../errors.ts';
import { gapsIn, lengthOf, spansFrom, unionOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { BackfillTask } from './backfill-task.ts';
import { beginRun, firstRequest, type ReadingRun } from './begin-run.ts';
import type { Committer } from './committer.ts';
import { gapsToFill } from './gaps.ts';
import { upperHalf } from './next-window.ts';
import { isCommitDue, RunState, readAndCommit, reportProgress } from './run-state.ts';
import { SliceReader } from './slice-reader.ts';
import { executionsIn } from './span-reader.ts';
import { outcomeOf, type Summary, type TargetOutcome } from './summary.ts';
import { type Calibration, expectedRows, lateRowsFrom, rowsInTimeLeft, rowsOf } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';
import type { UnprovenWindows } from './unproven.ts';

/** Length of a part: about the rows of one commit, but at least an hour, so that empty spans need few parts. */
const partRows = 10_000;
const leastPartMs = 3_600_000;

/** A backfill in progress. */
interface Backfill extends ReadingRun {
  /** Rows that start later may appear late, so only incremental runs cover them. */
  finalToMs: EpochMs;
  readonly calibration: Calibration;
  /** Total length of the spans to read, in milliseconds of start time. */
  totalMs: number;
  /** Executions in the slices read. */
  found: number;
}

/**
 * Runs the backfill of one target. Never throws: a failure is part of the outcome, and everything proven before it is
 * committed.
 */
export async function runBackfill(
  run: TargetRun,
  task: BackfillTask,
  mode: Summary['mode'] = 'backfill',
): Promise<TargetOutcome> {
  const state = new RunState();
  try {
    const rereads = task.again ? task.window : null;
    const begun = await beginRun(run, state, { mode, isIncremental: false, rereads });
    const asked = task.window ?? knownSpan(begun.recorder.checkpoint, run.settings.initialFromMs);
    const window = asked === null ? null : clampedTo(asked, begun.untilMs);
    state.window = window;
    await readAndCommit(run, state, begun.committer, async () => {
      if (window !== null && begun.recorder.unreadIn(window).length > 0) {
        const calibration = await firstRequest(begun, window);
        const finalToMs = lateRowsFrom(run, begun.untilMs);
        const read = rereads !== null ? readAgain : mode === 'incremental' ? fillNewestFirst : fillGaps;
        await read({ ...begun, calibration, finalToMs, totalMs: 0, found: 0 }, window);
      }
      begun.unproven.throwFirst();
    });
  } catch (thrown) {
    state.error = toDqsyncError(thrown, run.target.name);
  }
  return outcomeOf(run, state, mode);
}

/** Fills the known gaps, the newest first, and commits each part before the next is begun. */
async function fillNewestFirst(backfill: Backfill): Promise<void> {
  const { recorder, run, committer, unproven, calibration } = backfill;
  const gaps = (): Window[] => withoutUnproven(gapsToFill(run, recorder.checkpoint), unproven);
  backfill.totalMs = lengthOf(gaps());
  for (let leftMs = backfill.totalMs; leftMs > 0; ) {
    const { fromMs, toMs } = gaps().at(-1) ?? { fromMs: 0, toMs: 0 };
    const rowsPerMs = densityNear(recorder.checkpoint.coverage, toMs) ?? calibration.rowsPerMs ?? 0;
    const partMs = Math.max(leastPartMs, Math.floor(partRows / rowsPerMs));
    await readSpans(backfill, [{ fromMs: Math.max(fromMs, toMs - partMs), toMs }]);
    await committer.commit('running', null);
    const beforeMs = leftMs;
    leftMs = lengthOf(gaps());
    if (leftMs >= beforeMs) {
      return;
    }
  }
}

/**
 * Reads the gaps in `window`. If another backfill reads the same range, continues in the later half of what is left, so
 * that both share the work.
 */
async function fillGaps(backfill: Backfill, window: Window): Promise<void> {
  const { recorder } = backfill;
  const young = spansFrom([window], backfill.finalToMs).flatMap((span) => recorder.unreadIn(span));
  // The source's clock may turn out to be behind while the gaps are read.
  const gapsLeft = (): Window[] => unreadIn(backfill, [window]);
  let gaps = gapsLeft();
  backfill.totalMs = lengthOf(gaps) + lengthOf(young);
  let part: readonly Window[] = gaps;
  while (part.length > 0) {
    const isOvertaken = await readSpans(backfill, part);
    if (!isOvertaken && part === gaps) {
      break;
    }
    if (!isOvertaken) {
      await backfill.committer.commit('running', null);
    }
    const leftMs = lengthOf(gaps);
    gaps = gapsLeft();
    part = isOvertaken ? upperHalf(gaps) : gaps;
    if (lengthOf(gaps) >= leftMs) {
      break;
    }
  }
  await readSpans(backfill, young);
  requireRead(backfill, [window]);
}

/** Reads all of `window`, covered or not. Resumes an interrupted re-read of the same range if it is recent. */
async function readAgain(backfill: Backfill, window: Window): Promise<void> {
  const { recorder, run, state, unproven } = backfill;
  const read = rereadParts(recorder.checkpoint, recorder.rereads ?? window, run.clock.now());
  if (read.length > 0) {
    run.log('info', 'resuming a backfill with --again where it was stopped', { target: run.target.name });
  }
  const spans = gapsIn(window, read);
  backfill.totalMs = lengthOf(spans);
  await readSpans(backfill, spans);
  requireRead(backfill, spans);
  if (unproven.windows.length === 0) {
    recorder.endReread();
    state.foundAgain = read.length > 0 ? null : backfill.found;
  }
}

/**
 * Reads spans. If trust is revoked, reads again everything that is not committed. Returns true if it stopped early
 * because another run has read some of the same.
 */
async function readSpans(backfill: Backfill, spans: readonly Window[]): Promise<boolean> {
  const { run, state, recorder, committer, unproven } = backfill;
  const [first] = spans;
  if (first === undefined) {
    return false;
  }
  const slices = slicesOf(backfill, spans, first.fromMs);
  const beforeMs = state.at.doneMs;
  for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
    const { fromMs, toMs } = slice.window;
    // Rows may still appear after this time, and only incremental runs look back.
    const finalMs = Math.max(fromMs, Math.min(toMs, slice.settledUntilMs));
    recorder.addSlice(slice, finalMs);
    backfill.finalToMs = Math.min(backfill.finalToMs, slice.settledUntilMs);
    unproven.add(slice.unproven);
    backfill.found += executionsIn(slice).length;
    if (slices.takeRevocation()) {
      // A window that is read again is then read from its start.
      backfill.found = 0;
      slices.keepOnly(unionOf([...slices.rest, ...recorder.forgetWindows()]));
    }
    state.provenRows += rowsOf(slice);
    const doneMs = Math.min(beforeMs + lengthOf(spans) - lengthOf(slices.rest), backfill.totalMs);
    reportProgress(run, state, { atMs: toMs, doneMs, totalMs: backfill.totalMs });
    if (isCommitDue(state, committer) && slices.rest.length > 0 && (await commitAndYield(committer, slices))) {
      return true;
    }
  }
  return false;
}

/** Returns the parts of `spans` that a backfill can cover and that were neither read nor reported as unproven. */
function unreadIn({ recorder, unproven, finalToMs }: Backfill, spans: readonly Window[]): Window[] {
  const unread = spans.flatMap((span) => recorder.unreadIn(clampedTo(span, finalToMs)));
  return withoutUnproven(unread, unproven);
}

/** @throws InternalError if anything in `spans` was neither read nor reported as unproven */
function requireRead(backfill: Backfill, spans: readonly Window[]): void {
  const { run } = backfill;
  const [missed] = unreadIn(backfill, spans);
  if (missed !== undefined) {
    const { fromMs, toMs } = missed;
    throw new InternalError(`the backfill has not covered ${isoTime(fromMs)} to ${isoTime(toMs)}`, {
      target: run.target.name,
      remedy: 'Run it again. If it fails again, this is a defect of dqsync; please report it with this message.',
    });
  }
}

/**
 * Commits, and skips what others have covered in the meantime.
 *
 * @returns whether another run had read part of this commit too
 */
async function commitAndYield(committer: Committer, slices: SliceReader): Promise<boolean> {
  const { recorder } = committer;
  const { conflicted, isReadTwice } = await committer.commit('running', null);
  if (recorder.rereads !== null) {
    return false;
  }
  if (conflicted) {
    slices.keepOnly(slices.rest.flatMap((span) => gapsIn(span, recorder.checkpoint.coverage)));
  }
  return isReadTwice;
}

function slicesOf(
  { run, state, recorder, totalMs, source, calibration }: Backfill,
  spans: readonly Window[],
  fromMs: EpochMs,
): SliceReader {
  state.at = { atMs: fromMs, doneMs: state.at.doneMs, totalMs };
  state.expectedRows = expectedRows(calibration, totalMs);
  return new SliceReader({
    source,
    spans,
    settledUntilMs: () => lateRowsFrom(run, run.clock.now() - run.settings.settleMs),
    rowsPerMs: densityNear(recorder.checkpoint.coverage, fromMs) ?? calibration.rowsPerMs,
    shown: calibration.collected,
    rowsInTimeLeft: () => rowsInTimeLeft(run),
    now: () => run.clock.now(),
  });
}

function withoutUnproven(gaps: readonly Window[], { windows }: UnprovenWindows): Window[] {
  return gaps.flatMap((gap) => gapsIn(gap, windows));
}

function clampedTo({ fromMs, toMs }: Window, untilMs: EpochMs): Window {
  return { fromMs: Math.min(fromMs, untilMs), toMs: Math.min(toMs, untilMs) };
}
