/**
 * Sends the requests of one target. Each attempt waits for its permit (credentials), then for the pacer (quota), and is
 * then sent. Transient failures are retried; others become errors for the user.
 */
import { type Clock, parseTime } from '../clock.ts';
import type { Config } from '../config.ts';
import { ConfigError, type DqsyncError, type SourceError } from '../errors.ts';
import type { EpochMs, Log, Target, Window } from '../model.ts';
import { redactor } from '../network/foreign-text.ts';
import { type ProxyEnvironment, tunnelFor } from '../network/proxy.ts';
import { Authorization, type Permit, type SharedLogin } from './authorization.ts';
import { Endpoint, type HttpLimits, type HttpReply, TransportFault } from './http.ts';
import type { Pacer } from './pacing.ts';
import { FailedAttempt, type RetryContext, retrying } from './retrying.ts';
import { encodeQuery } from './signature.ts';
import { complaintOf, type Doing, failedAttempt, garbled, isOverQuota, refusal, unreachable } from './source-errors.ts';
import type { TaskCall } from './task-calls.ts';
import type { Content } from './wire.ts';

export interface SourceOptions {
  readonly target: Target;
  readonly source: Pick<Config['source'], 'endpoint'>;
  /** Where to request tokens (`iamEndpointOf(config.source)`). Only a secret with a password needs it. */
  readonly iamEndpoint: string | undefined;
  /** Where the credentials are, as in `targets[].credentials`. */
  readonly credentialsRef: string;
  /** Shared by all targets of a process, because the quota belongs to a user. */
  readonly pacer: Pacer;
  /** The pacers of the other calls, each of which has its own quota. Default: `pacer` for all. */
  readonly pacerOf?: ((call: TaskCall) => Pacer) | undefined;
  readonly clock: Clock;
  /** Aborts all requests and waits, with its reason. */
  readonly signal?: AbortSignal | undefined;
  readonly log?: Log | undefined;
  readonly limits?: Partial<HttpLimits> | undefined;
  /** Milliseconds that this client may still take. A wait that is longer fails immediately. Default: no limit. */
  readonly timeLeftMs?: (() => number) | undefined;
  /** Names the proxies on the way to the source, IAM and Secrets Manager. Default: none. */
  readonly environment?: ProxyEnvironment | undefined;
  /** Shared by clients of this target that follow each other. Default: one of its own. */
  readonly login?: SharedLogin | undefined;
  /** Random numbers in [0, 1), for the jitter of waits. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** Counts and measurements of some calls so far. */
export interface CallStats {
  /** Requests sent, including retries. */
  readonly requests: number;
  /** Replies with status 429. */
  readonly throttled: number;
  /** Requests sent again for any reason. */
  readonly retries: number;
  /** The source's clock less ours, to within a second; null before the first reply. */
  readonly clockSkewMs: number | null;
  /** Running mean of the duration of a request, without waits; null before the first reply. */
  readonly latencyMs: number | null;
  /** The error that requests are retried for, or were until the signal aborted; null after a reply was read. */
  readonly failing: DqsyncError | null;
}

/** Statistics of the instance list. */
export interface SourceStats extends CallStats {
  /** When the quota admits the next request that waits for it; a time in the past if none waits. */
  readonly quotaOpensAtMs: EpochMs;
}

type Meter = { -readonly [Name in keyof CallStats]: CallStats[Name] };

function newMeter(): Meter {
  return { requests: 0, throttled: 0, retries: 0, clockSkewMs: null, latencyMs: null, failing: null };
}

/** Quotas count in seconds or minutes. A longer wait fails, so that somebody notices it. */
const longestWaitMs = 900_000;
const latencyWeight = 0.2;
/** A source that has never replied counts as failing after this long. */
const silenceMs = 2_000;
/** An HTTP `Date` has no milliseconds, so it is late by half a second on average. */
const dateHeaderLagMs = 500;

export interface Call<T> {
  readonly doing: Doing;
  readonly path: string;
  readonly query: readonly [string, string][];
  readonly pacer: Pacer;
  readonly read: (text: string, receivedAtMs: EpochMs) => Content<T>;
  readonly meter: Meter;
  /** Retries after a fault, if fewer than usual. */
  readonly faultRetries?: number | undefined;
}

/** Sends the requests of one target, of all its calls: they share credentials and connections. */
export class Requester {
  readonly #options: SourceOptions;
  readonly #endpoint: Endpoint;
  readonly #authorization: Authorization;
  readonly #retry: RetryContext;
  readonly #redact: (text: string) => string;
  #iam: Endpoint | undefined;
  /** Of the instance list. */
  readonly instances = newMeter();
  /** Of the other calls. */
  readonly others = newMeter();

