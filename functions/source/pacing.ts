/**
 * Pacing: in any span of the quota's length, sends no more requests than the quota allows, so that a healthy run never
 * gets a 429. All targets of a process share one pacer, because the quota belongs to a user.
 *
 * A sliding window keeps the quota. After a 429, all requests wait, and then a minimum distance between requests lowers
 * the pace until it has recovered.
 */
import type { Clock } from '../clock.ts';
import type { EpochMs } from '../model.ts';

/** `requests` per `perSeconds`, as in `source.quota`. */
export interface Quota {
  readonly requests: number;
  readonly perSeconds: number;
}

/** Admits requests at the quota's pace. */
export interface Pacer {
  /**
   * Resolves with the current time when one request may be sent, in the order of the calls; rejects with
   * `signal.reason` when aborted.
   */
  admit(signal?: AbortSignal): Promise<EpochMs>;
  /**
   * Reports a 429: all requests wait, and the pace is lowered.
   *
   * @param admittedAtMs when the request was admitted; replies to requests sent before the last slow-down count once
   * @param retryAfterMs the wait that the source asked for; null for the quota's window
   */
  slowDown(admittedAtMs: EpochMs, retryAfterMs: number | null): void;
  /** Returns when the requests of the last window were sent, oldest first. */
  recent(): readonly EpochMs[];
  /** Returns when the next request in line may be sent; a time in the past if none waits. */
  opensAtMs(): EpochMs;
}

/**
 * The server counts arrivals, and a late arrival may exceed the quota in the next window. So our window is longer by
 * this share.
 */
const windowMargin = 0.03;
const minWindowMarginMs = 150;
/** How much a pacer slows down after a 429, and how it recovers: by one step after some time without another 429. */
interface Manner {
  readonly slowDownFactor: number;
  readonly recoveryStep: number;
  readonly recoveryMs: number;
}

const cautious: Manner = { slowDownFactor: 0.75, recoveryStep: 0.05, recoveryMs: 30_000 };
/** How backfills keep pace: they slow down more, but recover sooner, because a scheduled run takes only seconds. */
const yielding: Manner = { slowDownFactor: 0.4, recoveryStep: 0.2, recoveryMs: 20_000 };
const minPace = 0.1;

/**
 * Makes a pacer for the whole quota.
 *
 * @param earlier when others sent requests that count against the quota too, oldest first
 */
export function createPacer(quota: Quota, clock: Clock, earlier: readonly EpochMs[] = []): Pacer {
  return new SlidingWindowPacer(quota, clock, cautious, earlier);
}

/**
 * Makes a pacer for requests that can wait. It uses `shared`, but leaves part of the quota to other clients of the same
 * user. After a 429 it waits longer and slows down more than they do.
 *
 * @param reserved part of the quota that is left to others, 0 to 0.9
 */
export function createYieldingPacer(shared: Pacer, quota: Quota, reserved: number, clock: Clock): Pacer {
  const requests = Math.max(1, Math.floor(quota.requests * (1 - reserved)));
  const own = new SlidingWindowPacer({ ...quota, requests }, clock, yielding, []);
  return {
    admit: async (aborted) => {
      await own.admit(aborted);
      return await shared.admit(aborted);
    },
    slowDown: (admittedAtMs, retryAfterMs) => {
      own.slowDown(admittedAtMs, retryAfterMs === null ? null : 2 * retryAfterMs);
      shared.slowDown(admittedAtMs, retryAfterMs);
    },
    recent: () => shared.recent(),
    opensAtMs: () => Math.max(own.opensAtMs(), shared.opensAtMs()),
  };
}

class SlidingWindowPacer implements Pacer {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #requests: number;
  readonly #manner: Manner;
  #queue: Promise<unknown> = Promise.resolve();
  /** When the requests of the last window were sent, oldest first. */
  readonly #admittedAtMs: EpochMs[];
  #pausedUntilMs: EpochMs = 0;
  #opensAtMs: EpochMs = 0;
  #nextAtMs: EpochMs = 0;
  /** The share of the quota that is used, 0.1 to 1. */
  #pace = 1;
  #slowedAtMs: EpochMs = Number.NEGATIVE_INFINITY;
  #steppedAtMs: EpochMs = 0;

