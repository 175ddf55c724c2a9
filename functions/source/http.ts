/**
 * HTTP to one endpoint: undici's pool with time and size limits, and transport failures as one class with a few kinds.
 * Knows nothing of DataArts.
 *
 * undici's own retry interceptor has no jitter and does not retry its own header and body timeouts, so it is not used.
 */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { abortAfter, type Clock } from '../clock.ts';
import type { EpochMs } from '../model.ts';

/** Limits of a connection, in milliseconds and bytes. */
export interface HttpLimits {
  /** Simultaneous connections to the endpoint. Default 16. */
  readonly connections: number;
  /** Until a connection is open, TLS included. Default 10 s. */
  readonly connectTimeoutMs: number;
  /** From the request to the end of the reply's headers. Default 30 s. */
  readonly headersTimeoutMs: number;
  /** Between two chunks of the body. Default 30 s. */
  readonly bodyTimeoutMs: number;
  /** For the whole request, even if the body keeps trickling. Default 120 s. */
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

/** A request as it is sent. */
export interface HttpRequest {
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

/**
 * Why no reply was received.
 * - `connect`: no connection (name not found, refused, timed out)
 * - `tls`: the other side's certificate or protocol is not acceptable
 * - `timeout`: connected, but the reply did not arrive in time
 * - `reset`: the connection broke before the whole reply had arrived
 * - `notHttp`: the reply is not HTTP
 * - `tooBig`: the body is larger than `maxReplyBytes`
 */
export type FaultKind = 'connect' | 'tls' | 'timeout' | 'reset' | 'notHttp' | 'tooBig';

/** No reply was received. Has no cause: undici's errors add nothing, and nothing of the request may leak. */
export class TransportFault extends Error {
  override readonly name = 'TransportFault';
  readonly kind: FaultKind;
  /** The code of undici, Node or OpenSSL: `UND_ERR_SOCKET`, `ENOTFOUND`, `CERT_HAS_EXPIRED`. */
  readonly code: string;

  constructor(kind: FaultKind, code: string) {
    super(`${faultTexts[kind]} (${code})`);
    this.kind = kind;
    this.code = code;
  }
}

const faultTexts: Readonly<Record<FaultKind, string>> = {
  connect: 'no connection could be opened',
  tls: 'no secure connection could be opened',
  timeout: 'the reply did not arrive in time',
  reset: 'the connection broke before the whole reply had arrived',
  notHttp: 'the reply is not HTTP',
  tooBig: 'the reply is larger than any page',
};

/** Keep-alive connections to one origin. */
export class Endpoint {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #requestTimeoutMs: number;
  /** Host and port, as the `Host` header has them. */
  readonly host: string;

  /** @param url scheme, host and port */
  constructor(url: string, clock: Clock, limits: Partial<HttpLimits> = {}) {
    const all = { ...defaultLimits, ...limits };
    const { origin, host } = new URL(url);
    this.host = host;
    this.#clock = clock;
    this.#requestTimeoutMs = all.requestTimeoutMs;
    this.#pool = new Pool(origin, {
      connections: all.connections,
      pipelining: 1,
      // The pacer and the retries assume one request per connection at a time.
      allowH2: false,
      connect: { timeout: all.connectTimeoutMs },
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
    const deadline = abortAfter(this.#requestTimeoutMs, () => new TransportFault('timeout', 'REQUEST_TIMEOUT'), signal);
    try {
      return await this.#exchange(request, deadline.signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof TransportFault ? error : toFault(error);
    } finally {
      deadline.cancel();
    }
  }

  async #exchange({ method, path, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpReply> {
    const sentAtMs = this.#clock.now();
    const { status, replyHeaders, bytes } = await new Promise<ReceivedReply>((resolve, reject) => {
      const options = { method, path, headers: { ...headers }, body: body ?? null };
      this.#pool.dispatch(options, new ReplyReceiver(signal, resolve, reject));
    });
    return {
      status,
      header: (name) => {
        const value = replyHeaders[name];
        return Array.isArray(value) ? value[0] : value;
      },
      text: await decodeBody(bytes, replyHeaders['content-encoding']),
      sentAtMs,
      receivedAtMs: this.#clock.now(),
    };
  }

  /** Aborts requests in flight and closes the connections. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

interface ReceivedReply {
  readonly status: number;
  readonly replyHeaders: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Uint8Array;
}

/**
 * Collects one reply. `pool.request` would create a stream for each, which takes a fifth of the time of a small reply.
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

const decoders: Readonly<Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>>> =
  {
    gzip: promisify(gunzip),
    'x-gzip': promisify(gunzip),
    deflate: promisify(inflate),
    br: promisify(brotliDecompress),
  };

/** Decodes content codings that some proxies apply unasked. Returns null if the body does not match its coding. */
async function decodeBody(bytes: Uint8Array, encoding: string | string[] | undefined): Promise<string | null> {
  if (encoding === undefined) {
    return decodeUtf8(bytes);
  }
  const codings = String(encoding)
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim());
  let decoded = bytes;
  for (const coding of codings.filter((name) => name !== '' && name !== 'identity').toReversed()) {
    try {
      decoded = (await decoders[coding]?.(decoded, { maxOutputLength: defaultLimits.maxReplyBytes })) ?? decoded;
    } catch {
      return null;
    }
  }
  return decodeUtf8(decoded);
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

const kindsByCode: Readonly<Record<string, FaultKind>> = {
  UND_ERR_CONNECT_TIMEOUT: 'connect',
  ENOTFOUND: 'connect',
  EAI_AGAIN: 'connect',
  ECONNREFUSED: 'connect',
  EHOSTUNREACH: 'connect',
  EHOSTDOWN: 'connect',
  ENETUNREACH: 'connect',
  ENETDOWN: 'connect',
  EADDRNOTAVAIL: 'connect',
  EACCES: 'connect',
  EPERM: 'connect',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ETIMEDOUT: 'timeout',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'tooBig',
  UND_ERR_HEADERS_OVERFLOW: 'tooBig',
  EPROTO: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  CERT_NOT_YET_VALID: 'tls',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_GET_ISSUER_CERT: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
};

/** Matches by code, not by class, because two copies of undici in one process would have two classes. */
function toFault(error: unknown): unknown {
  if (error instanceof Error && error.name === 'HTTPParserError') {
    // The code is missing if even the first bytes are not HTTP.
    return new TransportFault('notHttp', 'code' in error && typeof error.code === 'string' ? error.code : error.name);
  }
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return error;
  }
  const { code } = error;
  if (code === 'UND_ERR_INVALID_ARG') {
    return error;
  }
  const kind = kindsByCode[code] ?? (/^ERR_(TLS|SSL)_/.test(code) ? 'tls' : 'reset');
  return new TransportFault(kind, code);
}
