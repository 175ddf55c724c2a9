/**
 * Why no reply was received, with the same message and remedy for every client: the source's, IAM's, S3's, those of
 * other AWS services. Pure.
 */
import type { Route } from './proxy.ts';

/**
 * - `connect` no connection: name not found, refused, timed out
 * - `proxy` the proxy on the way cannot be reached, or refuses to connect
 * - `tls` the server's certificate or protocol is not acceptable
 * - `timeout` connected, but the reply did not arrive in time
 * - `reset` the connection broke before the whole reply had arrived
 * - `notHttp` the reply is not HTTP
 * - `tooBig` the body is larger than `maxReplyBytes`
 */
export type FaultKind = 'connect' | 'proxy' | 'tls' | 'timeout' | 'reset' | 'notHttp' | 'tooBig';

/** A fault as it is shown. */
export interface Fault {
  readonly kind: FaultKind;
  /** undici's, Node's or OpenSSL's code: `UND_ERR_SOCKET`, `ENOTFOUND`, `CERT_HAS_EXPIRED`; or a proxy's `HTTP 407`. */
  readonly code: string;
  readonly route: Route;
}

/** Certificate of an authority that this machine does not know. */
const unknownAuthority = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
];

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
  HOSTNAME_MISMATCH: 'tls',
  ...Object.fromEntries(unknownAuthority.map((code) => [code, 'tls'])),
};

/** Returns the kind of fault that a code of undici, Node or OpenSSL means; `reset` for unknown codes. */
export function faultKindOf(code: string): FaultKind {
  return kindsByCode[code] ?? (/^(ERR_TLS|ERR_SSL|CERT)_/.test(code) ? 'tls' : 'reset');
}

/** Returns what happened, without its code. */
export function describeFault({ kind, code, route: { host, proxy } }: Fault): string {
  // Without user and password.
  const proxyName = proxy?.origin ?? 'on the way';
  const way = proxy === null ? host : `${host} through the proxy ${proxyName}`;
  switch (kind) {
    case 'connect':
      return `cannot connect to ${way}`;
    case 'proxy':
      return /^HTTP /.test(code)
        ? `the proxy ${proxyName} refused to connect to ${host}`
        : `the proxy ${proxyName}, on the way to ${host}, cannot be reached`;
    case 'tls':
      return `cannot open a secure connection to ${way}`;
    case 'timeout':
      return `the reply from ${way} did not arrive in time`;
    case 'reset':
      return `the connection to ${way} broke before the whole reply had arrived`;
    case 'notHttp':
      return `the reply from ${way} is not HTTP`;
    case 'tooBig':
      return `the reply from ${way} is larger than any page`;
  }
}

/**
 * Returns what to do about a fault.
 *
 * @param setting what names the host: a config key, or an environment variable
 */
export function faultRemedy({ kind, code, route }: Fault, setting: string): string {
  switch (kind) {
    case 'connect':
      if (code === 'ECONNREFUSED' && /^(127\.|localhost\b|\[::1\])/.test(route.host)) {
        return `No server listens on that port. Check ${setting}, and start the server. The simulated source of "dqsync demo" ends with the demo; its table can still be queried.`;
      }
      return `Check ${setting}, and that this machine can reach ${route.host} (name and region, DNS, firewall, VPC route to the internet; HTTPS_PROXY if a proxy is needed).`;
    case 'proxy':
      return proxyRemedy(code, route, setting);
    case 'tls':
      return tlsRemedy(code, route, setting);
    case 'timeout':
    case 'reset':
      return 'The network or the server failed: run again later.';
    case 'notHttp':
      return `Run again later. If this persists, check that ${setting} is the API's endpoint and that no proxy replies instead.`;
    case 'tooBig':
      return `Check that ${setting} is the API's endpoint.`;
  }
}

/** Whether trying again may help without manual changes. */
export function isPassingFault({ kind, code }: Pick<Fault, 'kind' | 'code'>): boolean {
  return kind !== 'tls' && kind !== 'tooBig' && !(kind === 'proxy' && /^HTTP 4/.test(code));
}

function proxyRemedy(code: string, { host }: Route, setting: string): string {
  if (code === 'HTTP 407') {
    return proxyLoginRemedy('HTTPS_PROXY');
  }
  if (/^HTTP 4/.test(code)) {
    return `Ask the administrator of the proxy to allow ${host}, or add the host to NO_PROXY if this machine reaches it directly.`;
  }
  if (/^HTTP /.test(code)) {
    return `The proxy does not reach it: check ${setting}, and add the host to NO_PROXY if this machine reaches it directly.`;
  }
  return 'Check HTTPS_PROXY, or add the host to NO_PROXY if this machine reaches it directly.';
}

/** The remedy for a 407, which only proxies return. */
export function proxyLoginRemedy(variable: 'HTTPS_PROXY' | 'HTTP_PROXY'): string {
  return `The proxy requires a user and a password: set ${variable} to http://<user>:<password>@<proxy>:<port>.`;
}

function tlsRemedy(code: string, { host }: Route, setting: string): string {
  const pem = '(a PEM file) in NODE_EXTRA_CA_CERTS';
  const ownCa = `name the certificate of its authority ${pem}`;
  if (unknownAuthority.includes(code)) {
    return `This machine does not trust the authority that signed the certificate of ${host}. If it is your own, name its certificate ${pem}.`;
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return `Check the clock of this machine; if it is right, ${host} needs a new certificate. Behind an inspecting proxy, ${ownCa}.`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH') {
    return `The certificate is for another host: check ${setting}. Behind an inspecting proxy, ${ownCa}.`;
  }
  return `Check ${setting}; behind an inspecting proxy, ${ownCa}.`;
}
