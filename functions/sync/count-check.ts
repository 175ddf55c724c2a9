/**
 * Notices while a run reads that the source's count is capped, so that its progress is not measured by it. Whether a
 * window is complete is decided in `reading/` alone.
 */
import { type EpochMs, type FetchPage, maxPageRows } from '../model.ts';

/** Compares the replies of one run with the count of the first one, which covers all that the run reads. */
export class CountCheck {
  #firstCount: number | null = null;
  #earliestMs: EpochMs = Number.POSITIVE_INFINITY;
  #latestMs: EpochMs = Number.NEGATIVE_INFINITY;
  #isCapped = false;

  /** Whether a part of the first window had the same count, although other rows lie outside that part. */
  get isCapped(): boolean {
    return this.#isCapped;
  }

  /** Adds a reply. */
  note(
    { startTimeMs, endTimeMs }: Parameters<FetchPage>[0],
    { count, executions }: Awaited<ReturnType<FetchPage>>,
  ): void {
    this.#firstCount ??= count;
    const leavesOut = this.#earliestMs < startTimeMs || this.#latestMs > endTimeMs;
    this.#isCapped ||= leavesOut && count !== null && count > maxPageRows && count === this.#firstCount;
    for (const execution of executions) {
      this.#earliestMs = Math.min(this.#earliestMs, execution.startTimeMs);
      this.#latestMs = Math.max(this.#latestMs, execution.startTimeMs);
    }
  }
}
