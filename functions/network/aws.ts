/** The common part of every AWS client: connections through the proxies of the environment, and network failures. */
import { Agent as HttpAgent } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';
import { ConfigError } from '../errors.ts';
import { type Fault, faultKindOf } from './faults.ts';
import { namesProxy, type ProxyEnvironment, proxyFor } from './proxy.ts';
import { openTunnel, ProxyError } from './tunnel.ts';

/** Time limits of an AWS client's requests, as the SDK names them. */
interface AwsLimits {
  readonly connectionTimeout?: number;
  readonly requestTimeout?: number;
  readonly socketTimeout?: number;
  readonly throwOnRequestTimeout?: boolean;
}

interface Agents {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
}

/** The part of an AWS client's configuration that is about connections. */
interface AwsConnections {
  readonly requestHandler: AwsLimits & Partial<Agents>;
  /** For the clients that fetch credentials, such as those of `aws sso login`. The SDK passes it on to them. */
  readonly clientConfig?: { readonly requestHandler: Agents };
}

/** Options of the agents, under the SDK's names. */
const agentOptions: AgentOptions = { keepAlive: true, maxSockets: 50 };
const proxyTimeoutMs = 10_000;

/**
 * Returns how an AWS client connects. Without a proxy in the environment, the SDK uses its own agents.
 *
 * @throws ConfigError for a variable that is not the URL of a proxy
 */
export function connectionsOf(environment: ProxyEnvironment, limits: AwsLimits = {}): AwsConnections {
  if (!namesProxy(environment)) {
    return { requestHandler: limits };
  }
  const agents = agentsThroughProxies(environment);
  return { requestHandler: { ...limits, ...agents }, clientConfig: { requestHandler: agents } };
}

function agentsThroughProxies(environment: ProxyEnvironment): Agents {
  const noExemption = { ...environment, NO_PROXY: '', no_proxy: '' };
  const httpProxy = proxyFor('http://aws', noExemption);
  const noProxy = environment.no_proxy ?? environment.NO_PROXY ?? '';
  // To Node, a name without a dot has no subdomains.
  const proxyEnv = { HTTP_PROXY: httpProxy?.href, NO_PROXY: noProxy.replace(/[^,\s]+/g, '$&,.$&') };
  return {
    httpsAgent: tunnelAgent(environment),
    // AWS itself is always https; this is for an endpoint of one's own.
    httpAgent: new HttpAgent({ ...agentOptions, proxyEnv }),
  };
}

/** Decides for each connection. Node's own `proxyEnv` hides the status of a refusal. */
function tunnelAgent(environment: ProxyEnvironment): HttpsAgent {
  const agent = new HttpsAgent(agentOptions);
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const host = options.host ?? '';
    const port = Number(options.port ?? 443);
    const proxy = proxyFor(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, environment);
    if (proxy === null) {
      return connect(options, callback);
    }
    const connected = openTunnel(proxy, host, port, proxyTimeoutMs).then((socket) => {
      const inTunnel = { ...options, socket };
      return connect(inTunnel) ?? socket;
    });
    void connected.then(
      (socket) => callback?.(null, socket),
      // Node requires no socket after an error, but the type does.
      (error: Error) => callback?.(error, new Socket()),
    );
    return undefined;
  };
  return agent;
}

/**
 * Returns the network's part in the failure of an AWS client; null if AWS refused, or the SDK failed before any
 * request.
 *
 * @param sent the last request; without a host if the client sent none
 * @throws ConfigError for an error of our own agents, which says all
 */
export function awsFault(
  thrown: unknown,
  { host, protocol = 'https:' }: SentRequest,
  environment: ProxyEnvironment,
): Fault | null {
  if (thrown instanceof ConfigError) {
    throw thrown;
  }
  const code = networkCode(thrown);
  if (host === undefined || code === undefined) {
    return null;
  }
  const proxy = proxyFor(`${protocol}//${host}`, environment);
  const kind = thrown instanceof ProxyError ? 'proxy' : code === 'TimeoutError' ? 'timeout' : faultKindOf(code);
  return { kind, code, route: { host, proxy } };
}

/** Errors of sockets, DNS and TLS have a code; the SDK's own time limits have a name. */
function networkCode(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || '$fault' in thrown) {
    return undefined;
  }
  if ('code' in thrown && typeof thrown.code === 'string') {
    return thrown.code;
  }
  return thrown.name === 'TimeoutError' ? thrown.name : undefined;
}

/** The parts of an SDK request that messages need. */
interface SentRequest {
  /** The host, with its port unless that is the scheme's default. */
  readonly host?: string | undefined;
  readonly protocol?: string | undefined;
  /** The path, URL-encoded. */
  readonly path?: string | undefined;
  readonly sessionToken?: string | undefined;
}

/** Keeps the last request of a client as the SDK sends it: `client.middlewareStack.add(last.watch, last.place)`. */
export class LastRequest {
  /** Behind the signature. */
  readonly place = { step: 'deserialize', priority: 'low' } as const;
  #sent: SentRequest = {};

  /** Empty before the first request. */
  get sent(): SentRequest {
    return this.#sent;
  }

  readonly watch =
    <Args extends { readonly request: unknown }, Result>(next: (args: Args) => Result) =>
    (args: Args): Result => {
      this.#sent = sentRequest(args.request);
      return next(args);
    };
}

/** Returns what messages need of a request as the SDK sends it. */
function sentRequest(request: unknown): SentRequest {
  const { hostname, port, protocol, path, headers } = Object(request);
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  return {
    host: text(typeof port === 'number' ? `${hostname}:${port}` : hostname),
    protocol: text(protocol),
    path: text(path),
    sessionToken: text(Object(headers)['x-amz-security-token']),
  };
}

/** Whether the SDK found no region in the environment. */
export function isRegionMissing(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.message === 'Region is missing';
}
