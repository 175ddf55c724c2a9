/** Signature version 4 of AWS, for POST requests without a query. Source: IAM user guide, "Create a signed AWS API request". Pure. */
import { createHash, createHmac } from 'node:crypto';

/** The signed parts of a request. */
export interface SignableCall {
  readonly service: string;
  readonly region: string;
  /** Without characters that a path encodes. */
  readonly path: string;
  /** By names in lower case, including `host`. */
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
  const scope = [now.slice(0, 8), call.region, call.service, 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', now, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<Buffer>(hmac, Buffer.from(`AWS4${credentials.secretAccessKey}`));
  const credential = [credentials.accessKeyId, ...scope].join('/');
  const signature = hmac(key, text).toString('hex');
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${list}, Signature=${signature}`,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
