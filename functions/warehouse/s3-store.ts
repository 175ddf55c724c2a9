/**
 * A warehouse in an S3 bucket, with conditional writes.
 *
 * If the reply to a successful write is lost, S3 returns 412 to the SDK's own retry. So after anything but a plain
 * success, the object is read back once and compared with our bytes. Two writers of identical bytes would both win that
 * way; objects replaced by compare-and-swap therefore contain a token that is new for each write. Sources: S3 user
 * guide "Conditional writes"; aws-sdk-java-v2 issue 6580.
 *
 * - 200: won
 * - 404 on If-Match: lost
 * - 409: unknown
 * - 412, 5xx, no reply after the SDK's three attempts: won if our bytes are read back; lost if others are, unless they
 *   are those to be replaced; else unknown
 * - anything else: StorageError
 *
 * The SDK retries transport failures. The caller (write-retries.ts) retries lost and unknown writes.
 */
import {
  GetObjectCommand,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectTaggingCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import { isoTime } from '../clock.ts';
import { StorageError } from '../errors.ts';
import type { EpochMs } from '../model.ts';
import { awsFault, connectionsOf, LastRequest } from '../network/aws.ts';
import { redactor } from '../network/foreign-text.ts';
import type { ProxyEnvironment } from '../network/proxy.ts';
import { assertSafeKey, isHidden, replacedTag } from './layout.ts';
import { brokenBody, classifyS3Failure, ignoredConditions, type S3Place, toS3StorageError } from './s3-errors.ts';
import type { ListedObject, PageStore, PutOutcome, StopWaiting, StoredObject } from './store.ts';

/** The encryption of written objects. */
export interface S3Encryption {
  readonly encryption?: 'AES256' | 'aws:kms' | 'aws:kms:dsse';
  /** ARN or id of a KMS key; without it, S3 uses the account's own key. */
  readonly kmsKeyId?: string;
}

/** The location in S3 and how to reach it. Missing options come from the environment, as in every AWS tool. */
export interface S3StoreOptions {
  readonly bucket: string;
  /** Folder within the bucket, without slashes at its ends. Default: the bucket's root. */
  readonly prefix?: string;
  /** Bucket in the path, not in the host name: what emulators and some S3-compatible stores need. Default: false. */
  readonly forcePathStyle?: boolean;
  /** Encryption of every write. Default: the bucket's setting. */
  readonly storage?: S3Encryption;
  /** Tries conditional writes once, with the first new object: for stores that are not AWS's. Default: false. */
  readonly triesConditions?: boolean;
  /** Names the proxies on the way. Default: none. */
  readonly environment?: ProxyEnvironment;
  /** Longest wait of an attempt for the head of its reply; a silence may last four times as long. Default: 15 s. */
  readonly answerTimeoutMs?: number;
  /** An existing client, for which `forcePathStyle` is ignored. */
  readonly client?: S3Client;
}

/** The ETag of no object. */
const noEtag = '"00000000000000000000000000000000"';
const defaultAnswerTimeoutMs = 15_000;
/** The slowest supported connection: 128 kbit/s, at which a checkpoint of one megabyte takes a minute. */
const slowestBytesPerMs = 16;
/** The SDK does not retry a read whose body broke off. */
const maxBodyReads = 3;

/** Short, so that a browser soon asks for a newer page. */
const pageCacheControl = 'max-age=60';

/** The condition of a write. */
type Condition = { readonly IfNoneMatch: '*' } | { readonly IfMatch: string };

/** A write in progress. */
interface Write {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly condition: Condition;
  readonly stop: StopWaiting | undefined;
}

/** Opens the warehouse in a bucket. Sends no request yet. */
export function openS3Store(options: S3StoreOptions): PageStore {
  return new BucketStore(options);
}

class BucketStore implements PageStore {
  readonly url: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #answerTimeoutMs: number;
  readonly #environment: ProxyEnvironment;
  #triesConditions: boolean;
  readonly #encryption: Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'>;
  readonly #last = new LastRequest();

  constructor(options: S3StoreOptions) {
    const { bucket, prefix = '', answerTimeoutMs = defaultAnswerTimeoutMs, environment = {} } = options;
    this.url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#environment = environment;
    this.#triesConditions = options.triesConditions ?? false;
    const { encryption, kmsKeyId } = options.storage ?? {};
    this.#encryption = { ServerSideEncryption: encryption, SSEKMSKeyId: kmsKeyId };
    this.#client = options.client ?? clientOf(options.forcePathStyle ?? false, answerTimeoutMs, environment);
    this.#client.middlewareStack.add(this.#last.watch, this.#last.place);
  }

  async get(key: string, stop?: StopWaiting): Promise<StoredObject | null> {
    const place = this.#placeOf(key);
    try {
      for (let reads = 1; ; reads += 1) {
        const reply = await this.#client.send(new GetObjectCommand(place), abortedBy(stop));
        const body = reply.Body?.transformToByteArray() ?? new Uint8Array();
        const bytes = await Promise.resolve(body).catch(() => null);
        if (bytes !== null) {
          return { bytes, etag: etagOf(reply) };
        }
        if (reads === maxBodyReads || stop?.aborted) {
          throw brokenBody(place);
        }
      }
    } catch (thrown) {
      if (classifyS3Failure(thrown) === 'absent') {
        return null;
      }
      throw this.#failure(thrown, 'read', place);
    }
  }

  async putIfAbsent(key: string, bytes: Uint8Array, stop?: StopWaiting): Promise<PutOutcome> {
    const outcome = await this.#put({ key, bytes, condition: { IfNoneMatch: '*' }, stop });
    if (outcome.kind === 'won' && this.#triesConditions) {
      this.#triesConditions = false;
      await this.#requireConditions(key, bytes, stop);
    }
    return outcome;
  }

  putIfMatch(key: string, bytes: Uint8Array, etag: string, stop?: StopWaiting): Promise<PutOutcome> {
    return this.#put({ key, bytes, condition: { IfMatch: etag }, stop });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    for await (const { Contents: entries = [] } of this.#pages(prefix, {})) {
      for (const { Key: fullKey = '', Size: sizeBytes = 0 } of entries) {
        const key = fullKey.slice(this.#prefix.length);
        // The AWS console creates keys that end in "/" for empty folders.
        if (!key.endsWith('/') && !isHidden(key)) {
          yield { key, sizeBytes };
        }
      }
    }
  }

  async *folders(prefix: string): AsyncIterable<string> {
    for await (const { CommonPrefixes: entries = [] } of this.#pages(prefix, { Delimiter: '/' })) {
      for (const { Prefix: fullKey = '' } of entries) {
        const key = fullKey.slice(this.#prefix.length);
        if (!isHidden(key)) {
          yield key;
        }
      }
    }
  }

  async setAside(key: string): Promise<void> {
    const place = this.#placeOf(key);
    const tags = { TagSet: [{ Key: replacedTag.key, Value: replacedTag.value }] };
    try {
      await this.#client.send(new PutObjectTaggingCommand({ ...place, Tagging: tags }));
    } catch (thrown) {
      if (classifyS3Failure(thrown) !== 'absent') {
        throw this.#failure(thrown, 'write', place);
      }
    }
  }

  async removeSetAside(): Promise<void> {
    // The bucket's lifecycle rule does.
  }

  async publish(key: string, html: string): Promise<void> {
    const place = this.#placeOf(key);
    const page = { ContentType: 'text/html; charset=utf-8', CacheControl: pageCacheControl, ...this.#encryption };
    const command = new PutObjectCommand({ ...place, Body: html, ...page });
    try {
      await this.#client.send(command, { requestTimeout: this.#answerTimeoutMs + html.length / slowestBytesPerMs });
    } catch (thrown) {
      throw this.#failure(thrown, 'write', place);
    }
  }

  async signedUrl(key: string, seconds: number, nowMs: EpochMs): Promise<string | null> {
    if ((await this.get(key)) === null) {
      return null;
    }
    // The SDK has just built the URL of the object, which depends on the endpoint and the style.
    const { protocol = 'https:', host = '', path = '' } = this.#last.sent;
    const url = new URL(`${protocol}//${host}${path}`);
    const { credentials, region, sha256 } = this.#client.config;
    const signer = new SignatureV4({ service: 's3', credentials, region, sha256, uriEscapePath: false });
    const headers = { host, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
    const { query = {} } = await signer.presign(
      { method: 'GET', protocol, hostname: host, path, headers },
      { expiresIn: seconds, signingDate: isoTime(nowMs) },
    );
    for (const [name, value] of Object.entries(query)) {
      url.searchParams.set(name, String(value));
    }
    return url.href;
  }

  async *#pages(
    prefix: string,
    options: { readonly Delimiter?: string },
  ): AsyncIterable<Pick<ListObjectsV2CommandOutput, 'Contents' | 'CommonPrefixes'>> {
    const place = { Bucket: this.#bucket, Key: `${this.#prefix}${prefix}` };
    try {
      const request = { Bucket: place.Bucket, Prefix: place.Key, ...options };
      for await (const page of paginateListObjectsV2({ client: this.#client }, request)) {
        // S3 always says whether there is another page, and where it begins. If a login page were mistaken for the last
        // page, or the SDK stopped at a page without a token for the next, part of the table would silently be missing.
        if (page.IsTruncated === undefined) {
          throw notFromS3('an incomplete listing', 'NoIsTruncated');
        }
        if (page.IsTruncated && !page.NextContinuationToken) {
          throw notFromS3('an incomplete listing', 'NoContinuationToken');
        }
        yield page;
      }
    } catch (thrown) {
      throw this.#failure(thrown, 'list', place);
    }
  }

  async #put(write: Write): Promise<PutOutcome> {
    const { key, bytes, condition, stop } = write;
    const place = this.#placeOf(key);
    const command = new PutObjectCommand({ ...place, Body: bytes, ...condition, ...this.#encryption });
    // The SDK counts the upload as waiting for the reply.
    const requestTimeout = this.#answerTimeoutMs + bytes.length / slowestBytesPerMs;
    try {
      return { kind: 'won', etag: etagOf(await this.#client.send(command, { ...abortedBy(stop), requestTimeout })) };
    } catch (thrown) {
      const cause = this.#failure(thrown, 'write', place);
      const failure = classifyS3Failure(thrown);
      if (failure === 'absent' && 'IfMatch' in condition) {
        return { kind: 'lost' };
      }
      if (failure === 'absent' || failure === 'refused') {
        throw cause;
      }
      return failure === 'conflict' ? { kind: 'unknown', cause } : await this.#readBack(write, cause);
    }
  }

  /** Writes the same bytes again under two conditions that fail. A store that accepts one would lose commits. */
  async #requireConditions(key: string, bytes: Uint8Array, stop: StopWaiting | undefined): Promise<void> {
    const object = { ...this.#placeOf(key), Body: bytes, ...this.#encryption };
    for (const condition of [{ IfNoneMatch: '*' }, { IfMatch: noEtag }]) {
      const isRefused = await this.#client
        .send(new PutObjectCommand({ ...object, ...condition }), abortedBy(stop))
        .then(
          () => false,
          () => true,
        );
      if (!isRefused) {
        throw ignoredConditions(this.url);
      }
    }
  }

  /** Compares the object with what we wrote. Returns `unknown` if it is missing or unchanged. */
  async #readBack({ key, bytes, condition, stop }: Write, cause: StorageError): Promise<PutOutcome> {
    let current: StoredObject | null;
    try {
      current = await this.get(key, stop);
    } catch {
      return { kind: 'unknown', cause };
    }
    if (current !== null && Buffer.compare(current.bytes, bytes) === 0) {
      return { kind: 'won', etag: current.etag };
    }
    const isUntouched = current === null || ('IfMatch' in condition && current.etag === condition.IfMatch);
    return isUntouched ? { kind: 'unknown', cause } : { kind: 'lost' };
  }

  #failure(thrown: unknown, doing: 'read' | 'write' | 'list', place: S3Place): StorageError {
    const { sessionToken = '' } = this.#last.sent;
    const fault = awsFault(thrown, this.#last.sent, this.#environment);
    return toS3StorageError(thrown, doing, { ...place, fault, redact: redactor([sessionToken]) });
  }

  #placeOf(key: string): S3Place {
    assertSafeKey(key);
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` };
  }
}

function clientOf(forcePathStyle: boolean, answerTimeoutMs: number, environment: ProxyEnvironment): S3Client {
  return new S3Client({
    forcePathStyle,
    retryMode: 'standard',
    maxAttempts: 3,
    // Without these, the SDK waits forever for a reply and for the rest of one.
    ...connectionsOf(environment, {
      connectionTimeout: 5000,
      requestTimeout: answerTimeoutMs,
      // Longer, because data that the system still has to send looks like silence.
      socketTimeout: 4 * answerTimeoutMs,
      throwOnRequestTimeout: true,
    }),
  });
}

function abortedBy(stop: StopWaiting | undefined): { readonly abortSignal?: AbortSignal } {
  return stop === undefined ? {} : { abortSignal: stop };
}

function etagOf({ ETag: etag }: { readonly ETag?: string | undefined }): string {
  if (etag === undefined) {
    throw notFromS3('a reply without ETag', 'NoETag');
  }
  return etag;
}

function notFromS3(what: string, code: string): StorageError {
  return new StorageError(`S3 returned status 200 with ${what}`, {
    remedy: 'Check that AWS_ENDPOINT_URL and every proxy lead to S3, then run again; nothing was lost.',
    code,
  });
}
