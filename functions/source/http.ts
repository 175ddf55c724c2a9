/**
 * HTTP to one endpoint: undici's pool with time and size limits, and transport failures as one class with a few kinds.
 * Knows nothing of DataArts.
 *
 * undici's own retry interceptor has no jitter and does not retry its own header and body timeouts, so it is not used.
 */
import { setMaxListeners } from 'node:events';
import { promisify } from 'node:util';
import { unzip, type ZlibOptions } from 'node:zlib';
import type { buildConnector, Dispatcher } from 'undici';
import makeConnector from 'undici/lib/core/connect.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import packageJson from '../../package.json' with { type: 'json' };
import { abortAfter, type Clock } from '../clock.ts';
import type { EpochMs } from '../model.ts';
import { describeFault, type Fault, type FaultKind, faultKindOf } from '../network/faults.ts';
import type { Route } from '../network/proxy.ts';
import { openTunnel, ProxyError } from '../network/tunnel.ts';

/** Limits of a connection, in milliseconds and bytes. */
export interface HttpLimits {
  /** Simultaneous connections to the endpoint. Default 16. */
  readonly connections: number;
  /** Until a connection is open, TLS included. Default 10 s. */
  readonly connectTimeoutMs: number;
  /** Limit from the request to the end of the reply's headers. Default 30 s. */
  readonly headersTimeoutMs: number;
  /** Limit between two chunks of the body. Default 30 s. */
  readonly bodyTimeoutMs: number;
  /** Limit for the whole request, even if the body keeps arriving slowly. Default 120 s. */
  readonly requestTimeoutMs: number;
  /** The largest body that is accepted. Default 32 MiB; a page of 100 rows has about 30 KiB. */
  readonly maxReplyBytes: number;
}

const defaultLimits: HttpLimits = {
  connections: 16,
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 30_000,
  bodyTimeoutMs: 30_000,
  requestTimeoutMs: 120_000,
  maxReplyBytes: 32 * 1024 * 1024,
};

const userAgent = `dqsync/${packageJson.version}`;

interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A reply of any status. */
export interface HttpReply {
  readonly status: number;
  /** Returns the first value of a header. The name is in lower case. */
  header(name: string): string | undefined;
  /** The body; null if it is not UTF-8. */
  readonly text: string | null;
  readonly sentAtMs: EpochMs;
  readonly receivedAtMs: EpochMs;
}

/** No reply was received. Has no cause: undici's errors add nothing, and nothing of the request may leak. */
export class TransportFault extends Error implements Fault {
  override readonly name = 'TransportFault';
  readonly kind: FaultKind;
  readonly code: string;
  readonly route: Route;

  constructor(kind: FaultKind, code: string, route: Route) {
    super(`${describeFault({ kind, code, route })} (${code})`);
    this.kind = kind;
    this.code = code;
    this.route = route;
  }
}

/** Keep-alive connections to one origin. */
export class Endpoint {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  readonly #closing = new AbortController();
  readonly route: Route;

  /**
   * @param url scheme, host and port
   * @param proxy the proxy through which a tunnel leads to it; null for none
   */
  constructor(url: string, clock: Clock, limits: Partial<HttpLimits> = {}, proxy: URL | null = null) {
    const all = { ...defaultLimits, ...limits };
    const { origin, host } = new URL(url);
    this.route = { host, proxy };
    this.#clock = clock;
    this.#requestTimeoutMs = all.requestTimeoutMs;
    const { signal } = this.#closing;
    // Each connection listens to it.
    setMaxListeners(0, signal);
    const connect = makeConnector({ timeout: all.connectTimeoutMs, allowH2: false, signal });
    this.#pool = new Pool(origin, {
      connections: all.connections,
      pipelining: 1,
      // The pacer and the retries assume one request per connection at a time.
      allowH2: false,
      connect: proxy === null ? connect : connectThrough(proxy, all.connectTimeoutMs, connect, signal),
      headersTimeout: all.headersTimeoutMs,
      bodyTimeout: all.bodyTimeoutMs,
      maxResponseSize: all.maxReplyBytes,
      // IAM tokens are sent in a header and can have many kilobytes.
      maxHeaderSize: 64 * 1024,
      // Longer than a pause of one quota window.
      keepAliveTimeout: 15_000,
    });
  }

  /**
   * Sends a request and reads the whole reply. Does not follow redirects.
   *
   * @throws TransportFault if no complete reply was received; `signal.reason` when aborted
   */
  async send(request: HttpRequest, signal?: AbortSignal): Promise<HttpReply> {
    signal?.throwIfAborted();
    const deadline = abortAfter(this.#requestTimeoutMs, () => this.fault('timeout', 'REQUEST_TIMEOUT'), signal);
    try {
      return await this.#exchange(request, deadline.signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof TransportFault ? error : toFault(error, this.route);
    } finally {
      deadline.cancel();
    }
  }

  async #exchange({ method, path, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    const sentAtMs = this.#clock.now();
    // Without `Accept-Encoding`, a server may choose any coding, also one that `textOf` cannot decode.
    const own = { 'User-Agent': userAgent, 'Accept-Encoding': 'identity' };
    const options = { method, path, headers: { ...own, ...headers }, body: body ?? null };
    const { status, replyHeaders, bytes } = await new Promise<ReceivedReply>((resolve, reject) => {
      this.#pool.dispatch(options, new ReplyReceiver(signal, resolve, reject));
    });
    return {
      status,
      header: (name) => [replyHeaders[name]].flat()[0],
      text: await textOf(bytes, replyHeaders['content-encoding']),
      sentAtMs,
      receivedAtMs: this.#clock.now(),
    };
  }

  fault(kind: FaultKind, code: string): TransportFault {
    return new TransportFault(kind, code, this.route);
  }

  /** Aborts requests in flight and closes the connections, also those that are not open yet. */
  async close(): Promise<void> {
    const closed = this.#pool.destroy();
    // undici waits until such a connection is open or times out, and keeps the process alive.
    this.#closing.abort();
    await closed;
  }
}

