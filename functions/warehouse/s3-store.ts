/**
 * A warehouse in an S3 bucket, by conditional writes.
 *
 * A reply can be lost after the write was done, and S3 then answers the SDK's own repetition with 412. So no answer but a
 * plain success is believed: what lies there is read back and compared with our bytes. Two writers of the very same bytes
 * cannot be told apart that way and both have won; so what is replaced by compare-and-swap carries a token, new for each
 * write. Sources: S3 user guide "Conditional writes"; aws-sdk-java-v2 issue 6580.
 *
 * | S3 answers | read back | outcome |
 * |---|---|---|
 * | 200 | – | won |
 * | 412 | our bytes | won |
 * | 412 | other bytes | lost |
 * | 412 | nothing, or reading fails | unknown |
 * | 404 on If-Match | – | lost |
 * | 409 | – | try again, with pauses; still 409: unknown |
 * | 5xx, no answer (after the SDK's three attempts) | our bytes | won |
 * | ″ | other bytes (not those to be replaced) | lost |
 * | ″ | nothing, or those to be replaced | try again once; then unknown |
 * | ″ | reading fails | unknown |
 * | anything else | – | StorageError |
 */
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../clock.ts';
import { assertSafeKey, isHidden } from './layout.ts';
import { BrokenBodyError, classifyS3Failure, type S3Place, toS3StorageError } from './s3-errors.ts';
import type { ListedObject, PutOutcome, Store, StoredObject } from './store.ts';

/** How to reach the bucket. What is left out comes from the environment, as in every AWS tool. */
export interface S3StoreOptions {
  readonly bucket: string;
  /** Folder within the bucket, without slashes at its ends. Default: the bucket's root. */
  readonly prefix?: string;
  /** Bucket in the path, not in the host name: what emulators on loopback need. Default: false. */
  readonly forcePathStyle?: boolean;
  /** How long one try waits for the head of the reply, and then between two pieces of it. Default: 15 s. */
  readonly answerTimeoutMs?: number;
  /** A client made elsewhere; `forcePathStyle` and `answerTimeoutMs` then are its own. */
  readonly client?: S3Client;
  readonly clock?: Clock;
}

/** Tries per request at our level, on top of the SDK's. */
const maxConflictTries = 5;
const maxReadTries = 3;
const firstPauseMs = 50;
/** A try that ends later than this after the first began is the last one: a run that meets a silent S3 must still end in time. */
const patienceMs = 30_000;
/** The largest objects have a few megabytes. */
const defaultAnswerTimeoutMs = 15_000;

type Condition = { readonly IfNoneMatch: '*' } | { readonly IfMatch: string };

/** How one try ended; `conflict` and `doubt` are worth another. */
type PutResult =
  | PutOutcome
  | { readonly kind: 'conflict'; readonly cause: unknown }
  | { readonly kind: 'doubt'; readonly cause: unknown };

/** Opens the warehouse in a bucket. Nothing is asked before it is needed. */
export function openS3Store(options: S3StoreOptions): Store {
  return new BucketStore(options);
}

class BucketStore implements Store {
  readonly url: string;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #clock: Clock;

  constructor(options: S3StoreOptions) {
    const { bucket, prefix = '', forcePathStyle = false, client, clock = systemClock } = options;
    const answerTimeoutMs = options.answerTimeoutMs ?? defaultAnswerTimeoutMs;
    this.url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#clock = clock;
    this.#client =
      client ??
      new S3Client({
        forcePathStyle,
        maxAttempts: 3,
        // The SDK by itself waits for ever, for an answer and for the rest of one.
        requestHandler: {
          connectionTimeout: 5000,
          requestTimeout: answerTimeoutMs,
          socketTimeout: answerTimeoutMs,
          throwOnRequestTimeout: true,
        },
      });
  }

  async get(key: string): Promise<StoredObject | null> {
    const place = this.#placeOf(key);
    try {
      return await this.#retried(() => this.#getOnce(place));
    } catch (thrown) {
      if (classifyS3Failure(thrown) === 'absent') {
        return null;
      }
      throw toS3StorageError(thrown, 'read', place);
    }
  }

  putIfAbsent(key: string, bytes: Uint8Array): Promise<PutOutcome> {
    return this.#put(key, bytes, { IfNoneMatch: '*' });
  }

