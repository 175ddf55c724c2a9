/**
 * The alarms by name, with their meaning and the first thing to check. Pure. Their conditions are in alarms.ts. The
 * runbook in infra/README.md has a section for each name.
 */

/** One kind of alarm. */
export interface AlarmKind {
  /** The meaning, in one sentence. */
  readonly meaning: string;
  /** The first thing to check, in one sentence. */
  readonly lookFirst: string;
  /** Present if each target has such an alarm. The others belong to the stack. */
  readonly isOfTarget?: true;
  /** Present if only a deployment that asks for it has this alarm. */
  readonly isOptional?: true;
}

/** Every kind of alarm, by the name that it shares with its section of the runbook. */
export const alarmKinds = {
  'run-failed': {
    meaning:
      'A run failed for at least one target; what it had committed stays in the table, and the next run tries the rest.',
    lookFirst:
      'Read the newest line of level ERROR in the log of the function: it names the target, the cause and the remedy.',
  },
  'not-running': {
    meaning: 'No run has started for three periods of the schedule.',
    lookFirst: 'Check whether the schedule is enabled, and read the messages in the dead-letter queue.',
  },
  'watermark-old': {
    meaning: 'The table is behind the source by more than three periods of the schedule and settleSeconds.',
    lookFirst: 'Run "npx dqsync status": it shows how far the target is covered and how its last run ended.',
    isOfTarget: true,
  },
  'dead-letters': {
    meaning:
      'A scheduled run could not be started or failed on every attempt, and its event is in the dead-letter queue.',
    lookFirst: 'Read the message in the queue: its requestContext or its attributes contain the reason.',
  },
  'events-dropped': {
    meaning: 'Lambda dropped an event: it waited for too long, or the run and its retry failed.',
    lookFirst:
      'If "run-failed" fires too, follow that section first. Otherwise check the metric Throttles of the function.',
  },
  'dead-letters-lost': {
    meaning: 'A run failed on every attempt, and Lambda could not put its event into the dead-letter queue either.',
    lookFirst: 'Check the role of the function and the policy of the queue: one of them was changed by hand.',
  },
  'rows-quarantined': {
    meaning: 'The source returned rows that could not be read. They were quarantined unchanged, and the run continued.',
    lookFirst: 'Read the newest file under quarantine/ in the bucket: each line contains a row and the reason.',
    isOfTarget: true,
  },
  'tasks-failing': {
    meaning: 'More tasks than expected began to raise alarms or to fail between two runs: the data may be wrong.',
    lookFirst: 'Run "npx dqsync changes": it lists the tasks, since when, and the executions.',
    isOfTarget: true,
    isOptional: true,
  },
  'pass-rate-low': {
    meaning: 'Fewer of the executions of a day than expected passed: the data may be wrong.',
    lookFirst: 'Run "npx dqsync report --open": it shows which tasks fail, since when and how often.',
    isOfTarget: true,
    isOptional: true,
  },
  'audit-failed': {
    meaning: 'An audit could not compare a day with the source, or found late rows and could not repair the day.',
    lookFirst:
      'Read the lines "the audit could not compare a day" in the log: they name the target, the day and the cause.',
  },
  'results-behind': {
    meaning: 'The backlog of rule results that no run has requested yet has not been empty for three days.',
    lookFirst:
      'Run "npx dqsync status": it shows how many executions wait, and why the source refused the last request.',
  },
  'near-time-limit': {
    meaning: 'A run took longer than maxRunSeconds, close to the time limit of the Lambda function.',
    lookFirst:
      'Check tookMs in the last "target done" lines of each target, and the last lines of the log before the end.',
  },
  'report-failed': {
    meaning: 'The report could not be published twice in a row; the page in the bucket is an older one.',
    lookFirst:
      'Read the newest line "the report was not published" in the log of its function: it names the cause and the remedy.',
    isOptional: true,
  },
  'backfill-failed': {
    meaning: 'A backfill ended before it had read its whole range. Rows that were committed are kept.',
    lookFirst:
      'Read the cause of the failed execution of the state machine: it names each failed target and the reason.',
  },
} as const satisfies Readonly<Record<string, AlarmKind>>;

/** The name of a kind of alarm. */
export type AlarmName = keyof typeof alarmKinds;

/** Returns the description of an alarm: meaning, first thing to check, and its section of the runbook. */
export function alarmDescription(name: AlarmName, runbook: string): string {
  const { meaning, lookFirst } = alarmKinds[name];
  return `${meaning} ${lookFirst} ${runbook}#${name}`;
}
