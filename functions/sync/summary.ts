/** The summary of one target's run, whose names are a contract, and the outcome that metrics and logs use. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { watermarkOf } from '../checkpoint/coverage.ts';
import { isoOrNull, isoTime } from '../clock.ts';
import type { DqsyncError } from '../errors.ts';
import { addCounters, type RunCounters, type SummaryCounters, summaryCounters } from './counters.ts';
import type { Quality } from './outcomes/outcome-changes.ts';
import { RunState } from './run-state.ts';
import type { TargetRun } from './target-run.ts';

/** An error with fields that are safe to show. */
export interface SummaryError {
  readonly kind: string;
  readonly message: string;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly window?: { readonly from: string; readonly to: string } | undefined;
}

/** The result of one target's run. Names are a contract. Times are ISO 8601 in UTC. */
export interface Summary extends Readonly<SummaryCounters> {
  readonly target: string;
  readonly mode: 'incremental' | 'backfill' | 'maintain';
  /** The window that the run was to read, `[from, to)`; null if it failed before it was known. */
  readonly from: string | null;
  readonly to: string | null;
  /** End of coverage after the run; null without coverage. */
  readonly watermark: string | null;
  /** False if the time limit was reached or the run was interrupted or failed. The next run continues. */
  readonly done: boolean;
  /**
   * The first run has not started, because the target's secret has no value yet. Not a failure; `from` and `to` are
   * null.
   */
  readonly waitingFor?: 'credentials';
  readonly error?: SummaryError;
}

/** Returns an error in the form of the summary. */
export function summaryError(error: DqsyncError): SummaryError {
  const { window } = error;
  return {
    kind: error.kind,
    message: error.message,
    remedy: error.remedy,
    retryable: error.retryable,
    code: error.code,
    requestId: error.requestId,
    window: window && { from: isoTime(window.fromMs), to: isoTime(window.toMs) },
  };
}

/** The outcome of one target's run. */
export interface TargetOutcome {
  readonly summary: Summary;
  readonly counters: Readonly<RunCounters>;
  /** Executions in a window that was read again; null unless this run has read all of it. */
  readonly foundAgain: number | null;
  /** What the run's executions say about the data; null if changes are not announced. */
  readonly quality: Quality | null;
  /** The error behind `summary.error`; null without a failure. */
  readonly error: DqsyncError | null;
  /** The checkpoint as the run left it; null if it was not loaded. */
  readonly checkpoint: Checkpoint | null;
}

/** Returns the outcome of a finished run. */
export function outcomeOf(run: TargetRun, state: RunState, mode: Summary['mode']): TargetOutcome {
  const { requests, throttled, retries } = run.source.stats();
  const open = state.holder?.checkpoint.open ?? [];
  const openExecutions = open.filter(({ awaits }) => awaits === 'outcome').length;
  const counters = { ...state.counters, requests, throttled, retries, openExecutions };
  return outcomeAt(run.target.name, { ...state, counters }, mode);
}

/** Returns the outcome of a target that was not started. */
export function untouchedOutcome(target: string, mode: Summary['mode']): TargetOutcome {
  return outcomeAt(target, new RunState(), mode);
}

/**
 * Merges the outcome of a sync with that of filling gaps in its remaining time. A failure to fill gaps does not fail the
 * sync.
 */
export function withGapsFilled(sync: TargetOutcome, filling: TargetOutcome): TargetOutcome {
  const counters = { ...sync.counters, openExecutions: filling.counters.openExecutions };
  addCounters(counters, filling.counters);
  const watermark = filling.summary.watermark ?? sync.summary.watermark;
  return {
    ...sync,
    summary: { ...sync.summary, watermark, ...summaryCounters(counters) },
    counters,
    checkpoint: filling.checkpoint ?? sync.checkpoint,
  };
}

function outcomeAt(target: string, state: RunState, mode: Summary['mode']): TargetOutcome {
  const { holder, counters, foundAgain, quality, done, error, waitingFor } = state;
  const checkpoint = holder?.checkpoint ?? null;
  const window = waitingFor === null ? state.window : null;
  const summary: Summary = {
    target,
    mode,
    from: isoOrNull(window?.fromMs ?? null),
    to: isoOrNull(window?.toMs ?? null),
    watermark: isoOrNull(checkpoint === null ? null : watermarkOf(checkpoint)),
    done,
    ...summaryCounters(counters),
    ...(waitingFor === null ? {} : { waitingFor }),
    ...(error === null ? {} : { error: summaryError(error) }),
  };
  return { summary, counters, foundAgain, quality, error, checkpoint };
}
