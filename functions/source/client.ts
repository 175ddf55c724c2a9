/**
 * The client of one target: pages in, `Page`s or one clear error out.
 *
 * Each attempt waits for its permit (credentials), then for its turn (quota), then goes; what may pass is tried again, what
 * may not is said in the user's words. Knows nothing of windows, completeness or storage.
 */
import packageJson from '../../package.json' with { type: 'json' };
import { type Clock, parseTime } from '../clock.ts';
import type { Config } from '../config.ts';
import { ConfigError, type DqsyncError, type SourceError } from '../errors.ts';
import type { EpochMs, FetchPage, Log, Page, PageRequest, Target } from '../model.ts';
import { Authorization, type Permit } from './authorization.ts';
import { Endpoint, type HttpLimits, type HttpReply, TransportFault } from './http.ts';
import { instanceListPath, instanceListQuery } from './instance-list.ts';
import type { Pacer } from './pacing.ts';
import { FailedAttempt, type RetryContext, retrying } from './retrying.ts';
import { encodeQuery } from './signature.ts';
import {
  complaintOf,
  type Doing,
  failedAttempt,
  garbled,
  isOverQuota,
  redactor,
  refusal,
  unreachable,
} from './source-errors.ts';
import { type PageContent, parsePage } from './wire.ts';

/** What a client needs. */
export interface SourceOptions {
  readonly target: Target;
  readonly source: Pick<Config['source'], 'endpoint'>;
  /** Where tokens are asked for (`iamEndpointOf(config.source)`); only a secret with a password needs it. */
  readonly iamEndpoint: string | undefined;
  /** As in `targets[].credentials`. */
  readonly credentialsRef: string;
  /** One for all targets of a process: the quota is a user's. */
  readonly pacer: Pacer;
  readonly clock: Clock;
  /** Ends everything under way, waits included, with its reason. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
  /** How long this client may go on, in milliseconds: a wait that does not fit fails at once. Default: no limit. */
  readonly timeLeftMs?: (() => number) | undefined;
  /** In [0, 1), for the jitter of waits. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** What happened so far. */
export interface SourceStats {
  /** List requests sent, those sent again included. */
  readonly requests: number;
  /** Replies 429. */
  readonly throttled: number;
  /** List requests sent again, for whatever reason. */
  readonly retries: number;
  /** The source's clock less ours, to within a second; null until it was seen. */
  readonly clockSkewMs: number | null;
  /** Running mean of a list request's time, waits not included; null until one was answered. */
  readonly latencyMs: number | null;
  /**
   * Why the source gives no page at the moment, though it is being asked again, or was until the signal came; null once
   * it has given one.
   */
  readonly failing: DqsyncError | null;
}

/** One target's source. */
export interface Source {
  /**
   * Gets one page: exactly the filter that is asked for (`target.filter` is not added).
   *
   * @throws SourceError (HTTP 400: the arguments were refused, which also is how a too deep offset ends), CredentialsError,
   * ConfigError (no IAM endpoint), or the signal's reason
   */
  readonly fetchPage: FetchPage;
  stats(): SourceStats;
  /** Breaks off what is under way and frees all connections. */
  close(): Promise<void>;
}

/** Opens nothing by itself: the secret is read and connections are made with the first page. */
export function connectSource(options: SourceOptions): Source {
  const client = new SourceClient(options);
  return {
    fetchPage: (request) => client.fetchPage(request),
    stats: () => client.stats(),
    close: () => client.close(),
  };
}

const userAgent = `dqsync/${packageJson.version}`;
/** Quotas are counted in seconds or minutes; a longer wait is for people to know of. */
const longestWaitMs = 900_000;
const latencyWeight = 0.2;
/** A source that has not replied to anything is failing when it was waited for this long; a healthy one takes less. */
const silenceMs = 2_000;
/** Times in the `Date` header are cut to the second, so they are half a second old on average. */
const dateHeaderLagMs = 500;

class SourceClient {
  readonly #options: SourceOptions;
  readonly #endpoint: Endpoint;
  readonly #authorization: Authorization;
  readonly #retry: RetryContext;
  readonly #redact: (text: string) => string;
  #iam: Endpoint | undefined;
  #requests = 0;
  #throttled = 0;
  #retries = 0;
  #clockSkewMs: number | null = null;
  #latencyMs: number | null = null;
  #failing: DqsyncError | null = null;

