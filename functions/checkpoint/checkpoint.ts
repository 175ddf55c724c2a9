/** The checkpoint: the one document of a target (PROTOCOL.md). Pure. */
import type { EpochMs, Execution, TargetFilter, Window } from '../model.ts';
import type { Covered } from './coverage.ts';

/** What a target's coverage is true for; it never changes under one name. */
export interface TargetIdentity {
  readonly projectId: string;
  readonly workspace: string;
  readonly filter: TargetFilter;
  readonly partitionTimeZone: string;
}

/** An execution that is looked at again by every run, wherever its start time lies. */
export interface OpenEntry {
  readonly execution: Execution;
  readonly observedAtMs: EpochMs;
  /**
   * When it was last looked at, changed or not: where not all can be, those looked at longest ago come first. 0 after a
   * rewind: what the table holds of it is in doubt, so it is written once more, changed or not.
   */
  readonly lookedAtMs: EpochMs;
  /** `outcome`: it is open. `notification`: it ended a moment ago, and whether anyone was told may still change. */
  readonly awaits: 'outcome' | 'notification';
}

/** An execution within the lookback, as it was last written. */
export interface RecentEntry {
  readonly id: bigint;
  readonly startTimeMs: EpochMs;
  readonly fingerprint: string;
  readonly observedAtMs: EpochMs;
}

/** How the last run of the target went. */
export interface LastRun {
  readonly runId: string;
  readonly mode: 'incremental' | 'backfill';
  readonly startedAtMs: EpochMs;
  readonly committedAtMs: EpochMs;
  /** `running` stays behind when a run is killed. */
  readonly outcome: 'running' | 'done' | 'stopped' | 'failed';
  readonly rowsWritten: number;
  readonly error: string | null;
}

/** A span of coverage that is being read once more, and the parts of it that were. */
export interface Rereading extends Window {
  /** Disjoint, in order of time. */
  readonly read: readonly Window[];
  /** When the last of them was read. */
  readonly readAtMs: EpochMs;
}

/** The document. */
export interface Checkpoint extends Covered {
  readonly identity: TargetIdentity;
  /** The reading again that was begun last and has not ended. A hint: without it, it begins anew. */
  readonly rereading: Rereading | null;
  /**
   * The lookback of the incremental run that committed last: the next one reads at least so much again. Null before the
   * first.
   */
  readonly lookbackMs: number | null;
  /** The longest span that the source was seen to accept after it had refused longer ones; null where it refused none. A hint. */
  readonly maxSpanMs: number | null;
  readonly open: readonly OpenEntry[];
  readonly recent: readonly RecentEntry[];
  /** The latest `observed_at` that was ever written, by whosever clock; null where that was not kept. */
  readonly latestObservedMs: EpochMs | null;
  /** Fingerprints of quarantined rows and when each was last seen, so that a row is quarantined once. */
  readonly quarantined: readonly { readonly fingerprint: string; readonly seenAtMs: EpochMs }[];
  /** Ids of the last commits, by which a run recognises that its own commit landed. Newest last. */
  readonly commitIds: readonly string[];
  readonly lastRun: LastRun | null;
}

/** Commit ids kept: more than the commits that can happen between a lost reply and reading back. */
const keptCommitIds = 50;
/** The checkpoint of a target that was never synced. */
export function emptyCheckpoint(identity: TargetIdentity): Checkpoint {
  return {
    identity,
    coverage: [],
    incremental: null,
    rereading: null,
    lookbackMs: null,
    maxSpanMs: null,
    open: [],
    recent: [],
    latestObservedMs: null,
    quarantined: [],
    commitIds: [],
    lastRun: null,
  };
}

/** How far outside a window the source may show rows: it is asked for windows widened by 1 ms, and they are kept that long. */
export const edgeToleranceMs = 2;

/** Returns `commitIds` with one more, and without the oldest where they are too many. */
export function withCommitId(commitIds: readonly string[], commitId: string): string[] {
  return [...commitIds, commitId].slice(-keptCommitIds);
}
