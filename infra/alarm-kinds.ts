/**
 * What may wake somebody: the alarms by name, with the sentence each begins with and the first thing to look at.
 *
 * Pure. The runbook in infra/README.md has a section of each name.
 */
import type { MetricName } from '../functions/metrics.ts';

/** One kind of alarm. */
export interface AlarmKind {
  /** What it means, one sentence. */
  readonly meaning: string;
  /** The first thing to look at, one sentence. */
  readonly lookFirst: string;
  /** For an alarm of each target on one of its metrics; absent for an alarm of the stack, which alarms.ts makes. */
  readonly target?: TargetCondition;
}

/** When the alarm of a target goes off: in a period of the schedule, `statistic` of `metric` is above `threshold`. */
export interface TargetCondition {
  readonly metric: MetricName;
  /** Names of CloudWatch. */
  readonly statistic: 'Sum' | 'Maximum';
  readonly threshold: (periodSeconds: number) => number;
  /** In a period without a run: the alarm stays as it is, or ends. */
  readonly whenMissing: 'ignore' | 'notBreaching';
}

/** Every kind, by the name that an alarm and its section of the runbook share. */
export const alarmKinds = {
  'run-failed': {
    meaning: 'A run failed for at least one target; the table is as it was, and the next run tries again.',
    lookFirst: 'Look at the newest "target failed" line in the log of the function: it names target, cause and remedy.',
  },
  'not-running': {
    meaning: 'No run has started for three periods of the schedule.',
    lookFirst: 'Look whether the schedule is enabled, and at the messages of the dead-letter queue.',
  },
  'watermark-old': {
    meaning: 'The table is behind the source by more than three periods of the schedule.',
    lookFirst: 'Look at "npx dqsync status": it says how far the target is, and how its last run ended.',
    target: {
      metric: 'WatermarkAge',
      statistic: 'Maximum',
      threshold: (periodSeconds) => 3 * periodSeconds,
      // A failed run reports the age too. If there is no run at all, "not-running" goes off.
      whenMissing: 'ignore',
    },
  },
  'dead-letters': {
    meaning: 'A scheduled run could not be started, or failed for good, and lies in the dead-letter queue.',
    lookFirst: 'Look at the message: its requestContext or its attributes say why.',
  },
  'events-dropped': {
    meaning: 'Lambda gave up on an event: it grew too old while it waited, or the run failed and so did its retry.',
    lookFirst:
      'Look whether "run-failed" is up too: then read that first; else look at the metric Throttles of the function.',
  },
  'dead-letters-lost': {
    meaning: 'A run failed for good, and Lambda could not put its event into the dead-letter queue either.',
    lookFirst: 'Look at the role of the function and the policy of the queue: one of them was changed by hand.',
  },
  'rows-quarantined': {
    meaning: 'The source returned rows that could not be read; they were put aside whole, and the run went on.',
    lookFirst: 'Look at the newest file under quarantine/ in the bucket: each line has the row and the reason.',
    target: { metric: 'Quarantined', statistic: 'Sum', threshold: () => 0, whenMissing: 'notBreaching' },
  },
  'audit-failed': {
    meaning: 'An audit could not compare a day with the source, or found late rows and could not repair the day.',
    lookFirst: 'Look at the lines "the audit could not vouch for a day" in the log: they name target, day and cause.',
  },
  'near-time-limit': {
    meaning: 'A run went on for longer than maxRunSeconds, close to the time at which Lambda stops it.',
    lookFirst:
      'Look at tookMs of the last "target done" lines of each target, and at the last lines of the log before the end.',
  },
  'backfill-failed': {
    meaning: 'A backfill ended without having read all it was asked for; what it had committed stays.',
    lookFirst:
      'Look at the cause of the failed execution of the state machine: it names each target that failed, and why.',
  },
} as const satisfies Readonly<Record<string, AlarmKind>>;

/** Name of a kind of alarm. */
export type AlarmName = keyof typeof alarmKinds;

/** What an alarm says of itself: meaning, first thing to look at, and where to read on. */
export function alarmDescription(name: string, { meaning, lookFirst }: AlarmKind, runbook: string): string {
  return `${meaning} ${lookFirst} ${runbook}#${name}`;
}
