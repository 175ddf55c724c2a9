/**
 * Signature version 4 of AWS, for POST requests without a query, and for URLs of objects in S3. Sources: IAM user
 * guide, "Create a signed AWS API request"; S3 API reference, "Authenticating Requests: Using Query Parameters". Pure.
 */
import { createHash, createHmac } from 'node:crypto';

/** The signed parts of a request. */
export interface SignableCall {
  readonly service: string;
  readonly region: string;
  /** The path. It must not need URL encoding. */
  readonly path: string;
  /** The headers by their names in lower case, including `host`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Credentials as the SDK resolves them. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Returns all headers of the signed request. @param now `YYYYMMDDTHHMMSSZ` */
export function signedHeaders(call: SignableCall, credentials: AwsCredentials, now: string): Record<string, string> {
  const { sessionToken } = credentials;
  const headers: Record<string, string> = {
    ...call.headers,
    'x-amz-date': now,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
  };
  const names = Object.keys(headers).sort();
  const list = names.join(';');
  const lines = names.map((name) => `${name}:${headers[name]?.trim()}\n`).join('');
  const canonical = ['POST', call.path, '', lines, list, sha256(call.body)].join('\n');
  const scope = scopeOf(call, now);
  const credential = [credentials.accessKeyId, ...scope].join('/');
  const signature = signatureOf(canonical, scope, credentials, now);
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${list}, Signature=${signature}`,
  };
}

/** An object of S3 to read by its URL. */
export interface ReadableObject {
  readonly region: string;
  /** The URL of the object, encoded and without a query. */
  readonly url: string;
  /** How long the URL is valid. AWS allows a week, and no longer than temporary credentials are. */
  readonly seconds: number;
}

/** Returns a URL by which anyone can read the object. @param now `YYYYMMDDTHHMMSSZ` */
export function presignedUrl(object: ReadableObject, credentials: AwsCredentials, now: string): string {
  const { host, pathname } = new URL(object.url);
  const scope = scopeOf({ region: object.region, service: 's3' }, now);
  const { accessKeyId, sessionToken } = credentials;
  const parameters: Readonly<Record<string, string>> = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': [accessKeyId, ...scope].join('/'),
    'X-Amz-Date': now,
    'X-Amz-Expires': String(object.seconds),
    ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
    'X-Amz-SignedHeaders': 'host',
  };
  const query = Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const canonical = ['GET', pathname, query, `host:${host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  return `${object.url}?${query}&X-Amz-Signature=${signatureOf(canonical, scope, credentials, now)}`;
}

type Scope = readonly string[];

function scopeOf({ region, service }: Pick<SignableCall, 'region' | 'service'>, now: string): Scope {
  return [now.slice(0, 8), region, service, 'aws4_request'];
}

function signatureOf(canonical: string, scope: Scope, { secretAccessKey }: AwsCredentials, now: string): string {
  const text = ['AWS4-HMAC-SHA256', now, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<Buffer>(hmac, Buffer.from(`AWS4${secretAccessKey}`));
  return hmac(key, text).toString('hex');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