  putIfMatch(key: string, bytes: Uint8Array, etag: string): Promise<PutOutcome> {
    return this.#put(key, bytes, { IfMatch: etag });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    const place = { bucket: this.#bucket, key: `${this.#prefix}${prefix}` };
    let token: string | undefined;
    do {
      const page = await this.#listPage(place, token);
      for (const { Key: fullKey, Size: sizeBytes } of page.Contents ?? []) {
        const key = fullKey?.slice(this.#prefix.length);
        // A key that ends in "/" is what the AWS console makes for an empty folder.
        if (key !== undefined && sizeBytes !== undefined && !key.endsWith('/') && !isHidden(key)) {
          yield { key, sizeBytes };
        }
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async #listPage({ bucket, key }: S3Place, token: string | undefined) {
    try {
      return await this.#retried(() =>
        this.#client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken: token })),
      );
    } catch (thrown) {
      throw toS3StorageError(thrown, 'list', { bucket, key });
    }
  }

  async #getOnce({ bucket, key }: S3Place): Promise<StoredObject> {
    const reply = await this.#client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    try {
      const bytes = (await reply.Body?.transformToByteArray()) ?? new Uint8Array();
      return { bytes, etag: reply.ETag ?? '' };
    } catch (thrown) {
      throw new BrokenBodyError(thrown);
    }
  }

  async #put(key: string, bytes: Uint8Array, condition: Condition): Promise<PutOutcome> {
    const lastTryMs = this.#clock.now() + patienceMs;
    let conflicts = 0;
    let wasInDoubt = false;
    for (;;) {
      const result = await this.#putOnce(key, bytes, condition);
      if (result.kind === 'conflict') {
        conflicts += 1;
        if (conflicts === maxConflictTries) {
          return { kind: 'unknown', cause: result.cause };
        }
        await this.#pause(conflicts);
      } else if (result.kind === 'doubt') {
        if (wasInDoubt || this.#clock.now() >= lastTryMs) {
          return { kind: 'unknown', cause: result.cause };
        }
        wasInDoubt = true;
      } else {
        return result;
      }
    }
  }

  async #putOnce(key: string, bytes: Uint8Array, condition: Condition): Promise<PutResult> {
    const place = this.#placeOf(key);
    try {
      const reply = await this.#client.send(
        new PutObjectCommand({ Bucket: place.bucket, Key: place.key, Body: bytes, ...condition }),
      );
      // Every S3 sends an ETag; one that did not would still have to be asked for it.
      return reply.ETag === undefined
        ? await this.#readBack(key, bytes, condition, undefined)
        : { kind: 'won', etag: reply.ETag };
    } catch (thrown) {
      const cause = toS3StorageError(thrown, 'write', place);
      const failure = classifyS3Failure(thrown);
      switch (failure) {
        case 'precondition': {
          const found = await this.#readBack(key, bytes, condition, cause);
          return found.kind === 'doubt' ? { kind: 'unknown', cause } : found;
        }
        case 'conflict':
          return { kind: 'conflict', cause };
        case 'transient':
          return await this.#readBack(key, bytes, condition, cause);
        case 'absent':
          if ('IfMatch' in condition) {
            return { kind: 'lost' };
          }
          throw cause;
        case 'refused':
          throw cause;
      }
    }
  }

  /** Compares what lies there with what we wrote; `doubt` if nothing, or what was to be replaced, lies there. */
  async #readBack(key: string, bytes: Uint8Array, condition: Condition, cause: unknown): Promise<PutResult> {
    let current: StoredObject | null;
    try {
      current = await this.get(key);
    } catch (thrown) {
      return { kind: 'unknown', cause: thrown };
    }
    if (current !== null && Buffer.compare(current.bytes, bytes) === 0) {
      return { kind: 'won', etag: current.etag };
    }
    const isUntouched = current === null || ('IfMatch' in condition && current.etag === condition.IfMatch);
    return isUntouched ? { kind: 'doubt', cause } : { kind: 'lost' };
  }

  /** Repeats a read that failed for a passing reason: the SDK does not repeat one whose body broke off. */
  async #retried<T>(read: () => Promise<T>): Promise<T> {
    const lastTryMs = this.#clock.now() + patienceMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return await read();
      } catch (thrown) {
        const isLast = tries === maxReadTries || this.#clock.now() >= lastTryMs;
        if (isLast || classifyS3Failure(thrown) !== 'transient') {
          throw thrown;
        }
        await this.#pause(tries);
      }
    }
  }

  /** Longer each time, and never the same for two writers that met. */
  async #pause(tries: number): Promise<void> {
    await this.#clock.sleep(firstPauseMs * 2 ** tries * (0.5 + Math.random() / 2));
  }

  #placeOf(key: string): S3Place {
    assertSafeKey(key);
    return { bucket: this.#bucket, key: `${this.#prefix}${key}` };
  }
}
