/**
 * What may wake somebody: the alarms by name, with the sentence each begins with and the first thing to look at.
 *
 * Pure. The runbook in infra/README.md has a section of each name.
 */

/** One kind of alarm. */
export interface AlarmKind {
  /** What it means, one sentence. */
  readonly meaning: string;
  /** The first thing to look at, one sentence. */
  readonly lookFirst: string;
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
  },
  'dead-letters': {
    meaning: 'A scheduled run could not be started, or failed for good, and lies in the dead-letter queue.',
    lookFirst: 'Look at the message: its requestContext or its attributes say why.',
  },
  'events-dropped': {
    meaning: 'Lambda gave up on an event without running it.',
    lookFirst: 'Look at the metric Throttles of the function: another invocation may have held its one place.',
  },
  'rows-quarantined': {
    meaning: 'The source returned rows that could not be read; they were put aside whole, and the run went on.',
    lookFirst: 'Look at the newest file under quarantine/ in the bucket: each line has the row and the reason.',
  },
  'near-time-limit': {
    meaning: 'A run went on for longer than maxRunSeconds, close to the time at which Lambda stops it.',
    lookFirst: 'Look at the metric RunTime of each target, and at the last lines of the log before the end.',
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
export function alarmDescription(name: AlarmName, runbook: string): string {
  const { meaning, lookFirst } = alarmKinds[name];
  return `${meaning} ${lookFirst} ${runbook}#${name}`;
}
