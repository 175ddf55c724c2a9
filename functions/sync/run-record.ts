/** Makes the record of a run for a target's history. Pure. */
import type { RunRecord } from '../checkpoint/run-history.ts';
import { isoTime } from '../clock.ts';
import type { EpochMs, Window } from '../model.ts';
import { newCounters, summaryCounters } from './counters.ts';
import type { TargetOutcome } from './summary.ts';

/** The run and its arguments; `window` is null if it depends on the checkpoint. */
export interface RecordedTask {
  readonly runId: string;
  readonly mode: string;
  readonly startedAtMs: EpochMs;
  readonly window: Window | null;
}

/** Returns the record of a run that has begun. */
export function begunRecord({ runId, mode, startedAtMs, window }: RecordedTask): RunRecord {
  return {
    ...{ runId, mode, outcome: 'running' as const, startedAt: isoTime(startedAtMs), endedAt: null },
    from: window === null ? null : isoTime(window.fromMs),
    to: window === null ? null : isoTime(window.toMs),
    ...summaryCounters(newCounters()),
    error: null,
  };
}

/** Returns the record of a finished run. A backfill keeps its requested range. */
export function endedRecord(task: RecordedTask, { summary, counters }: TargetOutcome, endedAtMs: EpochMs): RunRecord {
  const begun = begunRecord(task);
  return {
    ...begun,
    outcome: outcomeOf(summary),
    endedAt: isoTime(endedAtMs),
    from: begun.from ?? summary.from,
    to: begun.to ?? summary.to,
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
