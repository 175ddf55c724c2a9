/**
 * Retries: how often and after which wait, by the kind of failure. Waits use full jitter, a random share of a doubling
 * span, so that callers that failed together do not retry together.
 */
import type { Clock } from '../clock.ts';
import type { DqsyncError } from '../errors.ts';

/**
 * The kind of a failure, which decides its retry budget.
 * - `throttled`: status 429; nothing is broken
 * - `fault`: 5xx, timeout, broken connection, or a cut-off or garbled body
 * - `connect`: no connection, which many retries rarely cure
 * - `unauthorized`: the credentials were renewed in the meantime
 */
type RetryKind = 'throttled' | 'fault' | 'connect' | 'unauthorized';

const retriesAllowed: Readonly<Record<RetryKind, number>> = { throttled: 8, fault: 5, connect: 3, unauthorized: 5 };
const firstSpanMs = 500;
const maxSpanMs = 20_000;

/** A failed attempt that may be retried. Never leaves the client: `lastWord` is thrown when the budget is spent. */
export class FailedAttempt extends Error {
  override readonly name = 'FailedAttempt';
  readonly kind: RetryKind;
  readonly lastWord: DqsyncError;
  /** The exact wait before the retry; null to back off. */
  readonly waitMs: number | null;

  constructor(kind: RetryKind, lastWord: DqsyncError, waitMs: number | null = null) {
    super(lastWord.message);
    this.kind = kind;
    this.lastWord = lastWord;
    this.waitMs = waitMs;
  }
}

/** What retries need: time and randomness. */
export interface RetryContext {
  readonly clock: Clock;
  /** Random numbers in [0, 1). */
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  /** Called before each retry. */
  readonly onRetry?: ((failed: FailedAttempt, waitMs: number) => void) | undefined;
  /** Retries after a fault, if fewer than usual. */
  readonly faultRetries?: number | undefined;
}

/**
 * Runs `attempt` until it succeeds, throws anything but a `FailedAttempt`, or spends the budget of one kind of failure.
 *
 * @throws `lastWord` of the attempt that spent the budget; `signal.reason` as soon as it aborts during a wait
 */
export async function retrying<T>(attempt: () => Promise<T>, context: RetryContext): Promise<T> {
  const used: Record<RetryKind, number> = { throttled: 0, fault: 0, connect: 0, unauthorized: 0 };
  const allowed = { ...retriesAllowed, fault: context.faultRetries ?? retriesAllowed.fault };
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof FailedAttempt)) {
        throw error;
      }
      if (used[error.kind] >= allowed[error.kind]) {
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
