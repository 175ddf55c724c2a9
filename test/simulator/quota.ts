/**
 * The gateway's throttle: so many requests of one user within a sliding window, counted as they arrive.
 */
import type { EpochMs } from '../../functions/model.ts';

/** How much one user may ask. */
export interface QuotaOptions {
  /** Documented: 40. */
  readonly requests: number;
  /** Documented: 10. */
  readonly perSeconds: number;
  /** Whether refused requests use up the quota too, so that hammering keeps the door shut. Default false. */
  readonly countsRefused?: boolean;
}

/** Whether a request may pass, and where not, how long until one may. */
export type QuotaVerdict = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number };

/** Keeps the arrivals of every user. */
export class Quota {
  readonly #options: QuotaOptions;
  readonly #arrivals = new Map<string, EpochMs[]>();

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  /** Counts a request of `user` at `nowMs`. */
  arrive(user: string, nowMs: EpochMs): QuotaVerdict {
    const { requests, perSeconds, countsRefused = false } = this.#options;
    const spanMs = perSeconds * 1_000;
    const arrivals = this.#arrivals.get(user) ?? [];
    this.#arrivals.set(user, arrivals);
    const stale = arrivals.findIndex((atMs) => atMs > nowMs - spanMs);
    arrivals.splice(0, stale < 0 ? arrivals.length : stale);
    const allowed = arrivals.length < requests;
    if (allowed || countsRefused) {
      arrivals.push(nowMs);
    }
    if (allowed) {
      return { allowed };
    }
    const oldestThatMatters = arrivals[arrivals.length - requests] ?? nowMs;
    return { allowed, retryAfterMs: oldestThatMatters + spanMs - nowMs };
  }

  /** The gateway's words for a refusal. */
  get refusalText(): string {
    const { requests, perSeconds } = this.#options;
    return `The throttling threshold has been reached: policy user over ratelimit,limit:${requests},time:${perSeconds} second`;
  }
}
