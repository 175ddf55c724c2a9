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
  /**
   * Executions that appeared in a window after it was covered: within the lookback or, of the maintenance, later; then
   * about.
   */
  lateRows: number;
  /** Executions whose rule results were fetched, or found to be gone. */
  results: number;
}

/** All counters of a run. */
export interface RunCounters extends SummaryCounters {
  commits: number;
  /** Commits that lost to another run at the first attempt. */
  commitConflicts: number;
  /** Executions that wait for their rule results after the run. An estimate if they are more than 2,000. */
  resultsBacklog: number;
  /**
   * How long there has always been an execution to request. Zero once all were requested, even if some are to be again.
   */
  resultsBacklogAgeSeconds: number;
  /** Days that the audit could not compare, or found late rows in and could not repair. */
  auditFailures: number;
}

/** Counters that are the sum of those of a run's parts. */
const summed = [
  'rowsRead',
  'rowsWritten',
  'files',
  'bytes',
  'requests',
  'throttled',
  'retries',
  'expired',
  'quarantined',
  'lateRows',
  'results',
  'commits',
  'commitConflicts',
  'auditFailures',
] as const satisfies readonly (keyof RunCounters)[];

/** Adds the counters of a part of a run. */
export function addCounters(to: RunCounters, added: Partial<Readonly<RunCounters>>): void {
  for (const name of summed) {
    to[name] += added[name] ?? 0;
  }
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
    results: 0,
    resultsBacklog: 0,
    resultsBacklogAgeSeconds: 0,
    commits: 0,
    commitConflicts: 0,
    auditFailures: 0,
  };
}

/** Returns the counters that the summary shows. */
export function summaryCounters({
  commits: _,
  commitConflicts: __,
  auditFailures: ___,
  resultsBacklog: ____,
  resultsBacklogAgeSeconds: _____,
  ...shown
}: RunCounters): SummaryCounters {
  return shown;
}