  constructor(quota: Quota, clock: Clock, manner: Manner, earlier: readonly EpochMs[]) {
    const quotaMs = quota.perSeconds * 1000;
    this.#admittedAtMs = [...earlier];
    this.#clock = clock;
    this.#manner = manner;
    this.#requests = quota.requests;
    this.#windowMs = Math.ceil(quotaMs + Math.max(quotaMs * windowMargin, minWindowMarginMs));
  }

  recent(): readonly EpochMs[] {
    this.#forgetOld(this.#clock.now());
    return [...this.#admittedAtMs];
  }

  opensAtMs(): EpochMs {
    return this.#opensAtMs;
  }

  async admit(signal?: AbortSignal): Promise<EpochMs> {
    signal?.throwIfAborted();
    // One at a time, in the order of the calls: the window must count the actual send times, even if a timer fires
    // late.
    const turn = this.#queue.then(() => this.#nextTurn(signal));
    this.#queue = turn.catch(() => undefined);
    return await untilAborted(turn, signal);
  }

  async #nextTurn(signal: AbortSignal | undefined): Promise<EpochMs> {
    for (;;) {
      signal?.throwIfAborted();
      const now = this.#clock.now();
      const opensAtMs = this.#windowOpensAtMs(now);
      const waitMs = Math.max(this.#pausedUntilMs, this.#nextAtMs, opensAtMs) - now;
      if (waitMs <= 0) {
        this.#admittedAtMs.push(now);
        this.#recover(now);
        this.#nextAtMs = this.#pace < 1 ? now + this.#windowMs / (this.#requests * this.#pace) : 0;
        return now;
      }
      this.#opensAtMs = now + waitMs;
      await this.#clock.sleep(Math.ceil(waitMs), signal);
    }
  }

  /** Returns when the window has room for one more request. */
  #windowOpensAtMs(now: EpochMs): EpochMs {
    this.#forgetOld(now);
    const last = this.#admittedAtMs.at(-this.#requests);
    return last === undefined ? now : last + this.#windowMs;
  }

  /** Forgets the requests that have left the window. */
  #forgetOld(now: EpochMs): void {
    const admitted = this.#admittedAtMs;
    // If the clock was set back, all recorded times move with it: by as much as is certain, so that none is too early.
    const setBackMs = (admitted.at(-1) ?? now) - now;
    if (setBackMs > 0) {
      admitted.forEach((ms, index) => {
        admitted[index] = ms - setBackMs;
      });
      this.#pausedUntilMs -= setBackMs;
      this.#nextAtMs -= setBackMs;
      this.#slowedAtMs -= setBackMs;
      this.#steppedAtMs -= setBackMs;
    }
    const expired = admitted.findIndex((ms) => ms > now - this.#windowMs);
    admitted.splice(0, expired === -1 ? admitted.length : expired);
  }

  slowDown(admittedAtMs: EpochMs, retryAfterMs: number | null): void {
    const now = this.#clock.now();
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + Math.max(retryAfterMs ?? this.#windowMs, 0));
    this.#steppedAtMs = this.#pausedUntilMs;
    if (admittedAtMs > this.#slowedAtMs) {
      this.#slowedAtMs = now;
      this.#pace = Math.max(minPace, this.#pace * this.#manner.slowDownFactor);
    }
  }

  #recover(now: EpochMs): void {
    if (now - this.#steppedAtMs >= this.#manner.recoveryMs) {
      this.#pace = Math.min(1, this.#pace + this.#manner.recoveryStep);
      this.#steppedAtMs = now;
    }
  }
}

/** Returns the promise's value, or throws the signal's reason as soon as it aborts. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal?.reason);
  if (signal?.aborted) {
    abort();
  }
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
