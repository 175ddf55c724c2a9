/** What one run of one target is given to work with. */
import type { Clock } from '../clock.ts';
import type { EpochMs, FetchPage, Log, Target } from '../model.ts';
import type { SourceStats } from '../source/requester.ts';
import type { Store } from '../warehouse/store.ts';

/** The config as a run needs it, in milliseconds. */
export interface SyncSettings {
  readonly initialFromMs: EpochMs;
  readonly settleMs: number;
  readonly lookbackMs: number;
  readonly maxOpenMs: number;
  readonly partitionTimeZone: string;
  /** The quota: requests a second. */
  readonly requestsPerSecond: number;
  /** The quota's requests per window: more in flight never helps. */
  readonly maxInFlight: number;
}

/** How long the run may go on. */
export interface Budget {
  /** Aborted with a StoppedError when the time is spent or the user interrupts. */
  readonly signal: AbortSignal;
  /** Milliseconds until the time is spent; infinite without a limit. */
  remainingMs(): number;
  /**
   * Aborted some time after `signal`, which is for the last commit: the warehouse is waited for no longer, whatever it does. By
   * timers alone: a machine that slept, or whose clock jumped, still has its time.
   */
  readonly hardStop: AbortSignal;
}

/** How far a run is: `doneMs` of the `totalMs` milliseconds of start time it has to read, now at `atMs` (null where that is not known). */
export interface Progress {
  readonly target: string;
  readonly atMs: EpochMs | null;
  readonly doneMs: number;
  readonly totalMs: number;
  readonly rowsRead: number;
}

/** One run of one target. */
export interface TargetRun {
  readonly runId: string;
  readonly target: Target;
  readonly settings: SyncSettings;
  readonly source: { readonly fetchPage: FetchPage; stats(): SourceStats };
  /** Waits for the warehouse until the budget's hard stop. */
  readonly store: Store;
  readonly clock: Clock;
  readonly budget: Budget;
  readonly log: Log;
  readonly onProgress: (progress: Progress) => void;
}
