/** Counts requests. */
import type { EpochMs } from '../../functions/model.ts';

/** Number of times kept in `arrivalsMs`. */
const keptArrivals = 20_000;

/** Counts since the start or the last `reset()`. */
export class Counters {
  /** Requests of any kind. */
  requests = 0;
  /** Requests for instances, refused ones included. */
  instances = 0;
  /** Requests for tokens, refused ones included. */
  tokens = 0;
  /** Requests for lists and details of tasks, refused ones included. */
  tasks = 0;
  /** Requests for results, refused ones included. */
  results = 0;
  /** Replies 429. */
  throttled = 0;
  /** Rows sent. */
  rows = 0;
  /** When the latest requests arrived, oldest first. */
  readonly arrivalsMs: EpochMs[] = [];

  /** Sets all counts to zero and forgets the arrivals. */
  reset(): void {
    this.requests = 0;
    this.instances = 0;
    this.tokens = 0;
    this.tasks = 0;
    this.results = 0;
    this.throttled = 0;
    this.rows = 0;
    this.arrivalsMs.length = 0;
  }

  /** Counts a request when it arrives. */
  arrive(atMs: EpochMs): void {
    this.requests += 1;
    if (this.arrivalsMs.push(atMs) > keptArrivals) {
      this.arrivalsMs.shift();
    }
  }

  /** Counts the outcome of a request; `status` is null if no reply was sent. */
  leave(status: number | null, rows: number): void {
    this.rows += rows;
    if (status === 429) {
      this.throttled += 1;
    }
  }
}
