/** A connection to a host through an HTTP proxy, by CONNECT (RFC 9110, section 9.3.6). */
import { type ClientRequest, request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import type { Socket } from 'node:net';
import { abortAfter } from '../clock.ts';
import { proxyAuthorization } from './proxy.ts';

/**
 * The proxy is unreachable or refuses to connect. Built only from named fields, because the proxy's URL may contain a
 * password.
 */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  /** The system's code, `ECONNREFUSED`; or the status of the proxy's refusal, `HTTP 407`. */
  readonly code: string;

  constructor(code: string) {
    super(`the proxy failed (${code})`);
    this.code = code;
  }
}

/**
 * Opens a connection through a proxy.
 *
 * @param timeoutMs longest wait for the proxy
 * @param signal ends the wait earlier
 * @throws ProxyError
 */
export function openTunnel(
  proxy: URL,
  host: string,
  port: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket> {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const request: ClientRequest = (proxy.protocol === 'https:' ? overHttps : overHttp)({
    method: 'CONNECT',
    host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : proxy.port,
    path: authority,
    headers: { host: authority, ...proxyAuthorization(proxy) },
    agent: false,
  });
  const deadline = abortAfter(timeoutMs, () => new ProxyError('ETIMEDOUT'), signal);
  deadline.signal.addEventListener('abort', () => request.destroy(deadline.signal.reason), { once: true });
  request.once('connect', ({ statusCode = 0 }, socket: Socket) => {
    deadline.cancel();
    if (statusCode >= 200 && statusCode < 300) {
      resolve(socket);
      return;
    }
    socket.destroy();
    reject(new ProxyError(`HTTP ${statusCode}`));
  });
  request.once('error', (error: NodeJS.ErrnoException) => {
    deadline.cancel();
    reject(error instanceof ProxyError ? error : new ProxyError(error.code ?? error.name));
  });
  request.end();
  return promise;
}
