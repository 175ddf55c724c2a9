/**
 * A small S3 on 127.0.0.1: GET, conditional PUT, tags, ListObjectsV2, and failures.
 *
 * Follows the S3 API reference ("PutObject", "Conditional writes", "ListObjectsV2", "Error responses"), with URLs in
 * path style: `/<bucket>/<key>`.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { crc32 } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';

/** A failure of one request: the next one of its method that `when` accepts. */
export interface Fault {
  readonly method: 'GET' | 'PUT' | 'LIST';
  /** Default: any request of the method. */
  readonly when?: (url: URL) => boolean;
  /**
   * An S3 error code; `lostReply`: the request takes effect and the connection breaks; `reset`: the connection breaks
   * before any effect; `brokenBody`: the reply's body breaks off; or the reply of a middlebox in front of S3.
   */
  readonly failure: keyof typeof errorStatuses | 'lostReply' | 'reset' | 'brokenBody' | ForeignReply;
  /** Runs before the failure, for example to write as another process. */
  readonly before?: () => void;
}

/** A complete reply of something other than S3. */
export interface ForeignReply {
  /** Default: 200. */
  readonly status?: number;
  readonly body: string | Uint8Array;
  /** Default: none. */
  readonly etag?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const errorStatuses = {
  PreconditionFailed: 412,
  ConditionalRequestConflict: 409,
  NoSuchKey: 404,
  NoSuchBucket: 404,
  AccessDenied: 403,
  ExpiredToken: 400,
  InvalidAccessKeyId: 403,
  PermanentRedirect: 301,
  InternalError: 500,
  BadDigest: 400,
  RequestTimeTooSkewed: 403,
  SlowDown: 503,
} as const;

/** The server with its objects. */
export class FakeS3 {
  readonly objects = new Map<string, Uint8Array>();
  readonly faults: Fault[] = [];
  /** The requests so far, as `METHOD key`. */
  readonly requests: string[] = [];
  /** The headers of each write so far. */
  readonly writtenHeaders: IncomingHttpHeaders[] = [];
  /** Keys per page of a listing. */
  pageSize = 1000;
  /** Whether the reply to a write has an ETag, as S3's has. */
  returnsEtagOfPut = true;
  /** Conditions of writes that the server ignores. */
  readonly ignored = new Set<'if-none-match' | 'if-match'>();
  readonly bucket = 'warehouse';
  /** The tag of each tagged object, as `name=value`. */
  readonly tags = new Map<string, string>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  /** Starts a server that is stopped when the test is finished. */
  static async start(): Promise<FakeS3> {
    const fake = await FakeS3.open();
    onTestFinished(() => fake.close());
    return fake;
  }

  /** Starts a server that the caller closes. */
  static async open(): Promise<FakeS3> {
    const fake = new FakeS3();
    await new Promise<void>((resolve) => {
      fake.#server.listen(0, '127.0.0.1', resolve);
    });
    return fake;
  }

