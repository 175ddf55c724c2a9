/**
 * An HTTP proxy on 127.0.0.1: CONNECT for TLS, absolute URLs for plain HTTP. Only the proxy resolves the names of a
 * test.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** Options of a proxy. */
export interface ConnectProxyOptions {
  /** The port on 127.0.0.1 behind each `host:port`. The proxy answers other names with 502. */
  readonly names: Readonly<Record<string, number>>;
  /** Credentials required in `Proxy-Authorization`. Default: none. */
  readonly credentials?: string;
  /** The status with which every request is refused. Default: none is. */
  readonly refusal?: number;
}

/** A running proxy. */
export interface ConnectProxy {
  /** Its URL without credentials. */
  readonly url: string;
  readonly port: number;
  /** The requests so far, as `CONNECT host:port` or `GET http://…`. */
  readonly asked: string[];
}

/** Starts a proxy that is closed when the test is finished. */
export async function startConnectProxy(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const statusFor = (incoming: IncomingMessage): number => {
    const { credentials, refusal = 200 } = options;
    const isKnown =
      credentials === undefined || incoming.headers['proxy-authorization'] === `Basic ${btoa(credentials)}`;
    return isKnown ? refusal : 407;
  };
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    forward(incoming, response, options.names, statusFor(incoming));
  });
  server.on('connect', (incoming: IncomingMessage, client: Socket) => {
    asked.push(`CONNECT ${incoming.url}`);
    const port = options.names[incoming.url ?? ''];
    const status = port === undefined ? 502 : statusFor(incoming);
    client.on('error', () => undefined);
    if (status !== 200 || port === undefined) {
      client.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    sockets.add(upstream).add(client);
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) {
      socket.destroy();
    }
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port, asked };
}

function forward(
  incoming: IncomingMessage,
  response: ServerResponse,
  names: ConnectProxyOptions['names'],
  status: number,
) {
  const url = new URL(incoming.url ?? '');
  const port = names[`${url.hostname}:${url.port === '' ? 80 : url.port}`];
  if (status !== 200 || port === undefined) {
    response.writeHead(status === 200 ? 502 : status).end();
    return;
  }
  const onward = request(
    { host: '127.0.0.1', port, method: incoming.method, path: url.pathname + url.search, headers: incoming.headers },
    (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(response);
    },
  );
  onward.on('error', () => response.destroy());
  incoming.pipe(onward);
}
