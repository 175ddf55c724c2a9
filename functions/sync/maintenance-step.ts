/** What the daily maintenance is made of. */
import type { DqsyncError } from '../errors.ts';
import type { AddedCounters } from './counters.ts';
import type { TargetRun } from './target-run.ts';

/** One step of the maintenance. */
export interface MaintenanceStep {
  /** For the log. */
  readonly name: string;
  /** Part of the time that is left when its turn comes, 0 to 1. */
  readonly timeShare: number;
  /** Works until the run's budget is spent. What it throws fails the maintenance, after the other steps. */
  readonly work: (run: TargetRun) => Promise<StepOutcome>;
}

/** How a step ended. */
export interface StepOutcome {
  /** Added to those of the run; requests are counted by the source. */
  readonly counters?: AddedCounters;
  /** False: its time was spent before its end, and the next maintenance goes on. */
  readonly done: boolean;
  /** Null where nothing failed. */
  readonly error: DqsyncError | null;
}
