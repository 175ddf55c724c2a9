/**
 * A TCP (or TLS) proxy on 127.0.0.1 that injects faults: into single HTTP exchanges, chosen by its `decide`, or into a
 * connection before any exchange.
 *
 * It parses just enough HTTP/1.1 to separate exchanges (no pipelining) and a reply's head from its body. It does not
 * depend on a test framework; the caller closes it.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';

/** A request that passes the proxy. `n` counts from 1 over all connections. */
export interface Exchange {
  readonly n: number;
  readonly method: string;
  readonly path: string;
}

/** What happens to an exchange. */
export type ProxyFault =
  /** Nothing is passed on. The connection is reset, ended without a reply, or stays silent. */
  | { readonly kind: 'reset' | 'half-close' | 'black-hole' }
  /** Nothing is passed on. The proxy sends this reply and ends the connection. */
  | { readonly kind: 'answer'; readonly reply: string }
  /** Calls `act`. Nothing is passed on, and the connection stays open. */
  | { readonly kind: 'act-before'; readonly act: () => unknown }
  /** The request takes effect. When its reply arrives, `act` is called and nothing of the reply is passed on. */
  | { readonly kind: 'act-after'; readonly act: () => unknown }
  /** The request takes effect, but the connection is reset in place of the reply. */
  | { readonly kind: 'lose-reply' }
  /** The head and half of the body arrive, followed by a reset, an end, or silence. */
  | { readonly kind: 'break-body' | 'end-body' | 'stall-body' }
  /** Bytes of the reply's body are replaced by `0xff`, which is not valid in UTF-8. */
  | { readonly kind: 'corrupt-body' }
  /** Bytes of the request's body are changed. */
  | { readonly kind: 'corrupt-request' }
  /** The reply is delayed by `ms`. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The reply arrives in pieces of `bytes`, one every `ms`. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly ms: number };

/** What happens to a connection before any exchange. */
export type Greeting = 'none' | 'reset' | 'garbage' | 'silence';

/** Options of a proxy. */
export interface FaultProxyOptions {
  /** `http://127.0.0.1:<port>` of the server behind the proxy. */
  readonly upstream: string;
  /** Default: no faults. */
  readonly decide?: FaultProxy['decide'];
  /** Speaks TLS to the client and plain HTTP to the server behind the proxy. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Returns the fault that answers with a status and a body in place of the upstream; each header ends with `\r\n`. */
export function answer(status: number, body: string, headers = ''): ProxyFault {
  const fixed = `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n`;
  return { kind: 'answer', reply: `HTTP/1.1 ${status} Status\r\n${fixed}${headers}\r\n${body}` };
}

/** Returns the fault that answers with an error of S3. */
export function s3Error(status: number, code: string): ProxyFault {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`;
  return answer(status, body, 'content-type: application/xml\r\n');
}

/** The state of one connection's current exchange. */
interface Passage {
  readonly client: Socket;
  readonly upstream: Socket;
  fault: ProxyFault | null;
  isReplied: boolean;
  inBody: boolean;
  requestInBody: boolean;
}

const headEnd = Buffer.from('\r\n\r\n');

/** A running proxy. */
export class FaultProxy {
  /** Returns the fault of an exchange when it begins. May be replaced at any time. */
  decide: (exchange: Exchange) => ProxyFault | null;
  greeting: Greeting = 'none';
  /** All exchanges so far. */
  readonly exchanges: Exchange[] = [];
  readonly #upstream: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: 'http' | 'https';

  private constructor({ upstream, decide = () => null, tls }: FaultProxyOptions) {
    this.decide = decide;
    this.#upstream = new URL(upstream);
    this.#scheme = tls === undefined ? 'http' : 'https';
    const serve = (client: Socket): void => void this.#serve(client);
    this.#server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    this.#server.on('connection', (socket) => this.#keep(socket));
    this.#server.on('tlsClientError', () => undefined);
  }

  /** Opens a proxy on a free port. */
  static async open(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** `http://127.0.0.1:<port>`, or `https://…`. */
  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Stops immediately, also if exchanges are in flight. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Breaks all open connections. */
  cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.greeting === 'reset') {
      socket.resetAndDestroy();
    } else if (this.greeting === 'garbage') {
      socket.end('\u0015\u0003\u0001 this is no protocol at all\r\n\r\n');
    }
  }

  async #serve(client: Socket): Promise<void> {
    if (this.greeting !== 'none') {
      return;
    }
    const upstream = connect(Number(this.#upstream.port), this.#upstream.hostname);
    this.#sockets.add(upstream);
    client.on('error', () => undefined);
    upstream.on('error', () => client.destroy());
    upstream.once('close', () => this.#sockets.delete(upstream));
    const passage: Passage = {
      client,
      upstream,
      fault: null,
      isReplied: true,
      inBody: false,
      requestInBody: false,
    };
    await Promise.all([this.#passRequests(passage), this.#passReplies(passage)]).catch(() => undefined);
  }

  async #passRequests(passage: Passage): Promise<void> {
    const { client, upstream } = passage;
    for await (const chunk of client) {
      if (passage.isReplied) {
        this.#begin(passage, chunk);
      }
      if (!(await passRequest(passage, chunk))) {
        return;
      }
    }
    upstream.end();
  }

  #begin(passage: Passage, chunk: Buffer): void {
    const [method = '', path = ''] = chunk.toString('latin1', 0, 4096).split(' ', 2);
    const exchange = { n: this.exchanges.length + 1, method, path };
    this.exchanges.push(exchange);
    passage.isReplied = false;
    passage.inBody = false;
    passage.requestInBody = false;
    passage.fault = this.decide(exchange);
  }

  async #passReplies(passage: Passage): Promise<void> {
    for await (const chunk of passage.upstream) {
      passage.isReplied = true;
      if (!(await passReply(passage, chunk))) {
        return;
      }
    }
    passage.client.end();
  }
}

