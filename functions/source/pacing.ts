/**
 * Pacing: never more requests in any span of the quota's length than the quota allows, so that a healthy run is never
 * told 429. The quota belongs to a user, so all targets of a process share one pacer.
 *
 * A sliding window keeps the quota. On top of it, after a 429: everyone waits, then a minimum distance between requests
 * holds the pace down until it has recovered.
 */
import type { Clock } from '../clock.ts';
import type { EpochMs } from '../model.ts';

/** `requests` per `perSeconds`, as in `source.quota`. */
export interface Quota {
  readonly requests: number;
  readonly perSeconds: number;
}

/** Lets requests go at the quota's pace. */
export interface Pacer {
  /** Resolves when one request may be sent, in the order of asking, with the time; rejects with `signal.reason` when aborted. */
  admit(signal?: AbortSignal): Promise<EpochMs>;
  /**
   * The source answered 429: all wait, and the pace goes down.
   *
   * @param admittedAtMs when the request was admitted; replies to what was sent before the last slow-down count once
   * @param retryAfterMs how long the source told us to wait; null where it did not: the quota's window
   */
  slowDown(admittedAtMs: EpochMs, retryAfterMs: number | null): void;
  /** The share of the quota that is used, 0.1 to 1. */
  pace(): number;
}

/** The server counts arrivals, and a late one makes room for one too many: the window is this much longer than the quota's. */
const windowMargin = 0.03;
const minWindowMarginMs = 150;
/** How a pacer takes a 429: how much slower it goes then, and how it comes back, so much after so long without another. */
interface Manner {
  readonly slowDownFactor: number;
  readonly recoveryStep: number;
  readonly recoveryMs: number;
}

const cautious: Manner = { slowDownFactor: 0.75, recoveryStep: 0.05, recoveryMs: 60_000 };
/** Out of the way at once, and soon back: a scheduled run takes seconds. */
const yielding: Manner = { slowDownFactor: 0.4, recoveryStep: 0.2, recoveryMs: 20_000 };
const minPace = 0.1;
/** One step up after so many requests, too, without a 429. */
const recoveryRequests = 100;

/** Makes a pacer for the whole quota. */
export function createPacer(quota: Quota, clock: Clock): Pacer {
  return new SlidingWindowPacer(quota, clock, cautious);
}

/**
 * A pacer for what can wait: passes on to `shared`, but leaves a part of the quota to others of the same user, and where
 * a 429 says that they need more, waits longer and slows down more than they do.
 *
 * @param reserved part of the quota that is left, 0 to 0.9
 */
export function createYieldingPacer(shared: Pacer, quota: Quota, reserved: number, clock: Clock): Pacer {
  const requests = Math.max(1, Math.floor(quota.requests * (1 - reserved)));
  const own = new SlidingWindowPacer({ ...quota, requests }, clock, yielding);
  return {
    admit: async (aborted) => {
      await own.admit(aborted);
      return await shared.admit(aborted);
    },
    slowDown: (admittedAtMs, retryAfterMs) => {
      own.slowDown(admittedAtMs, retryAfterMs === null ? null : 2 * retryAfterMs);
      shared.slowDown(admittedAtMs, retryAfterMs);
    },
    pace: () => own.pace(),
  };
}

class SlidingWindowPacer implements Pacer {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #requests: number;
  readonly #manner: Manner;
  #queue: Promise<unknown> = Promise.resolve();
  /** When the requests of the last window went, oldest first. */
  readonly #admittedAtMs: EpochMs[] = [];
  #pausedUntilMs: EpochMs = 0;
  #nextAtMs: EpochMs = 0;
  #pace = 1;
  #slowedAtMs: EpochMs = Number.NEGATIVE_INFINITY;
  #steppedAtMs: EpochMs = 0;
  #admittedSinceStep = 0;

  constructor(quota: Quota, clock: Clock, manner: Manner) {
    const quotaMs = quota.perSeconds * 1000;
    this.#clock = clock;
    this.#manner = manner;
    this.#requests = quota.requests;
    this.#windowMs = Math.ceil(quotaMs + Math.max(quotaMs * windowMargin, minWindowMarginMs));
  }

  pace(): number {
    return this.#pace;
  }

  async admit(signal?: AbortSignal): Promise<EpochMs> {
    signal?.throwIfAborted();
    // One at a time, in the order of asking: the window counts from when requests really went, however late a timer was.
    const turn = this.#queue.then(() => this.#nextTurn(signal));
    this.#queue = turn.catch(() => undefined);
    return await untilAborted(turn, signal);
  }

  async #nextTurn(signal: AbortSignal | undefined): Promise<EpochMs> {
    for (;;) {
      signal?.throwIfAborted();
      const now = this.#clock.now();
      const waitMs = Math.max(this.#pausedUntilMs, this.#nextAtMs, this.#windowOpensAtMs(now)) - now;
      if (waitMs <= 0) {
        this.#admittedAtMs.push(now);
        this.#recover(now);
        this.#nextAtMs = this.#pace < 1 ? now + this.#windowMs / (this.#requests * this.#pace) : 0;
        return now;
      }
      await this.#clock.sleep(Math.ceil(waitMs), signal);
    }
  }

  /** Returns when one more request fits into the window. */
  #windowOpensAtMs(now: EpochMs): EpochMs {
    const admitted = this.#admittedAtMs;
    // After the clock was set back, these times say nothing.
    if ((admitted.at(-1) ?? now) > now) {
      admitted.length = 0;
    }
    const expired = admitted.findIndex((ms) => ms > now - this.#windowMs);
    admitted.splice(0, expired === -1 ? admitted.length : expired);
    return admitted.length < this.#requests ? now : (admitted[0] ?? now) + this.#windowMs;
  }

  slowDown(admittedAtMs: EpochMs, retryAfterMs: number | null): void {
    const now = this.#clock.now();
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + Math.max(retryAfterMs ?? this.#windowMs, 0));
    this.#admittedSinceStep = 0;
    this.#steppedAtMs = this.#pausedUntilMs;
    if (admittedAtMs > this.#slowedAtMs) {
      this.#slowedAtMs = now;
      this.#pace = Math.max(minPace, this.#pace * this.#manner.slowDownFactor);
    }
  }

  #recover(now: EpochMs): void {
    if (this.#pace === 1) {
      return;
    }
    this.#admittedSinceStep += 1;
    if (this.#admittedSinceStep >= recoveryRequests || now - this.#steppedAtMs >= this.#manner.recoveryMs) {
      this.#pace = Math.min(1, this.#pace + this.#manner.recoveryStep);
      this.#admittedSinceStep = 0;
      this.#steppedAtMs = now;
    }
  }
}

/** The promise, or the signal's reason as soon as it is aborted. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return await promise;
  }
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) {
    abort();
  }
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