  constructor(options: SourceOptions) {
    const secrets = new Set<string>();
    this.#options = options;
    this.#redact = redactor(secrets);
    const { endpoint } = options.source;
    const proxy = tunnelFor(endpoint, options.environment ?? {});
    this.#endpoint = new Endpoint(endpoint, options.clock, options.limits, proxy);
    this.#retry = { clock: options.clock, random: options.random ?? Math.random, signal: options.signal };
    const { target, credentialsRef, environment, log = () => undefined } = options;
    this.#authorization = new Authorization({
      target: target.name,
      projectId: target.projectId,
      secretRef: credentialsRef,
      environment,
      iam: () => this.#iamEndpoint(),
      secrets,
      redact: this.#redact,
      retry: this.#retry,
      log,
      login: options.login ?? { session: null },
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#endpoint.close(), this.#iam?.close()]);
  }

  /**
   * Sends a request until a readable reply arrives, the retry budget is spent, or the source refuses.
   *
   * @throws SourceError, CredentialsError, ConfigError (no IAM endpoint), or the signal's reason
   */
  async ask<T>(call: Call<T>): Promise<T> {
    const { doing, meter } = call;
    return await retrying(() => this.#attempt(call), {
      ...this.#retry,
      faultRetries: call.faultRetries,
      onRetry: (failed, waitMs) => {
        meter.retries += 1;
        meter.failing = failed.lastWord;
        const fields = { target: doing.target, reason: failed.message, waitMs };
        this.#options.log?.('info', `retrying ${doing.what}`, fields);
      },
    });
  }

  /** Returns the description of a request for messages. */
  doing(what: string, window?: Window): Doing {
    return {
      target: this.#options.target.name,
      what,
      who: 'the source',
      endpointKey: 'source.endpoint',
      window,
      redact: this.#redact,
    };
  }

