/**
 * Finds the proxy for a host, from HTTPS_PROXY, HTTP_PROXY and NO_PROXY in upper or lower case. Pure. `https:` uses
 * HTTPS_PROXY, `http:` uses HTTP_PROXY, as in curl and the AWS CLI. Loopback is no exception unless NO_PROXY lists it.
 */
import { BlockList, isIP } from 'node:net';
import { unescape as decodePercent } from 'node:querystring';
import { ConfigError } from '../errors.ts';

/** The environment variables that name proxies. Lowercase takes precedence, as in curl. */
export interface ProxyEnvironment {
  readonly HTTPS_PROXY?: string | undefined;
  readonly https_proxy?: string | undefined;
  readonly HTTP_PROXY?: string | undefined;
  readonly http_proxy?: string | undefined;
  readonly NO_PROXY?: string | undefined;
  readonly no_proxy?: string | undefined;
}

/** The way to a host, for messages. */
export interface Route {
  /** Host, with the port unless it is the scheme's default. */
  readonly host: string;
  /** The proxy on the way, null without one. */
  readonly proxy: URL | null;
}

/** Whether any proxy is named. */
export function namesProxy(environment: ProxyEnvironment): boolean {
  return ['https:', 'http:'].some((protocol) => proxyText(protocol, environment) !== '');
}

/**
 * Returns the proxy for a URL; null without one.
 *
 * @throws ConfigError for a variable that is not an http:// or https:// URL
 */
export function proxyFor(target: string | URL, environment: ProxyEnvironment): URL | null {
  const url = new URL(target);
  const text = proxyText(url.protocol, environment);
  if (text === '' || isExempt(url, (environment.no_proxy ?? environment.NO_PROXY ?? '').toLowerCase())) {
    return null;
  }
  // Curl also accepts "proxy:3128".
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const proxy = URL.canParse(withScheme) ? new URL(withScheme) : null;
  if (proxy === null || !/^https?:$/.test(proxy.protocol)) {
    // The value is not shown, because it may contain a password.
    const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    throw new ConfigError(`${name} is not the URL of a proxy that dqsync can use for ${url.host}`, {
      remedy: `Set ${name} to a URL such as http://proxy.example.com:3128, or add ${url.hostname} to NO_PROXY.`,
      code: name,
    });
  }
  return proxy;
}

/**
 * Returns the proxy for a tunnel to the source, IAM or an AWS service; null if there is none, and for plain http, which
 * the config allows only on loopback.
 *
 * @throws ConfigError as `proxyFor`
 */
export function tunnelFor(target: string, environment: ProxyEnvironment): URL | null {
  return target.startsWith('https:') ? proxyFor(target, environment) : null;
}

/** Returns the header `Proxy-Authorization`; no header if the proxy's URL has no user. */
export function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  // As curl does, this accepts a percent sign that is not escaped.
  const pair = `${decodePercent(username)}:${decodePercent(password)}`;
  return pair === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

function proxyText(protocol: string, environment: ProxyEnvironment): string {
  const { https_proxy, HTTPS_PROXY, http_proxy, HTTP_PROXY } = environment;
  return (protocol === 'https:' ? (https_proxy ?? HTTPS_PROXY) : (http_proxy ?? HTTP_PROXY)) ?? '';
}

/**
 * Entries of NO_PROXY: `*`, a host with its subdomains, `.domain`, an address, a subnet; each with a port or without.
 */
function isExempt({ hostname, port, protocol }: URL, noProxy: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const ownPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  return noProxy.split(/[,\s]+/).some((entry) => {
    const [, name = entry, onlyPort] = /^(\[.*\]|[^:]*):(\d+)$/.exec(entry) ?? [];
    const bare = name.replace(/^\[(.*)\]$/, '$1').replace(/^\*?\./, '');
    const isHost = bare === '*' || host === bare || (bare !== '' && host.endsWith(`.${bare}`)) || isWithin(host, bare);
    return isHost && (onlyPort === undefined || onlyPort === ownPort);
  });
}

function isWithin(host: string, subnet: string): boolean {
  const [, address = '', bits = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(subnet) ?? [];
  const version = isIP(address);
  if (version === 0 || isIP(host) !== version || Number(bits) > (version === 4 ? 32 : 128)) {
    return false;
  }
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, Number(bits), family);
  return list.check(host, family);
}
