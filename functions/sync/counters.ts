/**
 * The counters of one run of one target, from which the summary, the CloudWatch metrics and the log line are derived.
 * Imports nothing, so that the metrics can use its type without loading anything.
 */

/** The counters of the summary. Names are a contract. */
export interface SummaryCounters {
  /** Rows that the source returned, including repeats. */
  rowsRead: number;
  /** Observations appended. */
  rowsWritten: number;
  files: number;
  bytes: number;
  /** Requests to the instance list, including retries. */
  requests: number;
  throttled: number;
  retries: number;
  /** Executions that are still open after the run. */
  openExecutions: number;
  /** Executions open for longer than `maxOpenDays`, which are no longer re-checked. */
  expired: number;
  /** Rows that could not be read and were quarantined, each counted once. */
  quarantined: number;
  /** Executions that appeared in a window after it was covered. */
  lateRows: number;
}

/** All counters of a run. */
export interface RunCounters extends SummaryCounters {
  commits: number;
  /** Commits that lost to another run at the first attempt. */
  commitConflicts: number;
}

/** Returns counters at zero. */
export function newCounters(): RunCounters {
  return {
    rowsRead: 0,
    rowsWritten: 0,
    files: 0,
    bytes: 0,
    requests: 0,
    throttled: 0,
    retries: 0,
    openExecutions: 0,
    expired: 0,
    quarantined: 0,
    lateRows: 0,
    commits: 0,
    commitConflicts: 0,
  };
}

/** Returns the counters that the summary shows. */
export function summaryCounters({ commits: _, commitConflicts: __, ...shown }: RunCounters): SummaryCounters {
  return shown;
}
