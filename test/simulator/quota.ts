/** The gateway's throttle: a number of requests per user in a sliding window. */
import type { EpochMs } from '../../functions/model.ts';

/** The quota of one user. */
export interface QuotaOptions {
  /** Documented value: 40. */
  readonly requests: number;
  /** Documented value: 10. */
  readonly perSeconds: number;
}

/** Records the arrivals of every user. */
export class Quota {
  readonly #options: QuotaOptions;
  readonly #arrivals = new Map<string, EpochMs[]>();

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  /** Counts a request of `user` at `nowMs`. Returns whether it is allowed; refused ones do not use up the quota. */
  arrive(user: string, nowMs: EpochMs): boolean {
    const { requests, perSeconds } = this.#options;
    const spanMs = perSeconds * 1_000;
    const arrivals = this.#arrivals.get(user) ?? [];
    this.#arrivals.set(user, arrivals);
    const stale = arrivals.findIndex((atMs) => atMs > nowMs - spanMs);
    arrivals.splice(0, stale < 0 ? arrivals.length : stale);
    const isAllowed = arrivals.length < requests;
    if (isAllowed) {
      arrivals.push(nowMs);
    }
    return isAllowed;
  }

  /** The gateway's message of a refusal. */
  get refusalText(): string {
    const { requests, perSeconds } = this.#options;
    return `The throttling threshold has been reached: policy user over ratelimit,limit:${requests},time:${perSeconds} second`;
  }
}
