/**
 * Changes in a task's outcomes: streaks, transitions between them, and incidents. Pure. The report, `dqsync changes`
 * and the events share this definition of a change.
 */
import type { EpochMs } from './model.ts';

/** The outcome of a settled execution. */
export type Outcome = 'SUCCESS' | 'ALARMING' | 'FAILED';

/** Consecutive settled executions of one task with the same outcome. */
export interface Streak {
  readonly outcome: Outcome;
  /** Start of its first execution. */
  readonly firstStartMs: EpochMs;
  readonly lastStartMs: EpochMs;
  /** Executions in it. */
  readonly runs: number;
  /** Instance id of its first execution. */
  readonly firstId: string;
}

/** A task's outcome became another. */
export interface Transition {
  readonly from: Outcome;
  readonly to: Outcome;
  /** Start of the first execution with the new outcome. */
  readonly sinceMs: EpochMs;
  /** Executions with the new outcome since then. */
  readonly inARow: number;
  /** Instance id of the first execution with the new outcome. */
  readonly executionId: string;
}

/** A task's executions from the first that did not succeed to the next that did. */
export interface Incident {
  readonly openedMs: EpochMs;
  /** Whether the first execution known of the task was bad already: the incident may be older than what was read. */
  readonly mayBeOlder: boolean;
  readonly lastBadMs: EpochMs;
  /** Start of the execution that succeeded; null while the incident is open. */
  readonly resolvedMs: EpochMs | null;
  /** Executions that did not succeed. */
  readonly runs: number;
  /** The outcome of its last execution. */
  readonly outcome: Outcome;
}

/** Returns the changes between a task's streaks, which must be in order of time. The first streak is not a change. */
export function transitionsOf(streaks: readonly Streak[]): Transition[] {
  return streaks.slice(1).flatMap((streak, index) => {
    const before = streaks[index];
    return before === undefined || before.outcome === streak.outcome
      ? []
      : [
          {
            from: before.outcome,
            to: streak.outcome,
            sinceMs: streak.firstStartMs,
            inARow: streak.runs,
            executionId: streak.firstId,
          },
        ];
  });
}

/** Returns a task's incidents in order of time, from its streaks in order of time. */
export function incidentsOf(streaks: readonly Streak[]): Incident[] {
  const incidents: Incident[] = [];
  for (const [index, streak] of streaks.entries()) {
    const last = incidents.at(-1);
    const open = last?.resolvedMs === null ? last : null;
    if (streak.outcome !== 'SUCCESS') {
      incidents.splice(open === null ? incidents.length : -1, 1, withStreak(open, streak, index === 0));
    } else if (open !== null) {
      incidents.splice(-1, 1, { ...open, resolvedMs: streak.firstStartMs });
    }
  }
  return incidents;
}

function withStreak(open: Incident | null, streak: Streak, isFirst: boolean): Incident {
  return {
    openedMs: open?.openedMs ?? streak.firstStartMs,
    mayBeOlder: open?.mayBeOlder ?? isFirst,
    lastBadMs: streak.lastStartMs,
    resolvedMs: null,
    runs: (open?.runs ?? 0) + streak.runs,
    outcome: streak.outcome,
  };
}