  constructor(options: SourceOptions) {
    const secrets = new Set<string>();
    this.#options = options;
    this.#redact = redactor(() => secrets);
    this.#endpoint = new Endpoint(options.source.endpoint, options.clock, options.limits);
    this.#retry = { clock: options.clock, random: options.random ?? Math.random, signal: options.signal };
    const { target, credentialsRef, log = () => undefined } = options;
    this.#authorization = new Authorization(
      {
        target: target.name,
        projectId: target.projectId,
        secretRef: credentialsRef,
        iam: () => this.#iamEndpoint(),
        userAgent,
        redact: this.#redact,
        retry: this.#retry,
        log,
      },
      secrets,
    );
  }

  stats(): SourceStats {
    return {
      requests: this.#requests,
      throttled: this.#throttled,
      retries: this.#retries,
      clockSkewMs: this.#clockSkewMs,
      latencyMs: this.#latencyMs,
      failing: this.#failing,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#endpoint.close(), this.#iam?.close()]);
  }

  async fetchPage(request: PageRequest): Promise<Page> {
    const doing = this.#doing(request);
    return await retrying(() => this.#attempt(request, doing), {
      ...this.#retry,
      onRetry: (failed, waitMs) => {
        this.#retries += 1;
        this.#failing = failed.lastWord;
        const fields = { target: doing.target, reason: failed.message, waitMs };
        this.#options.log?.('info', `asking again for ${doing.what}`, fields);
      },
    });
  }

