/**
 * Defines every metric: name, unit, meaning and value. The Lambda emits them, the CDK app builds alarms and charts.
 *
 * Imports only types, so that the CDK app loads no client. Names are a contract, because dashboards elsewhere use them.
 */
import type { RunCounters } from './sync/counters.ts';

/** CloudWatch namespace of all metrics. */
export const metricsNamespace = 'dqsync';

/** The only dimension of every metric: the target's name. */
export const targetDimension = 'target';

/** A metric with its CloudWatch unit. */
export interface MetricDefinition {
  readonly unit: 'Count' | 'Seconds' | 'Milliseconds';
  /** Meaning of one value, for dashboards and alarms. */
  readonly meaning: string;
  /** Returns the value of a run; null if the run ended before it was known. */
  readonly value: (run: MeasuredRun) => number | null;
}

/** The measurements of a finished run of one target. */
export interface MeasuredRun {
  readonly counters: Readonly<RunCounters>;
  readonly tookMs: number;
  readonly watermarkAgeSeconds: number | null;
}

/**
 * Every metric has one value per target and run. CloudWatch charges for each, so each is shown by an alarm or a chart.
 */
export const metrics = {
  RowsRead: {
    unit: 'Count',
    meaning: 'Rows that the source returned, including repeats.',
    value: ({ counters }) => counters.rowsRead,
  },
  RowsWritten: {
    unit: 'Count',
    meaning: 'Observations appended to the table.',
    value: ({ counters }) => counters.rowsWritten,
  },
  Requests: {
    unit: 'Count',
    meaning: 'Requests to the instance list, including retries.',
    value: ({ counters }) => counters.requests,
  },
  Throttled: {
    unit: 'Count',
    meaning: 'Replies with status 429: another client shares the quota, or it is set too high.',
    value: ({ counters }) => counters.throttled,
  },
  Retries: {
    unit: 'Count',
    meaning: 'Requests sent again for any reason.',
    value: ({ counters }) => counters.retries,
  },
  Quarantined: {
    unit: 'Count',
    meaning: 'Rows that could not be read and were quarantined.',
    value: ({ counters }) => counters.quarantined,
  },
  OpenExecutions: {
    unit: 'Count',
    meaning: 'Executions that can still change after the run.',
    value: ({ counters }) => counters.openExecutions,
  },
  Expired: {
    unit: 'Count',
    meaning: 'Executions open for longer than maxOpenDays, which are no longer re-checked.',
    value: ({ counters }) => counters.expired,
  },
  WatermarkAge: {
    unit: 'Seconds',
    meaning: 'How far the table is behind: now less the end of coverage, also after a failed run.',
    value: (run) => run.watermarkAgeSeconds,
  },
  RunTime: { unit: 'Milliseconds', meaning: 'Duration of the run of one target.', value: ({ tookMs }) => tookMs },
  CommitConflicts: {
    unit: 'Count',
    meaning: 'Commits that conflicted with another run of the same target.',
    value: ({ counters }) => counters.commitConflicts,
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The name of a metric. */
export type MetricName = keyof typeof metrics;
