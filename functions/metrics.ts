/**
 * Defines every metric: name, unit, meaning and value. The Lambda emits them, the CDK app builds alarms and charts.
 *
 * Imports only types, so that the CDK app loads no client. Names are a contract, because dashboards elsewhere use them.
 */
import type { RunCounters } from './sync/counters.ts';
import type { Quality } from './sync/outcomes/outcome-changes.ts';

/** CloudWatch namespace of all metrics. */
export const metricsNamespace = 'dqsync';

/** The only dimension of every metric: the target's name. */
export const targetDimension = 'target';

/** Value of the dimension for all targets together. No target's name contains a star. */
export const allTargets = '*';

/** A metric with its CloudWatch unit. */
export interface MetricDefinition {
  readonly unit: 'Count' | 'Seconds';
  /** Meaning of one value, for dashboards and alarms. */
  readonly meaning: string;
  /** `all targets`: one for all of them, so that one alarm covers them. */
  readonly of: 'target' | 'all targets';
  /**
   * When a value is sent; a zero of all targets only by a run of all of them. CloudWatch charges for the hours in which
   * a metric has values, so rare ones cost next to nothing.
   */
  readonly sent: 'every run' | 'every maintenance' | 'if above zero';
  /** Returns the value of a run; null if the run ended before it was known. */
  readonly value: (run: MeasuredRun) => number | null;
}

/** The measurements of a finished run of one target. */
export interface MeasuredRun {
  readonly mode: 'incremental' | 'backfill' | 'maintain';
  /** Whether the run's invocation runs all targets of the config. */
  readonly isOfAll: boolean;
  readonly counters: Readonly<RunCounters>;
  readonly quality: Quality | null;
  /** Whether an alarm needs the pass rate. Without one its two metrics are not sent, because they cost money. */
  readonly measuresPassRate: boolean;
  readonly watermarkAgeSeconds: number | null;
}

/**
 * Every metric. CloudWatch charges for each, so only values that an alarm or the first view of the dashboard needs are
 * metrics. All other charts read the summaries in the log.
 */
export const metrics = {
  WatermarkAge: {
    unit: 'Seconds',
    meaning: 'How far the table is behind: now less the end of coverage, also after a failed run.',
    of: 'target',
    sent: 'every run',
    value: (run) => run.watermarkAgeSeconds,
  },
  Quarantined: {
    unit: 'Count',
    meaning: 'Rows that could not be read and were quarantined.',
    of: 'target',
    sent: 'if above zero',
    value: ({ counters }) => counters.quarantined,
  },
  LateRows: {
    unit: 'Count',
    meaning: 'Rows that the audit found to have appeared later than the lookback.',
    of: 'target',
    sent: 'every maintenance',
    value: ({ counters }) => counters.lateRows,
  },
  AuditFailures: {
    unit: 'Count',
    meaning: 'Days that the audit could not compare, or not repair; 1 if it failed as a whole.',
    of: 'all targets',
    sent: 'every maintenance',
    value: ({ counters }) => counters.auditFailures,
  },
  ResultsWaiting: {
    unit: 'Seconds',
    meaning: 'How long the backlog of rule results that no run has requested yet has not been empty.',
    of: 'all targets',
    sent: 'if above zero',
    value: ({ counters }) => counters.resultsBacklogAgeSeconds,
  },
  NewlyFailing: {
    unit: 'Count',
    meaning: 'Tasks that raised an alarm or failed, and whose execution before succeeded or was never seen.',
    of: 'target',
    sent: 'if above zero',
    value: ({ quality }) => quality?.newlyFailing ?? null,
  },
  Passed: {
    unit: 'Count',
    meaning: 'Executions that ended with SUCCESS, each in the run that saw it end.',
    of: 'target',
    sent: 'if above zero',
    value: ({ quality, measuresPassRate }) => (measuresPassRate ? (quality?.passed ?? null) : null),
  },
  NotPassed: {
    unit: 'Count',
    meaning: 'Executions that raised an alarm or failed, each in the run that saw it end.',
    of: 'target',
    sent: 'if above zero',
    value: ({ quality, measuresPassRate }) =>
      measuresPassRate && quality !== null ? quality.alarms + quality.failed : null,
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** The name of a metric. */
export type MetricName = keyof typeof metrics;

/** One value to send. */
export type Measured = readonly [name: MetricName, definition: MetricDefinition, value: number];

/** Returns what a run sends. */
export function measure(run: MeasuredRun, of: MetricDefinition['of']): Measured[] {
  const names = Object.keys(metrics).filter((name): name is MetricName => name in metrics);
  return names.flatMap((name) => {
    const definition: MetricDefinition = metrics[name];
    const value = definition.of === of ? definition.value(run) : null;
    const isDue = definition.sent === 'every maintenance' ? run.mode === 'maintain' : true;
    // A zero ends an alarm on all targets, so an invocation for some of them sends none.
    const sendsZero = definition.sent !== 'if above zero' && (of === 'target' || run.isOfAll);
    const isWorth = sendsZero || (value ?? 0) > 0;
    return value === null || !isDue || !isWorth ? [] : [[name, definition, value]];
  });
}
