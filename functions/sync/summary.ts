/** The summary of one target's run, with the names that are a contract, and what only metrics and logs report. */
import { watermarkOf } from '../checkpoint/coverage.ts';
import { isoTime } from '../clock.ts';
import type { DqsyncError } from '../errors.ts';
import type { EpochMs } from '../model.ts';
import type { RunState } from './run-state.ts';
import type { TargetRun } from './target-run.ts';

/** What failed, safe to show. */
export interface SummaryError {
  readonly kind: string;
  readonly message: string;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly code?: string;
  readonly requestId?: string;
  readonly window?: { readonly from: string; readonly to: string };
}

/** One target's run. Names are a contract. Times are ISO 8601 in UTC. */
export interface Summary {
  readonly target: string;
  readonly mode: 'incremental' | 'backfill';
  /** What the run set out to read, `[from, to)`; null where it failed before it knew. */
  readonly from: string | null;
  readonly to: string | null;
  /** End of coverage after the run; null where there is none. */
  readonly watermark: string | null;
  /** False: the time was spent, the run was interrupted, or it failed; the next run goes on. */
  readonly done: boolean;
  /** Rows the source returned, repeats included. */
  readonly rowsRead: number;
  /** Observations appended. */
  readonly rowsWritten: number;
  readonly files: number;
  readonly bytes: number;
  /** Requests to the instance list, retries included. */
  readonly requests: number;
  readonly throttled: number;
  readonly retries: number;
  readonly openExecutions: number;
  readonly quarantined: number;
  /** The first run has not begun: the target's secret has no value yet. No failure; `from` and `to` are null. */
  readonly waitingFor?: 'credentials';
  readonly error?: SummaryError;
}

/** Returns an error as the summary shows it. */
export function summaryError(error: DqsyncError): SummaryError {
  return {
    kind: error.kind,
    message: error.message,
    remedy: error.remedy,
    retryable: error.retryable,
    ...(error.code === undefined ? {} : { code: error.code }),
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
    ...(error.window === undefined
      ? {}
      : { window: { from: isoTime(error.window.fromMs), to: isoTime(error.window.toMs) } }),
  };
}

/** The outcome of one target's run. */
export interface TargetOutcome {
  readonly summary: Summary;
  /** What `summary.error` was made from; null where nothing failed. */
  readonly error: DqsyncError | null;
  /** Executions that stayed open for longer than `maxOpenDays` and are no longer followed. */
  readonly expired: number;
  /** Commits that lost to another run's first. */
  readonly commitConflicts: number;
}

/** Returns the outcome of a run that has ended. */
export function outcomeOf(run: TargetRun, state: RunState, mode: Summary['mode']): TargetOutcome {
  const totals = state.recorder?.totals;
  return {
    summary: summarize(run, state, mode),
    error: state.error,
    expired: state.recorder?.givenUp.count ?? 0,
    commitConflicts: totals?.conflicts ?? 0,
  };
}

/** Returns the outcome of a target that was not begun. */
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
  return { summary: { ...summary, ...counts }, error: null, expired: 0, commitConflicts: 0 };
}

function summarize(run: TargetRun, state: RunState, mode: Summary['mode']): Summary {
  const { requests, throttled, retries } = run.source.stats();
  const checkpoint = state.recorder?.checkpoint;
  const watermarkMs = checkpoint === undefined ? null : watermarkOf(checkpoint);
  const totals = state.recorder?.totals;
  const window = state.waitingFor === null ? state.window : null;
  return {
    target: run.target.name,
    mode,
    from: isoOrNull(window?.fromMs ?? null),
    to: isoOrNull(window?.toMs ?? null),
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
    ...(state.waitingFor === null ? {} : { waitingFor: state.waitingFor }),
    ...(state.error === null ? {} : { error: summaryError(state.error) }),
  };
}

function isoOrNull(ms: EpochMs | null): string | null {
  return ms === null ? null : isoTime(ms);
}