  async #attempt<T>(call: Call<T>): Promise<T> {
    const { permit, admittedAtMs } = await this.#admission(call.pacer);
    try {
      const reply = await this.#exchange(call, permit);
      measure(call.meter, reply);
      return await this.#judge(call, reply, permit, admittedAtMs);
    } catch (error) {
      throw error instanceof TransportFault ? failedAttempt(error, call.doing) : error;
    } finally {
      permit.release();
    }
  }

  /**
   * Gets the permit before the pacer's admission. In the other order, a wait for credentials would send the request
   * later than the pacer assumes.
   */
  async #admission(pacer: Pacer): Promise<{ permit: Permit; admittedAtMs: EpochMs }> {
    for (;;) {
      const permit = await this.#authorization.permit();
      const admittedAtMs = await pacer.admit(this.#options.signal).catch((error: unknown) => {
        permit.release();
        throw error;
      });
      if (permit.isCurrent()) {
        return { permit, admittedAtMs };
      }
      permit.release();
    }
  }

  /** Sends a request. Records that the source is failing if it never replied until the signal aborted. */
  async #exchange<T>(call: Call<T>, permit: Permit): Promise<HttpReply> {
    const { target, clock, signal } = this.#options;
    const { path, query, meter } = call;
    signal?.throwIfAborted();
    const headers = { workspace: target.workspace };
    const authorization = permit.headers({ method: 'GET', path, query, host: this.#endpoint.route.host, headers });
    const request = {
      method: 'GET',
      path: query.length === 0 ? path : `${path}?${encodeQuery(query)}`,
      headers: { Accept: 'application/json', ...headers, ...authorization },
    } as const;
    const sentAtMs = clock.now();
    meter.requests += 1;
    try {
      return await this.#endpoint.send(request, signal);
    } catch (error) {
      const isSilent = meter.latencyMs === null && clock.now() - sentAtMs >= silenceMs;
      if (signal?.aborted && isSilent) {
        meter.failing ??= unreachable(call.doing, this.#endpoint.fault('timeout', 'NO_REPLY'));
      }
      throw error;
    }
  }

  async #judge<T>(call: Call<T>, reply: HttpReply, permit: Permit, admittedAtMs: EpochMs): Promise<T> {
    const { doing } = call;
    const { status } = reply;
    const content = status === 200 ? contentOf(call, reply) : null;
    if (content !== null && 'value' in content) {
      permit.accepted();
      call.meter.failing = null;
      return content.value;
    }
    const { code = '', text } = complaintOf(reply, this.#redact);
    if (isOverQuota(status, code)) {
      throw this.#throttledBy(call, reply, admittedAtMs);
    }
    // 0307 means "the token must be updated", with any status.
    if (status === 401 || /^APIGW?\.0307$/.test(code)) {
      throw new FailedAttempt('unauthorized', await permit.refused(reply), 0);
    }
    if (status >= 500 || status === 408) {
      throw new FailedAttempt('fault', refusal(doing, reply));
    }
    if (content !== null) {
      // Some services report errors with status 200. The source's own message comes first, then the problem of the
      // body.
      const isComplaint = code !== '' || text !== undefined;
      throw new FailedAttempt('fault', isComplaint ? refusal(doing, reply) : garbled(doing, reply, content.problem));
    }
    permit.accepted();
    throw refusal(doing, reply);
  }

  /** Records a 429. Returns an attempt to retry, or the final error if the wait would be too long. */
  #throttledBy<T>(call: Call<T>, reply: HttpReply, admittedAtMs: EpochMs): FailedAttempt | SourceError {
    const { doing, pacer, meter } = call;
    meter.throttled += 1;
    const waitMs = retryAfterMs(reply);
    const mostMs = Math.min(longestWaitMs, this.#options.timeLeftMs?.() ?? Number.POSITIVE_INFINITY);
    if (waitMs !== null && waitMs > mostMs) {
      return refusal(doing, reply, this.#options.clock.now() + waitMs);
    }
    pacer.slowDown(admittedAtMs, waitMs);
    // No wait of its own, because the pacer holds back all requests.
    return new FailedAttempt('throttled', refusal(doing, reply), 0);
  }

  #iamEndpoint(): Endpoint {
    const { iamEndpoint, clock, limits, target, credentialsRef, environment } = this.#options;
    if (iamEndpoint === undefined) {
      throw new ConfigError(
        `the secret ${credentialsRef} contains a password, but source.iamEndpoint is not set and cannot be derived from source.endpoint`,
        {
          remedy: 'Set source.iamEndpoint, for example "https://iam.ap-southeast-3.myhuaweicloud.com".',
          target: target.name,
          code: 'source.iamEndpoint',
        },
      );
    }
    const proxy = tunnelFor(iamEndpoint, environment ?? {});
    this.#iam ??= new Endpoint(iamEndpoint, clock, { ...limits, connections: 1 }, proxy);
    return this.#iam;
  }
}

/** Updates the latency and the clock skew. */
function measure(meter: Meter, { sentAtMs, receivedAtMs, header }: HttpReply): void {
  const tookMs = receivedAtMs - sentAtMs;
  meter.latencyMs = meter.latencyMs === null ? tookMs : meter.latencyMs + latencyWeight * (tookMs - meter.latencyMs);
  const theirMs = parseTime(header('date') ?? '');
  if (theirMs !== null) {
    meter.clockSkewMs = theirMs + dateHeaderLagMs - (sentAtMs + receivedAtMs) / 2;
  }
}

function contentOf<T>({ read }: Call<T>, { text, receivedAtMs }: HttpReply): Content<T> {
  return text === null ? { problem: 'it cannot be decoded to UTF-8' } : read(text, receivedAtMs);
}

/** Parses `Retry-After`, in seconds or as a date; null without one, and for one that means neither. */
function retryAfterMs(reply: HttpReply): number | null {
  const text = reply.header('retry-after')?.trim() ?? '';
  // A larger number is no wait that anyone means, and may be beyond the last date.
  if (/^\d{1,10}(\.\d+)?$/.test(text)) {
    return Number(text) * 1000;
  }
  const untilMs = parseTime(text);
  return untilMs === null ? null : Math.max(0, untilMs - (parseTime(reply.header('date') ?? '') ?? reply.receivedAtMs));
}
