/**
 * What a run knows about executions, from the checkpoint and from its own reads, and the `observed_at` of their next
 * observation.
 */
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
  /** Keys of those that later runs re-check. */
  followed: Set<string> = new Set();
  /** Keys of those that are no longer re-checked although they were open when last seen. */
  expired: ReadonlySet<string> = new Set();
  /** Whether the table may lack rows, so that all are written again. */
  readonly #isInDoubt: boolean;
  #known: Map<string, Known> = new Map();
  /** How much later than our clock observations are dated, because some other clock was ahead of it. */
  #aheadMs = 0;

  constructor(isInDoubt: boolean) {
    this.#isInDoubt = isInDoubt;
  }

  get(key: string): Known | undefined {
    return this.#known.get(key);
  }

  has(key: string): boolean {
    return this.#known.has(key);
  }

  set(key: string, known: Known): void {
    this.#known.set(key, known);
  }

  /**
   * Returns the time of an observation: later than the one before, even if the clocks of two machines disagree, and
   * later than all committed ones (PROTOCOL.md, I13), because other runs may have written observations that are not
   * known here.
   */
  laterThan(known: Known | undefined, observedAtMs: EpochMs): EpochMs {
    return Math.max(observedAtMs + this.#aheadMs, (known?.observedAtMs ?? Number.NEGATIVE_INFINITY) + 1);
  }

  /** Takes over a checkpoint that was loaded or committed at `nowMs` by our clock. */
  remember(checkpoint: Checkpoint, nowMs: EpochMs): void {
    this.#comeAfter(checkpoint.latestObservedMs, nowMs);
    const asKnown = ({ fingerprint, observedAtMs }: Known, isInDoubt: boolean): Known => ({
      fingerprint: isInDoubt ? '' : fingerprint,
      observedAtMs,
    });
    this.#known = new Map(checkpoint.recent.map((entry) => [executionKey(entry), asKnown(entry, this.#isInDoubt)]));
    this.followed = new Set();
    this.expired = new Set(checkpoint.expired.map(executionKey));
    for (const { execution, observedAtMs, lookedAtMs } of checkpoint.open) {
      const key = executionKey(execution);
      this.followed.add(key);
      const recent = this.#known.get(key);
      // Two concurrent runs may have left an older observation here than in `recent`.
      const latest = recent !== undefined && recent.observedAtMs > observedAtMs ? recent : null;
      const known = latest ?? { fingerprint: fingerprintOf(execution), observedAtMs };
      // Zero after a rewind, and if a killed run was writing it: the execution is written again even if unchanged.
      this.#known.set(key, asKnown(known, this.#isInDoubt || lookedAtMs === 0));
    }
  }

  /** Dates observations from `nowMs` on after `latestObservedMs`, and keeps their order. */
  #comeAfter(latestObservedMs: EpochMs | null, nowMs: EpochMs): void {
    if (latestObservedMs !== null && latestObservedMs > nowMs + this.#aheadMs) {
      this.#aheadMs = latestObservedMs + 1 - nowMs;
    }
  }
}
