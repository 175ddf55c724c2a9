/** Finds executions that left a covered window because their instance was run again. Pure. */
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { endOf } from '../checkpoint/coverage.ts';
import { containsAny } from '../intervals.ts';
import type { EpochMs, Execution, Window } from '../model.ts';

/** Instance ids count milliseconds from 2014-12-31T16:00:00Z, in their upper bits. Seen in published examples. */
const idEpochMs: EpochMs = 1_420_041_600_000;
const idLowBits = 22n;
/** An instance is created within seconds of its first start; a start at least this much later is a re-run. */
const leastDelayMs = 5 * 60_000;

/**
 * What was covered when a sync began. A hint: where it is wrong, an audit reads a day needlessly, or mistakes a late
 * row for one that stayed (PROTOCOL.md, An audit, step 3).
 */
export class MovedExecutions {
  readonly #coverage: readonly Window[];
  readonly #reachedMs: EpochMs;

  /** The latest starts of instances that had been run again before. */
  readonly #movedToMs: ReadonlyMap<bigint, EpochMs>;

  constructor({ coverage, incremental, moved }: Pick<Checkpoint, 'coverage' | 'incremental' | 'moved'>) {
    this.#coverage = coverage;
    this.#movedToMs = new Map(moved.map(({ id, startTimeMs }) => [id, startTimeMs]));
    this.#reachedMs = incremental?.toMs ?? endOf(coverage) ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Returns the previous start of a new execution's instance if it was covered before this run; otherwise null.
   *
   * @param isLate whether the execution appeared in a window that was covered before, and so is new too
   */
  leftAt({ id, startTimeMs }: Execution, isLate: boolean): EpochMs | null {
    const createdMs = Number(id >> idLowBits) + idEpochMs;
    const isMoved = createdMs < startTimeMs - leastDelayMs && (isLate || startTimeMs >= this.#reachedMs);
    const leftMs = this.#movedToMs.get(id) ?? createdMs;
    return isMoved && leftMs < this.#reachedMs && containsAny(this.#coverage, leftMs) ? leftMs : null;
  }
}
