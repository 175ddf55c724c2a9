/**
 * Verifies SDK-HMAC-SHA256 requests. Follows the published description, and shares no code with the product's signer.
 *
 * Requires signed headers host and x-sdk-date, because it is unknown whether the real gateway accepts less.
 */
import { createHash, createHmac } from 'node:crypto';

/** A request as received. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, undecoded. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** The content of an `Authorization` header. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Parses an `Authorization` header; null if its scheme is not SDK-HMAC-SHA256. */
export function parseAuthorization(header: string): Authorization | null {
  const match = /^SDK-HMAC-SHA256 Access=([^,\s]+), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/.exec(
    header,
  );
  const [, accessKeyId, signedHeaders, signature] = match ?? [];
  if (accessKeyId === undefined || signedHeaders === undefined || signature === undefined) {
    return null;
  }
  return { accessKeyId, signedHeaders: signedHeaders.split(';'), signature };
}

/** Parses `X-Sdk-Date` (`20191115T033655Z`) to epoch ms; null if it is malformed. */
export function parseSdkDate(text: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) {
    return null;
  }
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Returns the hash of the canonical request, in hex. */
export function canonicalHash(request: SignedRequest, signedHeaders: readonly string[]): string {
  const [path = '', query = ''] = splitOnce(request.url, '?');
  const canonical = [
    request.method.toUpperCase(),
    canonicalPath(path),
    canonicalQuery(query),
    signedHeaders.map((name) => `${name}:${headerText(request, name).trim()}\n`).join(''),
    signedHeaders.join(';'),
    headerText(request, 'x-sdk-content-sha256') || sha256(request.body),
  ];
  return sha256(canonical.join('\n'));
}

/** Returns the signature that the request must have. */
export function expectedSignature(
  request: SignedRequest,
  signedHeaders: readonly string[],
  secretAccessKey: string,
): string {
  const text = ['SDK-HMAC-SHA256', headerText(request, 'x-sdk-date'), canonicalHash(request, signedHeaders)].join('\n');
  return createHmac('sha256', secretAccessKey).update(text).digest('hex');
}

/** Returns a header's value; the empty string if it is missing. */
export function headerText(request: Pick<SignedRequest, 'headers'>, name: string): string {
  const value = request.headers[name];
  return value === undefined ? '' : typeof value === 'string' ? value : value.join(',');
}

function canonicalPath(path: string): string {
  const encoded = path
    .split('/')
    .map((segment) => encode(decodeURIComponent(segment)))
    .join('/');
  return encoded.endsWith('/') ? encoded : `${encoded}/`;
}

function canonicalQuery(query: string): string {
  if (query === '') {
    return '';
  }
  return query
    .split('&')
    .map((pair) => {
      const [name = '', value = ''] = splitOnce(pair, '=').map((part) =>
        encode(decodeURIComponent(part.replaceAll('+', ' '))),
      );
      return { name, value };
    })
    .sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function splitOnce(text: string, separator: string): string[] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

/** Percent-encodes everything but unreserved characters (RFC 3986), with upper-case hex digits. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
