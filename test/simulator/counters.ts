/** Counts and records requests. */
import type { EpochMs } from '../../functions/model.ts';

/** One request and its outcome. */
export interface RequestRecord {
  readonly atMs: EpochMs;
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly workspace: string | null;
  /** Null if no reply was sent. */
  status: number | null;
  rows: number;
}

/** Number of requests kept in `log`. */
const logLength = 20_000;

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
  /** Replies 401. */
  unauthorized = 0;
  /** Rows sent. */
  rows = 0;
  /** Requests for instances by second, on the simulator's clock. */
  readonly perSecond = new Map<number, number>();
  /** The latest requests, oldest first. */
  readonly log: RequestRecord[] = [];

  /** Sets all counts to zero and empties the log. */
  reset(): void {
    this.requests = 0;
    this.instances = 0;
    this.tokens = 0;
    this.tasks = 0;
    this.results = 0;
    this.throttled = 0;
    this.unauthorized = 0;
    this.rows = 0;
    this.perSecond.clear();
    this.log.length = 0;
  }

  /** Counts and records the arrival of a request. */
  arrive(atMs: EpochMs, method: string, url: string, workspace: string | null): RequestRecord {
    this.requests += 1;
    const record: RequestRecord = { atMs, method, url, workspace, status: null, rows: 0 };
    if (this.log.push(record) > logLength) {
      this.log.shift();
    }
    return record;
  }

  /** Counts a request for instances by the second of its arrival. */
  countInstances(atMs: EpochMs): void {
    this.instances += 1;
    const second = Math.floor(atMs / 1_000);
    this.perSecond.set(second, (this.perSecond.get(second) ?? 0) + 1);
  }

  /** Records the outcome of a request. */
  leave(record: RequestRecord, status: number | null, rows: number): void {
    record.status = status;
    record.rows = rows;
    this.rows += rows;
    if (status === 429) {
      this.throttled += 1;
    } else if (status === 401) {
      this.unauthorized += 1;
    }
  }
}
