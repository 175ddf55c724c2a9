/** What a run knows of executions, from the checkpoint and from what it has read since; and when the next observation of one counts. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { fingerprintOf } from '../checkpoint/fingerprint.ts';
import { type EpochMs, executionKey } from '../model.ts';

/** An execution as it was last written. */
export interface Known {
  readonly fingerprint: string;
  readonly observedAtMs: EpochMs;
}

/** Executions by key. */
export class KnownExecutions {
  /** What the table holds is in doubt: all is written once more. */
  readonly #isInDoubt: boolean;
  #known: Map<string, Known> = new Map();
  #followed: Set<string> = new Set();
  /** Rows at the ends of what was read, which the widened requests of their neighbors show again. */
  readonly #edge: [string, Known][] = [];
  /** By how much observations are later than our clock says: some clock was ahead of it. */
  #aheadMs = 0;

  constructor(isInDoubt: boolean) {
    this.#isInDoubt = isInDoubt;
  }

  get(key: string): Known | undefined {
    return this.#known.get(key);
  }

  /** Whether later runs look at it again. */
  isFollowed(key: string): boolean {
    return this.#followed.has(key);
  }

  setWritten(key: string, known: Known): void {
    this.#known.set(key, known);
  }

  setFollowed(key: string, isFollowed: boolean): void {
    if (isFollowed) {
      this.#followed.add(key);
    } else {
      this.#followed.delete(key);
    }
  }

  /** Keeps over later commits what lies at the end of a part that was read: its neighbor shows it, too. */
  keepAtEdge(key: string, known: Known): void {
    this.#edge.push([key, known]);
  }

  /**
   * An observation always counts as later than the one before, whatever the clocks of two machines say, and as later than
   * all that were committed (PROTOCOL.md, I13): others may have written more of an execution than is known of it.
   */
  laterThan(known: Known | undefined, observedAtMs: EpochMs): EpochMs {
    return Math.max(
      observedAtMs + this.#aheadMs,
      known === undefined ? Number.NEGATIVE_INFINITY : known.observedAtMs + 1,
    );
  }

  /** Takes up what a checkpoint says, as loaded or committed at `nowMs` by our clock. */
  remember(checkpoint: Checkpoint, nowMs: EpochMs): void {
    this.#comeAfter(checkpoint.latestObservedMs, nowMs);
    this.#known = new Map(checkpoint.recent.map((entry) => [executionKey(entry), entry]));
    this.#followed = new Set();
    for (const { execution, observedAtMs, lookedAtMs } of checkpoint.open) {
      const key = executionKey(execution);
      this.#followed.add(key);
      const recent = this.#known.get(key);
      // Two runs at once may have left an earlier sight here than there.
      const latest = recent !== undefined && recent.observedAtMs > observedAtMs ? recent : null;
      const known = latest ?? { fingerprint: fingerprintOf(execution), observedAtMs };
      // Zero after a rewind: written once more even if nothing has changed.
      this.#known.set(key, lookedAtMs === 0 ? { ...known, fingerprint: '' } : known);
    }
    if (this.#isInDoubt) {
      for (const [key, known] of this.#known) {
        this.#known.set(key, { ...known, fingerprint: '' });
      }
    }
    for (const [key, known] of this.#edge) {
      this.#known.set(key, known);
    }
  }

  /** Puts observations from `nowMs` on after `latestObservedMs`; their order among each other stays. */
  #comeAfter(latestObservedMs: EpochMs | null, nowMs: EpochMs): void {
    if (latestObservedMs !== null && latestObservedMs > nowMs + this.#aheadMs) {
      this.#aheadMs = latestObservedMs + 1 - nowMs;
    }
  }
}
