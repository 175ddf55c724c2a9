/** A step of the daily maintenance. */
import type { DqsyncError } from '../errors.ts';
import type { AddedCounters } from './counters.ts';
import type { TargetRun } from './target-run.ts';

/** One step of the maintenance. */
export interface MaintenanceStep {
  /** Its name in the log. */
  readonly name: string;
  /** Part of the time that is left when its turn comes, 0 to 1. */
  readonly timeShare: number;
  /** Works until the run's budget is spent. What it throws fails the maintenance, after the other steps. */
  readonly work: (run: TargetRun) => Promise<StepOutcome>;
}

/** The result of a step. */
export interface StepOutcome {
  /** Added to those of the run; requests are counted by the source. */
  readonly counters?: AddedCounters;
  /** False if its time limit was reached; the next maintenance continues. */
  readonly done: boolean;
  /** Null without a failure. */
  readonly error: DqsyncError | null;
}