  #doing(request: PageRequest): Doing {
    return {
      target: this.#options.target.name,
      what: 'the list of instances',
      who: 'the source',
      endpointKey: 'source.endpoint',
      window: { fromMs: request.startTimeMs, toMs: request.endTimeMs },
      redact: this.#redact,
    };
  }

  async #attempt(request: PageRequest, doing: Doing): Promise<Page> {
    const { permit, admittedAtMs } = await this.#admission();
    try {
      const reply = await this.#exchange(request, permit, doing);
      this.#notice(reply);
      return await this.#judge(reply, permit, admittedAtMs, doing);
    } catch (error) {
      throw error instanceof TransportFault ? failedAttempt(error, doing) : error;
    } finally {
      permit.release();
    }
  }

  /** The permit comes first: who waits for credentials after having been admitted would arrive later than the pacer thinks. */
  async #admission(): Promise<{ permit: Permit; admittedAtMs: EpochMs }> {
    for (;;) {
      const permit = await this.#authorization.permit();
      try {
        const admittedAtMs = await this.#options.pacer.admit(this.#options.signal);
        if (permit.isCurrent()) {
          return { permit, admittedAtMs };
        }
      } catch (error) {
        permit.release();
        throw error;
      }
      permit.release();
    }
  }

  /** Sends, and where the signal ends the wait for a source that has said nothing yet, notes that it is failing. */
  async #exchange(request: PageRequest, permit: Permit, doing: Doing): Promise<HttpReply> {
    const { clock, signal } = this.#options;
    const sentAtMs = clock.now();
    try {
      return await this.#send(request, permit);
    } catch (error) {
      const isSilent = this.#latencyMs === null && clock.now() - sentAtMs >= silenceMs;
      if (signal?.aborted && isSilent) {
        this.#failing ??= unreachable(doing, new TransportFault('timeout', 'NO_REPLY'));
      }
      throw error;
    }
  }

  async #send(request: PageRequest, permit: Permit): Promise<HttpReply> {
    const { target, signal } = this.#options;
    signal?.throwIfAborted();
    const path = instanceListPath(target.projectId);
    const query = instanceListQuery(request);
    const headers = { workspace: target.workspace };
    const authorization = permit.headers({ method: 'GET', path, query, host: this.#endpoint.host, headers });
    this.#requests += 1;
    return await this.#endpoint.send(
      {
        method: 'GET',
        path: `${path}?${encodeQuery(query)}`,
        headers: { Accept: 'application/json', 'User-Agent': userAgent, ...headers, ...authorization },
      },
      signal,
    );
  }

  /** Learns the source's clock and its latency. */
  #notice(reply: HttpReply): void {
    const tookMs = reply.receivedAtMs - reply.sentAtMs;
    this.#latencyMs = this.#latencyMs === null ? tookMs : this.#latencyMs + latencyWeight * (tookMs - this.#latencyMs);
    const theirMs = parseTime(reply.header('date') ?? '');
    if (theirMs !== null) {
      this.#clockSkewMs = theirMs + dateHeaderLagMs - (reply.sentAtMs + reply.receivedAtMs) / 2;
    }
  }

  async #judge(reply: HttpReply, permit: Permit, admittedAtMs: EpochMs, doing: Doing): Promise<Page> {
    const { status } = reply;
    const content = status === 200 ? this.#contentOf(reply) : null;
    if (content?.isPage) {
      permit.accepted();
      this.#failing = null;
      const { count, executions, unreadable } = content;
      return { count, executions, unreadable, receivedAtMs: reply.receivedAtMs };
    }
    const { code = '' } = complaintOf(reply, this.#redact);
    if (isOverQuota(status, code)) {
      throw this.#throttledBy(reply, admittedAtMs, doing);
    }
    // 0307 is "the token must be updated", whatever the status.
    if (status === 401 || /^APIGW?\.0307$/.test(code)) {
      throw new FailedAttempt('unauthorized', await permit.refused(reply), 0);
    }
    if (status >= 500 || status === 408) {
      throw new FailedAttempt('fault', refusal(doing, reply));
    }
    if (content !== null) {
      // Some services report errors with status 200: what the source says comes first, then what is wrong with the body.
      throw new FailedAttempt('fault', code === '' ? garbled(doing, reply, content.problem) : refusal(doing, reply));
    }
    permit.accepted();
    throw refusal(doing, reply);
  }

  #contentOf({ text }: HttpReply): PageContent {
    return text === null ? { isPage: false, problem: 'it is not UTF-8' } : parsePage(text);
  }

  /** Notes a 429. Returns an attempt to try again, or the error itself where the wait would be too long. */
  #throttledBy(reply: HttpReply, admittedAtMs: EpochMs, doing: Doing): FailedAttempt | SourceError {
    this.#throttled += 1;
    const waitMs = retryAfterMs(reply);
    const mostMs = Math.min(longestWaitMs, this.#options.timeLeftMs?.() ?? Number.POSITIVE_INFINITY);
    if (waitMs !== null && waitMs > mostMs) {
      return refusal(doing, reply, this.#options.clock.now() + waitMs);
    }
    this.#options.pacer.slowDown(admittedAtMs, waitMs);
    // No wait of its own: the pacer holds all back.
    return new FailedAttempt('throttled', refusal(doing, reply), 0);
  }

  #iamEndpoint(): Endpoint {
    const { iamEndpoint, clock, limits, target, credentialsRef } = this.#options;
    if (iamEndpoint === undefined) {
      throw new ConfigError(
        `the secret ${credentialsRef} holds a password, but it is not known where to ask for a token`,
        {
          remedy: 'Set source.iamEndpoint, for example "https://iam.ap-southeast-3.myhuaweicloud.com".',
          target: target.name,
          code: 'source.iamEndpoint',
        },
      );
    }
    this.#iam ??= new Endpoint(iamEndpoint, clock, { ...limits, connections: 1 });
    return this.#iam;
  }
}

/** `Retry-After` in seconds or as a date; null where there is none. */
function retryAfterMs(reply: HttpReply): number | null {
  const text = reply.header('retry-after')?.trim();
  if (text === undefined) {
    return null;
  }
  if (/^\d+$/.test(text)) {
    return Number(text) * 1000;
  }
  const untilMs = parseTime(text);
  return untilMs === null ? null : Math.max(0, untilMs - (parseTime(reply.header('date') ?? '') ?? reply.receivedAtMs));
}
