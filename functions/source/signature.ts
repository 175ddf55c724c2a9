/**
 * SDK-HMAC-SHA256: signs a request with an access key. Pure. Source: Huawei Cloud, API Gateway, "AK/SK signing and
 * authentication algorithm"; tested with its published vector.
 */
import { createHash, createHmac } from 'node:crypto';
import { isoTime } from '../clock.ts';
import type { EpochMs } from '../model.ts';
import type { AccessKeyCredentials } from './credentials.ts';

/** The signed parts of a request. Path, query and headers must be sent exactly as signed. */
export interface SignableRequest {
  readonly method: string;
  /** Percent-encoded, for example `/v2/0b1c/quality/instances`. */
  readonly path: string;
  /** Names and values, not encoded. */
  readonly query: readonly (readonly [string, string])[];
  /** Host and port as in the `Host` header. */
  readonly host: string;
  /** Other headers that are sent and signed; names in any case. */
  readonly headers: Readonly<Record<string, string>>;
}

const algorithm = 'SDK-HMAC-SHA256';

/**
 * Returns the headers that authenticate the request: `X-Sdk-Date`, `Authorization`, and `X-Security-Token` for a
 * temporary key.
 *
 * @param now the signed time; the gateway refuses one that is off by more than about 15 minutes
 */
export function signRequest(
  request: SignableRequest,
  key: Omit<AccessKeyCredentials, 'form'>,
  now: EpochMs,
): Record<string, string> {
  const date = isoTime(now).replace(/[-:]|\.\d+/g, '');
  const own: Record<string, string> = {
    'X-Sdk-Date': date,
    ...(key.securityToken === undefined ? {} : { 'X-Security-Token': key.securityToken }),
  };
  const signed = canonicalHeaders({ ...request.headers, ...own, host: request.host });
  const signedNames = signed.map(([name]) => name).join(';');
  const stringToSign = `${algorithm}\n${date}\n${sha256(canonicalRequest(request, signed, signedNames))}`;
  const signature = createHmac('sha256', key.secretAccessKey).update(stringToSign).digest('hex');
  const authorization = `${algorithm} Access=${key.accessKeyId}, SignedHeaders=${signedNames}, Signature=${signature}`;
  return { ...own, Authorization: authorization };
}

/** Encodes a query string by RFC 3986, as it is sent and signed. Keeps the order. */
export function encodeQuery(query: SignableRequest['query']): string {
  return query.map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`).join('&');
}

/** Percent-encodes everything but `A-Z a-z 0-9 - _ . ~`. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function canonicalRequest(
  request: SignableRequest,
  headers: readonly (readonly [string, string])[],
  signedNames: string,
): string {
  const pairs = request.query.map(([name, value]): [string, string] => [encodeRfc3986(name), encodeRfc3986(value)]);
  const query = pairs
    .toSorted(([a, v], [b, w]) => compareText(a, b) || compareText(v, w))
    .map(([name, value]) => `${name}=${value}`);
  return [
    request.method,
    // The final slash is only signed; the request is sent without it.
    request.path.endsWith('/') ? request.path : `${request.path}/`,
    query.join('&'),
    ...headers.map(([name, value]) => `${name}:${value}`),
    '',
    signedNames,
    // No signed request has a body.
    sha256(''),
  ].join('\n');
}

function canonicalHeaders(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers)
    .map(([name, value]): [string, string] => [name.toLowerCase(), value.trim()])
    .toSorted(([a], [b]) => compareText(a, b));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
