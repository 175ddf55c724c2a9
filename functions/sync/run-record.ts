/** Makes the record of a run for a target's history. Pure. */
import type { RunRecord } from '../checkpoint/run-history.ts';
import { isoTime } from '../clock.ts';
import type { EpochMs, Window } from '../model.ts';
import { summaryCounters } from './counters.ts';
import type { TargetOutcome } from './summary.ts';

/** The run and its arguments; `window` is null if it depends on the checkpoint. */
export interface RecordedTask {
  readonly runId: string;
  readonly mode: string;
  readonly startedAtMs: EpochMs;
  readonly window: Window | null;
}

/** Returns the record of a finished run. A backfill keeps its requested range. */
export function endedRecord(task: RecordedTask, { summary, counters }: TargetOutcome, endedAtMs: EpochMs): RunRecord {
  const { runId, mode, startedAtMs, window } = task;
  return {
    ...{ runId, mode, outcome: outcomeOf(summary), startedAt: isoTime(startedAtMs), endedAt: isoTime(endedAtMs) },
    from: window === null ? summary.from : isoTime(window.fromMs),
    to: window === null ? summary.to : isoTime(window.toMs),
    ...summaryCounters(counters),
    error: summary.error?.message ?? null,
  };
}

function outcomeOf({ error, done, waitingFor }: TargetOutcome['summary']): RunRecord['outcome'] {
  if (error !== undefined) {
    return 'failed';
  }
  return done ? 'done' : waitingFor === undefined ? 'stopped' : 'waiting';
}
