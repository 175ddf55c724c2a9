/** The summary of one target's run, with the names that are promised to the outside. Pure. */
import type { DqsyncError } from '../../errors.ts';

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
  readonly error?: SummaryError;
}

/** An error as the summary shows it. `isoTime` formats instants. */
export function summaryError(error: DqsyncError, isoTime: (ms: number) => string): SummaryError {
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
