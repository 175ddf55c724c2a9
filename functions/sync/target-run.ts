/** The arguments of one run of one target. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Clock } from '../clock.ts';
import type { EpochMs, FetchPage, Log, Observation, Target } from '../model.ts';
import type { SourceStats } from '../source/requester.ts';
import type { TaskSource } from '../source/task-calls.ts';
import type { Store } from '../warehouse/store.ts';
import type { Announce } from './outcomes/outcome-changes.ts';

/** The settings of a run, in milliseconds. */
export interface SyncSettings {
  readonly initialFromMs: EpochMs;
  readonly settleMs: number;
  readonly lookbackMs: number;
  readonly maxOpenMs: number;
  readonly partitionTimeZone: string;
  /** How far back the audit compares, in milliseconds. */
  readonly auditMs: number;
  /** Whether tasks and their rules are observed. */
  readonly keepsTasks: boolean;
  /** The quota in requests per second. */
  readonly requestsPerSecond: number;
  /** The quota's requests per window; more in flight never help. */
  readonly maxInFlight: number;
}

/** The time limits of a run. */
export interface Budget {
  /** Aborts with a StoppedError when the time limit is reached or the user interrupts. */
  readonly signal: AbortSignal;
  /** Milliseconds until the time limit; infinite without one. */
  remainingMs(): number;
  /**
   * Aborts some time after `signal`, which leaves time for the last commit. After that the run no longer waits for the
   * warehouse. Uses timers only, so that a machine that slept or whose clock jumped still has this time.
   */
  readonly hardStop: AbortSignal;
}

/** Progress of a run: `doneMs` of the `totalMs` milliseconds of start time to read, now at `atMs` (null if unknown). */
export interface Progress {
  readonly target: string;
  readonly atMs: EpochMs | null;
  readonly doneMs: number;
  readonly totalMs: number;
  readonly rowsRead: number;
  /** What is counted, in the plural; rows if absent. */
  readonly unit?: string;
  /** The target's place among those of the run, from 1. */
  readonly place?: { readonly number: number; readonly of: number };
  /** Rows of the windows proven so far, and all rows to read from the source's count (null if that is not a total). */
  readonly rows?: { readonly proven: number; readonly expected: number | null };
  /**
   * Shortest time that the requests so far can take within the quota. They are sent in bursts, so less time may have
   * passed.
   */
  readonly paceMs?: number;
}

/** One run of one target. */
export interface TargetRun {
  readonly runId: string;
  readonly target: Target;
  readonly settings: SyncSettings;
  readonly source: { readonly fetchPage: FetchPage; readonly tasks: TaskSource; stats(): SourceStats };
  /** Waits for the warehouse only until the budget's hard stop. */
  readonly store: Store;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
  /** Announces changes of tasks' outcomes; undefined if nobody subscribes. */
  readonly announce?: Announce | undefined;
  /**
   * Called with the rows of each commit before the checkpoint claims them, and with the checkpoint at the start of the
   * run. If it throws, the commit fails.
   */
  readonly beforeCheckpoint?:
    | ((rows: readonly Observation[], before: Checkpoint) => Promise<void> | undefined)
    | undefined;
}
