/** The checkpoint: the document that holds the state of one target (PROTOCOL.md). Pure. */
import type { EpochMs, Execution, TargetFilter, Window } from '../model.ts';
import type { Covered } from './coverage.ts';
import type { UnprovenWindow } from './unproven.ts';

/** The configuration that a target's coverage is valid for. It never changes under one target name. */
export interface TargetIdentity {
  readonly projectId: string;
  readonly workspace: string;
  readonly filter: TargetFilter;
  readonly partitionTimeZone: string;
}

/** An execution that every run re-checks, however old it is. */
export interface OpenEntry {
  readonly execution: Execution;
  readonly observedAtMs: EpochMs;
  /**
   * Time of the last check. If a run cannot check all, the oldest checks come first. 0 after a rewind: the table may
   * lack the execution, so the next check writes it again.
   */
  readonly lookedAtMs: EpochMs;
  /** `outcome`: it is open. `notification`: it ended recently, and its notification status may still change. */
  readonly awaits: 'outcome' | 'notification';
}

/** An execution within the lookback, as it was last written. */
export interface RecentEntry {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
  readonly fingerprint: string;
  readonly observedAtMs: EpochMs;
}

/** The result of the target's last run. */
export interface LastRun {
  readonly runId: string;
  readonly mode: 'incremental' | 'backfill' | 'maintain';
  readonly startedAtMs: EpochMs;
  readonly committedAtMs: EpochMs;
  /** Stays `running` if the run is killed. */
  readonly outcome: 'running' | 'done' | 'stopped' | 'failed';
  readonly rowsWritten: number;
  readonly error: string | null;
}

/** A covered span that is being read again, and the parts already read. */
export interface Rereading extends Window {
  /** Disjoint, in order of time. */
  readonly read: readonly Window[];
  /** Time of the last read. */
  readonly readAtMs: EpochMs;
}

/** An execution that was open for longer than `maxOpenDays`. The table keeps its last state. */
export interface ExpiredEntry {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
  readonly observedAtMs: EpochMs;
}

/** An instance that was run again after its execution was covered, and the start of its latest execution. */
export interface MovedInstance {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
}

/** The newest execution of a task that the table holds. */
export interface NewestStart {
  readonly taskId: bigint;
  readonly startTimeMs: EpochMs;
}

/** The state of one target. */
export interface Checkpoint extends Covered {
  readonly identity: TargetIdentity;
  /** The re-read that began last and has not finished. A hint: without it, the re-read starts over. */
  readonly rereading: Rereading | null;
  /**
   * The lookback of the incremental run that committed last. The next run reads at least that much again. Null before
   * the first run.
   */
  readonly lookbackMs: number | null;
  /** The longest span that the source accepted after it had refused a longer one; null if it refused none. A hint. */
  readonly maxSpanMs: number | null;
  /**
   * Uncovered windows that runs could not prove, disjoint and in order of time. A hint: it says when to try them again.
   */
  readonly unproven: readonly UnprovenWindow[];
  readonly open: readonly OpenEntry[];
  /** The last executions that expired: still open when last seen, and no longer re-checked. For people. */
  readonly expired: readonly ExpiredEntry[];
  readonly recent: readonly RecentEntry[];
  /**
   * The last instances that were run again. A hint: it says which window such an instance leaves if it is run once
   * more.
   */
  readonly moved: readonly MovedInstance[];
  /** The tasks that ran last, oldest first, at most `keptNewestStarts`. An audit compares them with the task list. */
  readonly newestStarts: readonly NewestStart[];
  /** Tasks that ran last before this may be missing in `newestStarts`; null if none is. */
  readonly newestStartsFromMs: EpochMs | null;
  /** The latest `observed_at` ever written, by any machine's clock; null before the first write. */
  readonly latestObservedMs: EpochMs | null;
  /** Fingerprints of quarantined rows with the time each was last seen, so that no row is quarantined twice. */
  readonly quarantined: readonly { readonly fingerprint: string; readonly seenAtMs: EpochMs }[];
  /** Ids of the last commits, newest last. A run finds its own id here if its write succeeded without a reply. */
  readonly commitIds: readonly string[];
  readonly lastRun: LastRun | null;
}

/** More than the number of commits that can happen between a lost reply and reading the checkpoint back. */
const keptCommitIds = 50;
/** Returns the checkpoint of a target that was never synced. */
export function emptyCheckpoint(identity: TargetIdentity): Checkpoint {
  return {
    identity,
    coverage: [],
    incremental: null,
    rereading: null,
    lookbackMs: null,
    maxSpanMs: null,
    unproven: [],
    open: [],
    expired: [],
    recent: [],
    moved: [],
    newestStarts: [],
    newestStartsFromMs: null,
    latestObservedMs: null,
    quarantined: [],
    commitIds: [],
    lastRun: null,
  };
}

/** How far outside a window the source may show rows: requests are 1 ms wider than the window at both ends. */
export const edgeToleranceMs = 2;

/** Returns `commitIds` with `commitId` added, limited to the newest. */
export function withCommitId(commitIds: readonly string[], commitId: string): string[] {
  return [...commitIds, commitId].slice(-keptCommitIds);
}
