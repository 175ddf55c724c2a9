/**
 * Trying again: how often, and how long to wait before, by what went wrong.
 *
 * Waits go through the clock, with full jitter: a random share of a doubling span, so that callers that failed together do
 * not come back together.
 */
import type { Clock } from '../clock.ts';
import type { DqsyncError } from '../errors.ts';

/**
 * What went wrong, as far as retrying goes.
 *
 * - `throttled` 429: nothing is broken, so it has a budget of its own
 * - `fault` 5xx, timeout, broken connection, a cut-off or garbled body
 * - `connect` no connection at all: rarely cured by trying often
 * - `unauthorized` the credentials were renewed meanwhile
 */
export type RetryKind = 'throttled' | 'fault' | 'connect' | 'unauthorized';

const retriesAllowed: Readonly<Record<RetryKind, number>> = { throttled: 8, fault: 5, connect: 3, unauthorized: 5 };
const firstSpanMs = 500;
const maxSpanMs = 20_000;

/** An attempt that failed and may be tried again. Never leaves the client: `lastWord` is thrown when the budget is spent. */
export class FailedAttempt extends Error {
  override readonly name = 'FailedAttempt';
  readonly kind: RetryKind;
  readonly lastWord: DqsyncError;
  /** Wait exactly this long; null: back off. */
  readonly waitMs: number | null;

  constructor(kind: RetryKind, lastWord: DqsyncError, waitMs: number | null = null) {
    super(lastWord.message);
    this.kind = kind;
    this.lastWord = lastWord;
    this.waitMs = waitMs;
  }
}

/** What retrying needs from outside. */
export interface RetryContext {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Called before each further attempt. */
  readonly onRetry?: ((failed: FailedAttempt, waitMs: number) => void) | undefined;
}

/**
 * Runs `attempt` until it succeeds, throws anything but a `FailedAttempt`, or spends the budget of one kind of failure.
 *
 * @throws `lastWord` of the attempt that spent the budget; `signal.reason` as soon as aborted while waiting
 */
export async function retrying<T>(attempt: () => Promise<T>, context: RetryContext): Promise<T> {
  const used: Record<RetryKind, number> = { throttled: 0, fault: 0, connect: 0, unauthorized: 0 };
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof FailedAttempt)) {
        throw error;
      }
      if (used[error.kind] >= retriesAllowed[error.kind]) {
        throw error.lastWord;
      }
      const spanMs = Math.min(maxSpanMs, firstSpanMs * 2 ** used[error.kind]);
      const waitMs = error.waitMs ?? Math.ceil(context.random() * spanMs);
      used[error.kind] += 1;
      context.onRetry?.(error, waitMs);
      if (waitMs > 0) {
        await context.clock.sleep(waitMs, context.signal);
      }
    }
  }
}