/** Makes connections through a proxy: TLS inside its tunnel. */
function connectThrough(
  proxy: URL,
  timeoutMs: number,
  connect: buildConnector.connector,
  signal: AbortSignal,
): buildConnector.connector {
  return (options, callback) => {
    openTunnel(proxy, options.hostname, Number(options.port || 443), timeoutMs, signal).then(
      (httpSocket) => connect({ ...options, httpSocket }, callback),
      (error: Error) => callback(error, null),
    );
  };
}

interface ReceivedReply {
  readonly status: number;
  readonly replyHeaders: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Uint8Array;
}

/**
 * Collects one reply. `request` of undici makes a stream of each: a first sync of 100,000 rows then takes 16 % more CPU
 * time and 241 MB of memory instead of 202, one of 1,000,000 rows 255 MB instead of 238 (on a busy machine).
 */
class ReplyReceiver implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal;
  readonly #resolve: (reply: ReceivedReply) => void;
  readonly #reject: (error: unknown) => void;
  readonly #chunks: Uint8Array[] = [];
  readonly #onAbort = (): void => this.#abort();
  #controller: Dispatcher.DispatchController | null = null;
  #status = 0;
  #replyHeaders: ReceivedReply['replyHeaders'] = {};

  constructor(signal: AbortSignal, resolve: (reply: ReceivedReply) => void, reject: (error: unknown) => void) {
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) {
      this.#abort();
    }
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: ReceivedReply['replyHeaders'],
  ): void {
    this.#status = status;
    this.#replyHeaders = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    const [first = new Uint8Array()] = this.#chunks;
    const bytes = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : first;
    this.#resolve({ status: this.#status, replyHeaders: this.#replyHeaders, bytes });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#reject(error);
  }

  /** Also rejects while the request still waits for a connection. */
  #abort(): void {
    this.#reject(this.#signal.reason);
    this.#controller?.abort(this.#signal.reason);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Returns the text of a body; null if it is not text. Decodes gzip and deflate, which some proxies apply unrequested. */
async function textOf(bytes: Uint8Array, coding: string | string[] | undefined): Promise<string | null> {
  try {
    const isZipped = /gzip|deflate/i.test(String(coding));
    return utf8.decode(isZipped ? await unzipped(bytes, { maxOutputLength: defaultLimits.maxReplyBytes }) : bytes);
  } catch {
    return null;
  }
}

const unzipped: (bytes: Uint8Array, limit: ZlibOptions) => Promise<Uint8Array> = promisify(unzip);

/** Matches by code, not by class, because two copies of undici in one process would have two classes. */
function toFault(error: unknown, route: Route): unknown {
  if (error instanceof ProxyError) {
    return new TransportFault('proxy', error.code, route);
  }
  if (error instanceof Error && error.name === 'HTTPParserError') {
    // The code is missing if even the first bytes are not HTTP.
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    return new TransportFault('notHttp', code, route);
  }
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return error;
  }
  const { code } = error;
  if (code === 'UND_ERR_INVALID_ARG') {
    return error;
  }
  return new TransportFault(faultKindOf(code), code, route);
}