/** Passes a piece of a request on unless the fault prevents it. Returns false if the connection passes no more. */
async function passRequest(passage: Passage, chunk: Buffer): Promise<boolean> {
  const { client, upstream, fault } = passage;
  switch (fault?.kind) {
    case 'reset':
      upstream.destroy();
      client.resetAndDestroy();
      return false;
    case 'half-close':
      client.end();
      return true;
    case 'black-hole':
      return true;
    case 'answer':
      client.end(fault.reply);
      return true;
    case 'act-before':
      await fault.act();
      return true;
    case 'corrupt-request': {
      const at = passage.requestInBody ? 0 : chunk.indexOf(headEnd) + headEnd.length;
      passage.requestInBody = true;
      upstream.write(Buffer.concat([chunk.subarray(0, at), flipped(chunk.subarray(at))]));
      return true;
    }
    default:
      upstream.write(chunk);
      return true;
  }
}

/** Passes a piece of a reply on unless the fault prevents it. Returns false if the connection passes no more. */
async function passReply(passage: Passage, chunk: Buffer): Promise<boolean> {
  const { client, upstream, fault } = passage;
  switch (fault?.kind) {
    case 'lose-reply':
      upstream.destroy();
      client.resetAndDestroy();
      return false;
    case 'act-after':
      await fault.act();
      return true;
    case 'delay':
      await pause(fault.ms);
      client.write(chunk);
      return true;
    case 'drip':
      await drip(client, chunk, fault.bytes, fault.ms);
      return !client.destroyed;
    case 'break-body':
    case 'end-body':
    case 'stall-body':
    case 'corrupt-body':
      return spoilBody(passage, chunk, fault.kind);
    default:
      client.write(chunk);
      return true;
  }
}

function spoilBody(
  passage: Passage,
  chunk: Buffer,
  kind: 'break-body' | 'end-body' | 'stall-body' | 'corrupt-body',
): boolean {
  const { client, upstream } = passage;
  const end = passage.inBody ? 0 : chunk.indexOf(headEnd) + headEnd.length;
  passage.inBody = true;
  const body = chunk.subarray(end);
  if (body.length === 0) {
    client.write(chunk);
    return true;
  }
  const half = Math.ceil(body.length / 2);
  if (kind === 'corrupt-body') {
    client.write(Buffer.concat([chunk.subarray(0, end), flipped(body)]));
    return true;
  }
  client.write(chunk.subarray(0, end + half), () => {
    if (kind === 'break-body') {
      client.resetAndDestroy();
    } else if (kind === 'end-body') {
      client.end();
    }
  });
  upstream.destroy();
  return false;
}

/** Returns a copy with another byte in the middle. */
function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) {
    copy[Math.floor(copy.length / 2)] = 0xff;
  }
  return copy;
}

async function drip(client: Socket, chunk: Buffer, size: number, everyMs: number): Promise<void> {
  for (let at = 0; at < chunk.length && !client.destroyed; at += size) {
    client.write(chunk.subarray(at, at + size));
    await pause(everyMs);
  }
}
