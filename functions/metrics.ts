/**
 * Names, units and meanings of the metrics: the one place. The Lambda emits them, the CDK app makes alarms of them.
 *
 * Imports nothing, so that the CDK app gets no client with it. Names are a contract: dashboards outside of this
 * repository know them.
 */

/** CloudWatch namespace of all metrics. */
export const metricsNamespace = 'dqsync';

/** The one dimension of every metric: the target's name. */
export const targetDimension = 'target';

/** A metric, as CloudWatch calls its unit. */
export interface MetricDefinition {
  readonly unit: 'Count' | 'Seconds' | 'Milliseconds';
  /** For dashboards and alarms: what one value stands for. */
  readonly meaning: string;
}

/** Every metric: one value per target and run. CloudWatch charges for each, so none is here that no alarm or chart shows. */
export const metrics = {
  RowsRead: { unit: 'Count', meaning: 'Rows the source returned, repeats included.' },
  RowsWritten: { unit: 'Count', meaning: 'Observations appended to the table.' },
  Requests: { unit: 'Count', meaning: 'Requests to the instance list, retries included.' },
  Throttled: { unit: 'Count', meaning: 'Replies 429: the quota is shared with somebody else, or set too high.' },
  Retries: { unit: 'Count', meaning: 'Requests sent again, for whatever reason.' },
  Quarantined: { unit: 'Count', meaning: 'Rows that could not be read and were put aside.' },
  OpenExecutions: { unit: 'Count', meaning: 'Executions whose outcome is still awaited after the run.' },
  GivenUp: { unit: 'Count', meaning: 'Executions open for longer than maxOpenDays, no longer looked at.' },
  WatermarkAge: {
    unit: 'Seconds',
    meaning: 'How far the table is behind: now less the end of coverage, of a failed run too.',
  },
  RunTime: { unit: 'Milliseconds', meaning: 'How long the run of the target took.' },
  CommitConflicts: { unit: 'Count', meaning: 'Commits that met another run of the same target.' },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Name of a metric. */
export type MetricName = keyof typeof metrics;
