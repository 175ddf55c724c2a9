/**
 * The counters of one run of one target, from which the summary, the CloudWatch metrics and the log line are derived.
 * Imports nothing, so that the metrics can use its type without loading anything.
 */

/** The counters of the summary, at zero. Names are a contract. */
const ofSummary = {
  /** Rows that the source returned, including repeats. */
  rowsRead: 0,
  /** Observations of executions appended. */
  rowsWritten: 0,
  /** Data files with these observations. Files of the other tables and of compactions are not counted. */
  files: 0,
  /** Bytes of these files. */
  bytes: 0,
  /** Requests to the instance list, including retries. */
  requests: 0,
  throttled: 0,
  retries: 0,
  /** Executions that are still open after the run. */
  openExecutions: 0,
  /** Executions open for longer than `maxOpenDays`, which are no longer re-checked. */
  expired: 0,
  /** Rows that could not be read and were quarantined, each counted once. */
  quarantined: 0,
  /**
   * Executions that appeared in a window after it was covered: within the lookback or, of the maintenance, later; then
   * about.
   */
  lateRows: 0,
  /** Executions whose rule results were fetched, or found to be gone. */
  results: 0,
};

/** The other counters of a run, at zero. */
const ofRun = {
  commits: 0,
  /** Commits that lost to another run at the first attempt. */
  commitConflicts: 0,
  /** Executions that wait for their rule results after the run. An estimate if they are more than 2,000. */
  resultsBacklog: 0,
  /**
   * How long there has been at least one execution to request at any time. Zero once all were requested, even if some
   * are to be requested again.
   */
  resultsBacklogAgeSeconds: 0,
  /** Days that the audit could not compare, or found late rows in and could not repair; 1 if it failed as a whole. */
  auditFailures: 0,
};

/** The counters of the summary. */
export type SummaryCounters = typeof ofSummary;

/** All counters of a run. */
export type RunCounters = SummaryCounters & typeof ofRun;

/** Counters of the end of a run. All others are the sum of those of its parts. */
const ofEnd: ReadonlySet<string> = new Set(['openExecutions', 'resultsBacklog', 'resultsBacklogAgeSeconds']);

/** Adds the counters of a part of a run. */
export function addCounters(to: RunCounters, added: Partial<Readonly<RunCounters>>): void {
  const isSummed = (name: string): name is keyof RunCounters => name in to && !ofEnd.has(name);
  for (const name of Object.keys(added).filter(isSummed)) {
    to[name] += added[name] ?? 0;
  }
}

/** Returns counters at zero. */
export function newCounters(): RunCounters {
  return { ...ofSummary, ...ofRun };
}

/** Returns the counters that the summary shows. */
export function summaryCounters(counters: RunCounters): SummaryCounters {
  const shown = { ...ofSummary };
  for (const name of Object.keys(shown).filter((key): key is keyof SummaryCounters => key in shown)) {
    shown[name] = counters[name];
  }
  return shown;
}
