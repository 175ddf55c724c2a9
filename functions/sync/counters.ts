/**
 * The one object that a run of one target counts in. The summary, the CloudWatch metrics and the log line derive from it.
 *
 * Imports nothing, so that the metrics can name its type without loading anything.
 */

/** The counters of the summary. Names are a contract. */
export interface SummaryCounters {
  /** Rows the source returned, repeats included. */
  rowsRead: number;
  /** Observations appended. */
  rowsWritten: number;
  files: number;
  bytes: number;
  /** Requests to the instance list, retries included. */
  requests: number;
  throttled: number;
  retries: number;
  /** Executions that are followed because their outcome is not known yet, after the run. */
  openExecutions: number;
  /** Executions that have been open for longer than `maxOpenDays` and are no longer followed. */
  expired: number;
  /** Rows that could not be read and were put aside, each counted once. */
  quarantined: number;
  /** Executions that appeared in a window after it was covered. */
  lateRows: number;
}

/** All counters of a run. */
export interface RunCounters extends SummaryCounters {
  commits: number;
  /** Commits that lost to another run's at their first try. */
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