  /** Stops immediately, also if requests are in flight. */
  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The server's URL. */
  get endpoint(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  /** The environment of a process that uses this server as S3. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_S3: this.endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'verysecretverysecret',
    };
  }

  /** Returns a client of the real SDK for this server. */
  client(): S3Client {
    const client = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'verysecretverysecret' },
      maxAttempts: 3,
    });
    onTestFinished(() => client.destroy());
    return client;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.endpoint);
    const [, , ...parts] = decodeURIComponent(url.pathname).split('/');
    const key = parts.join('/');
    const method = request.method === 'GET' && url.searchParams.has('list-type') ? 'LIST' : request.method;
    this.requests.push(`${method} ${method === 'LIST' ? (url.searchParams.get('prefix') ?? '') : key}`);
    if (method === 'PUT') {
      this.writtenHeaders.push(request.headers);
    }
    const body = await bodyOf(request);
    const fault = this.#takeFault(method, url);
    fault?.before?.();
    if (typeof fault?.failure === 'object') {
      const { status = 200, body: otherBody, etag, headers = {} } = fault.failure;
      response.setHeaders(new Map(Object.entries(headers)));
      if (etag !== undefined) {
        response.setHeader('etag', etag);
      }
      send(response, status, otherBody);
      return;
    }
    switch (fault?.failure) {
      case undefined:
        return this.#serve(method, key, url, request, body, response);
      case 'reset':
        response.destroy();
        return;
      case 'lostReply':
        this.#put(key, request, body);
        response.destroy();
        return;
      case 'brokenBody':
        response.writeHead(200, { 'content-length': 1000 });
        // Destroying the connection immediately would discard the head of the reply too.
        response.write('only this', () => setImmediate(() => response.destroy()));
        return;
      default:
        sendError(response, fault?.failure ?? 'InternalError');
    }
  }

  #takeFault(method: string | undefined, url: URL): Fault | undefined {
    const index = this.faults.findIndex(({ method: ofMethod, when }) => ofMethod === method && (when?.(url) ?? true));
    return index === -1 ? undefined : this.faults.splice(index, 1)[0];
  }

  #serve(
    method: string | undefined,
    key: string,
    url: URL,
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): void {
    if (method === 'LIST') {
      send(response, 200, this.#listing(url));
    } else if (method === 'PUT' && url.searchParams.has('tagging')) {
      this.#tag(key, body, response);
    } else if (method === 'PUT') {
      const failure = this.#put(key, request, body);
      if (failure === null) {
        if (this.returnsEtagOfPut) {
          response.setHeader('etag', etagOf(body));
        }
        send(response, 200, '');
      } else {
        sendError(response, failure);
      }
    } else {
      const bytes = this.objects.get(key);
      if (bytes === undefined) {
        sendError(response, 'NoSuchKey');
      } else {
        response.setHeader('etag', etagOf(bytes));
        if (request.headers['x-amz-checksum-mode'] === 'ENABLED') {
          response.setHeader('x-amz-checksum-crc32', checksumOf(bytes));
        }
        send(response, 200, bytes);
      }
    }
  }

  #tag(key: string, body: Buffer, response: ServerResponse): void {
    if (!this.objects.has(key)) {
      sendError(response, 'NoSuchKey');
      return;
    }
    const [, name, value] = /<Key>(.*)<\/Key><Value>(.*)<\/Value>/.exec(body.toString()) ?? [];
    this.tags.set(key, `${name}=${value}`);
    send(response, 200, '');
  }

  #put(key: string, request: IncomingMessage, body: Buffer): 'PreconditionFailed' | 'NoSuchKey' | 'BadDigest' | null {
    const checksum = request.headers['x-amz-checksum-crc32'];
    if (checksum !== undefined && checksum !== checksumOf(body)) {
      return 'BadDigest';
    }
    const current = this.objects.get(key);
    if (!this.ignored.has('if-none-match') && request.headers['if-none-match'] === '*' && current !== undefined) {
      return 'PreconditionFailed';
    }
    const wanted = this.ignored.has('if-match') ? undefined : request.headers['if-match'];
    if (wanted !== undefined && current === undefined) {
      return 'NoSuchKey';
    }
    if (wanted !== undefined && current !== undefined && wanted !== etagOf(current)) {
      return 'PreconditionFailed';
    }
    this.objects.set(key, body);
    return null;
  }

  #listing(url: URL): string {
    const prefix = url.searchParams.get('prefix') ?? '';
    const after = url.searchParams.get('continuation-token') ?? '';
    const delimiter = url.searchParams.get('delimiter');
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix));
    const folderOf = (key: string): string | null => {
      const end = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
      return end === -1 ? null : key.slice(0, end + 1);
    };
    // In S3, a common prefix counts as one entry of a page, like a key.
    const entries = [...new Set(keys.map((key) => folderOf(key) ?? key))].filter((entry) => entry > after).sort();
    const page = entries.slice(0, this.pageSize);
    const contents = page.map((entry) => {
      const object = this.objects.get(entry);
      return object === undefined
        ? `<CommonPrefixes><Prefix>${xml(entry)}</Prefix></CommonPrefixes>`
        : `<Contents><Key>${xml(entry)}</Key><Size>${object.length}</Size></Contents>`;
    });
    const isTruncated = entries.length > page.length;
    const next = isTruncated ? `<NextContinuationToken>${xml(page.at(-1) ?? '')}</NextContinuationToken>` : '';
    return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>${isTruncated}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`;
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, body: string | Uint8Array): void {
  response.setHeader('content-length', Buffer.byteLength(body));
  response.setHeader('x-amz-request-id', randomUUID().slice(0, 16).toUpperCase());
  response.writeHead(status);
  response.end(body);
}

function sendError(response: ServerResponse, code: keyof typeof errorStatuses): void {
  response.setHeader('content-type', 'application/xml');
  send(
    response,
    errorStatuses[code],
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
  );
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function checksumOf(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
