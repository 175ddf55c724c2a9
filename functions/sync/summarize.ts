/** From what a run did to the summary that is promised to the outside. */

import { watermarkOf } from '../checkpoint/coverage.ts';
import { isoTime } from '../clock.ts';
import type { DqsyncError } from '../errors.ts';
import type { EpochMs, Window } from '../model.ts';
import { type Summary, summaryError } from './plan/summary.ts';
import type { Recorder } from './recorder.ts';
import type { TargetRun } from './target-run.ts';

/** A run under way. */
export interface RunState {
  /** Null until the checkpoint was loaded. */
  recorder: Recorder | null;
  /** What the run set out to read; null until it is known. */
  window: Window | null;
  /** How far reading is proven. */
  at: { readonly atMs: EpochMs; readonly doneMs: number; readonly totalMs: number };
  rowsRead: number;
  done: boolean;
  error: DqsyncError | null;
}

/** Before anything was done. */
export function newRunState(): RunState {
  const at = { atMs: 0, doneMs: 0, totalMs: 0 };
  return { recorder: null, window: null, at, rowsRead: 0, done: false, error: null };
}

/** One target's run: the summary that is promised to the outside, and what only metrics and logs tell. */
export interface TargetOutcome {
  readonly summary: Summary;
  /** What `summary.error` was made from; null where nothing failed. */
  readonly error: DqsyncError | null;
  /** Executions that stayed open for longer than `maxOpenDays` and are no longer looked at. */
  readonly givenUp: number;
  /** Commits that met another run's. */
  readonly commitConflicts: number;
}

/** The outcome of a run that has ended. */
export function outcomeOf(run: TargetRun, state: RunState, mode: Summary['mode']): TargetOutcome {
  const totals = state.recorder?.totals;
  return {
    summary: summarize(run, state, mode),
    error: state.error,
    givenUp: state.recorder?.givenUp.count ?? 0,
    commitConflicts: totals?.conflicts ?? 0,
  };
}

/** Of a target that was not even begun. */
export function untouchedOutcome(target: string, mode: Summary['mode']): TargetOutcome {
  const counts = { rowsRead: 0, rowsWritten: 0, files: 0, bytes: 0, requests: 0, throttled: 0, retries: 0 };
  const summary = {
    target,
    mode,
    from: null,
    to: null,
    watermark: null,
    done: false,
    openExecutions: 0,
    quarantined: 0,
  };
  return { summary: { ...summary, ...counts }, error: null, givenUp: 0, commitConflicts: 0 };
}

function summarize(run: TargetRun, state: RunState, mode: Summary['mode']): Summary {
  const { requests, throttled, retries } = run.source.stats();
  const checkpoint = state.recorder?.checkpoint;
  const watermarkMs = checkpoint === undefined ? null : watermarkOf(checkpoint);
  const totals = state.recorder?.totals;
  return {
    target: run.target.name,
    mode,
    from: isoOrNull(state.window?.fromMs ?? null),
    to: isoOrNull(state.window?.toMs ?? null),
    watermark: isoOrNull(watermarkMs),
    done: state.done,
    rowsRead: state.rowsRead,
    rowsWritten: totals?.rowsWritten ?? 0,
    files: totals?.files ?? 0,
    bytes: totals?.bytes ?? 0,
    requests,
    throttled,
    retries,
    openExecutions: checkpoint?.open.filter((entry) => entry.awaits === 'outcome').length ?? 0,
    quarantined: totals?.quarantined ?? 0,
    ...(state.error === null ? {} : { error: summaryError(state.error, isoTime) }),
  };
}

function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : isoTime(ms);
}
