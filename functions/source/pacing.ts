/**
 * Pacing: never more requests in any span of the quota's length than the quota allows, so that a healthy run is never
 * told 429. The quota belongs to a user, so all targets of a process share one pacer.
 *
 * p-throttle in strict mode (a sliding window) keeps the quota. On top of it, after a 429: everyone waits, then a
 * minimum distance between requests holds the pace down until it has recovered.
 */
import pThrottle from 'p-throttle';
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
/** A longer `Retry-After` than this (or than the window) is taken for a mistake. */
const maxPauseMs = 60_000;
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

/**
 * @param signal ends the pacer for good: frees its timer, so that a stopped process can exit at once
 */
export function createPacer(quota: Quota, clock: Clock, signal?: AbortSignal): Pacer {
  return new SlidingWindowPacer(quota, clock, signal, cautious);
}

/**
 * A pacer for what can wait: passes on to `shared`, but leaves a part of the quota to others of the same user, and where
 * a 429 says that they need more, waits longer and slows down more than they do.
 *
 * @param reserved part of the quota that is left, 0 to 0.9
 */
export function createYieldingPacer(
  shared: Pacer,
  quota: Quota,
  reserved: number,
  clock: Clock,
  signal?: AbortSignal,
): Pacer {
  const requests = Math.max(1, Math.floor(quota.requests * (1 - reserved)));
  const own = new SlidingWindowPacer({ ...quota, requests }, clock, signal, yielding);
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
  readonly #throttle: () => Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #manner: Manner;
  #queue: Promise<unknown> = Promise.resolve();
  /** Asked of p-throttle and not yet used; outlives the one who asked, if that one was aborted. */
  #grant: Promise<void> | undefined;
  #pausedUntilMs: EpochMs = 0;
  #nextAtMs: EpochMs = 0;
  #pace = 1;
  #slowedAtMs: EpochMs = Number.NEGATIVE_INFINITY;
  #steppedAtMs: EpochMs = 0;
  #admittedSinceStep = 0;

  constructor(quota: Quota, clock: Clock, signal: AbortSignal | undefined, manner: Manner) {
    const quotaMs = quota.perSeconds * 1000;
    this.#clock = clock;
    this.#signal = signal;
    this.#manner = manner;
    this.#requests = quota.requests;
    this.#windowMs = Math.ceil(quotaMs + Math.max(quotaMs * windowMargin, minWindowMarginMs));
    const throttle = pThrottle({
      limit: quota.requests,
      interval: this.#windowMs,
      strict: true,
      ...(signal === undefined ? {} : { signal }),
    });
    this.#throttle = throttle(async () => undefined);
  }

  pace(): number {
    return this.#pace;
  }

  async admit(signal?: AbortSignal): Promise<EpochMs> {
    signal?.throwIfAborted();
    // One at a time: p-throttle then counts from when requests really went, not from when it planned them to.
    const turn = this.#queue.then(() => this.#nextTurn(signal));
    this.#queue = turn.catch(() => undefined);
    return await untilAborted(turn, signal);
  }

  async #nextTurn(signal: AbortSignal | undefined): Promise<EpochMs> {
    for (;;) {
      this.#signal?.throwIfAborted();
      await this.#waitForPace(signal);
      this.#grant ??= this.#throttle();
      await untilAborted(this.#grant, signal);
      this.#grant = undefined;
      const now = this.#clock.now();
      // A 429 may have come in while p-throttle let us wait.
      if (now >= this.#pausedUntilMs) {
        this.#recover(now);
        this.#nextAtMs = this.#pace < 1 ? now + this.#windowMs / (this.#requests * this.#pace) : 0;
        return now;
      }
    }
  }

  async #waitForPace(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    for (;;) {
      const waitMs = Math.max(this.#pausedUntilMs, this.#nextAtMs) - this.#clock.now();
      if (waitMs <= 0) {
        return;
      }
      await this.#clock.sleep(Math.ceil(waitMs), signal);
    }
  }

  slowDown(admittedAtMs: EpochMs, retryAfterMs: number | null): void {
    const now = this.#clock.now();
    const pauseMs = Math.min(Math.max(retryAfterMs ?? this.#windowMs, 0), Math.max(maxPauseMs, this.#windowMs));
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + pauseMs);
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
