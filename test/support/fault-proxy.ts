/**
 * A TCP (or TLS) proxy on 127.0.0.1 that spoils what passes: per HTTP exchange as its `decide` says, or before any exchange.
 *
 * It knows just enough HTTP/1.1 to separate exchanges (no pipelining) and a reply's head from its body. Knows no test
 * framework: whoever opens one closes it.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';

/** One request on its way through, counted over all connections from 1. */
export interface Exchange {
  readonly n: number;
  readonly method: string;
  readonly path: string;
}

/** What happens to an exchange. */
export type ProxyFault =
  /** Nothing is passed on; the connection is reset, ended without a reply, or says nothing any more. */
  | { readonly kind: 'reset' | 'half-close' | 'black-hole' }
  /** Nothing is passed on; this is the reply, and the end of the connection. */
  | { readonly kind: 'answer'; readonly reply: string }
  /** `act` is done and nothing passed on; the connection is left alone. */
  | { readonly kind: 'act-before'; readonly act: () => unknown }
  /** The request has taken effect, the reply has come: `act` is done, and nothing of the reply passed on. */
  | { readonly kind: 'act-after'; readonly act: () => unknown }
  /** The request takes effect, the reply is lost: the connection is reset instead. */
  | { readonly kind: 'lose-reply' }
  /** Head and half of the body arrive; then a reset, an end, or nothing any more. */
  | { readonly kind: 'break-body' | 'end-body' | 'stall-body' }
  /** Bytes of the body arrive as others: `0xff`, which no UTF-8 has. */
  | { readonly kind: 'corrupt-body' }
  /** The request's own body arrives as another. */
  | { readonly kind: 'corrupt-request' }
  /** The reply comes so much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** The reply comes in pieces of `bytes`, one every `ms`. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly ms: number };

/** What happens to a connection before any exchange. */
export type Greeting = 'none' | 'reset' | 'garbage' | 'silence';

/** How a proxy starts. */
export interface FaultProxyOptions {
  /** `http://127.0.0.1:<port>` of what lies behind. */
  readonly upstream: string;
  /** Default: nothing goes wrong. */
  readonly decide?: FaultProxy['decide'];
  /** Speaks TLS to the client, plain HTTP to what lies behind. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A whole reply, as it goes over the wire. */
export function rawReply(status: number, body: string, headers = ''): string {
  return `HTTP/1.1 ${status} Status\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n${headers}\r\n${body}`;
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

/** The proxy, seen from a test. */
export class FaultProxy {
  /** Asked at the beginning of each exchange. May be replaced at any time. */
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

  /** Ends at once, whatever is in flight. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut();
    await closed;
  }

  /** Breaks every connection there is. */
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

/** Passes a piece of a request on, or not. False: no more is to be passed on this connection. */
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

/** Passes a piece of a reply on, or not. False: no more is to be passed on this connection. */
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

/** The same length, a byte in the middle another. */
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
