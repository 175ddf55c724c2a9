/**
 * Names, units, meanings and values of the metrics: the one place. The Lambda emits them, the CDK app makes alarms of them.
 *
 * Imports only a type, so that the CDK app gets no client with it. Names are a contract: dashboards outside of this
 * repository know them.
 */
import type { RunCounters } from './sync/counters.ts';

/** CloudWatch namespace of all metrics. */
export const metricsNamespace = 'dqsync';

/** The one dimension of every metric: the target's name. */
export const targetDimension = 'target';

/** A metric, as CloudWatch calls its unit. */
export interface MetricDefinition {
  readonly unit: 'Count' | 'Seconds' | 'Milliseconds';
  /** For dashboards and alarms: what one value stands for. */
  readonly meaning: string;
  /** Returns the value of a run; null where the run ended before it was known. */
  readonly value: (run: MeasuredRun) => number | null;
}

/** A run of one target that has ended, as the metrics measure it. */
export interface MeasuredRun {
  readonly counters: Readonly<RunCounters>;
  readonly tookMs: number;
  readonly watermarkAgeSeconds: number | null;
}

/** Every metric: one value per target and run. CloudWatch charges for each, so none is here that no alarm or chart shows. */
export const metrics = {
  RowsRead: {
    unit: 'Count',
    meaning: 'Rows the source returned, repeats included.',
    value: ({ counters }) => counters.rowsRead,
  },
  RowsWritten: {
    unit: 'Count',
    meaning: 'Observations appended to the table.',
    value: ({ counters }) => counters.rowsWritten,
  },
  Requests: {
    unit: 'Count',
    meaning: 'Requests to the instance list, retries included.',
    value: ({ counters }) => counters.requests,
  },
  Throttled: {
    unit: 'Count',
    meaning: 'Replies 429: the quota is shared with somebody else, or set too high.',
    value: ({ counters }) => counters.throttled,
  },
  Retries: {
    unit: 'Count',
    meaning: 'Requests sent again, for whatever reason.',
    value: ({ counters }) => counters.retries,
  },
  Quarantined: {
    unit: 'Count',
    meaning: 'Rows that could not be read and were put aside.',
    value: ({ counters }) => counters.quarantined,
  },
  OpenExecutions: {
    unit: 'Count',
    meaning: 'Executions whose outcome is still awaited after the run.',
    value: ({ counters }) => counters.openExecutions,
  },
  Expired: {
    unit: 'Count',
    meaning: 'Executions open for longer than maxOpenDays, no longer followed.',
    value: ({ counters }) => counters.expired,
  },
  WatermarkAge: {
    unit: 'Seconds',
    meaning: 'How far the table is behind: now less the end of coverage, of a failed run too.',
    value: (run) => run.watermarkAgeSeconds,
  },
  RunTime: { unit: 'Milliseconds', meaning: 'How long the run of the target took.', value: ({ tookMs }) => tookMs },
  CommitConflicts: {
    unit: 'Count',
    meaning: 'Commits that met another run of the same target.',
    value: ({ counters }) => counters.commitConflicts,
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Name of a metric. */
export type MetricName = keyof typeof metrics;
