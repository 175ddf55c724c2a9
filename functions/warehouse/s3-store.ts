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
 * | 412 | nothing, those to be replaced, or reading fails | unknown |
 * | 404 on If-Match | – | lost |
 * | 409 | – | try again, with pauses; still 409: unknown |
 * | 5xx, no answer (after the SDK's three attempts), 200 without a strong ETag | our bytes | won |
 * | ″ | other bytes (not those to be replaced) | lost |
 * | ″ | nothing, or those to be replaced | try again once; then unknown |
 * | ″ | reading fails | unknown |
 * | anything else | – | StorageError |
 *
 * No try begins later than 30 s after the first, and each has an end (s3-requests.ts): a put with all its reading back takes
 * less than two minutes, but for what the size takes on a slow line; and it ends at once when told to stop.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { type Clock, systemClock } from '../clock.ts';
import { assertSafeKey, isHidden } from './layout.ts';
import { classifyS3Failure, type S3Place, toS3StorageError } from './s3-errors.ts';
import { fetchListingPage, type ListingPage } from './s3-listing.ts';
import { type Condition, type S3RequestOptions, S3Requests } from './s3-requests.ts';
import type { ListedObject, PutOutcome, StopWaiting, Store, StoredObject } from './store.ts';

/** Where in the bucket, and how to reach it. What is left out comes from the environment, as in every AWS tool. */
export interface S3StoreOptions extends S3RequestOptions {
  readonly bucket: string;
  /** Folder within the bucket, without slashes at its ends. Default: the bucket's root. */
  readonly prefix?: string;
  readonly clock?: Clock;
}

/** Tries per request at our level, on top of the SDK's. */
const maxConflictTries = 5;
const maxReadTries = 3;
const firstPauseMs = 50;
/** A try that ends later than this after the first began is the last one: a run that meets a silent S3 must still end in time. */
const patienceMs = 30_000;

/** How one try ended; `conflict` and `doubt` are worth another. */
type PutResult =
  | PutOutcome
  | { readonly kind: 'conflict'; readonly cause: unknown }
  | { readonly kind: 'doubt'; readonly cause: unknown };

/** What one call of the store was given. */
interface Call {
  /** From then on no try is begun, but the first. */
  readonly lastTryMs: number;
  readonly stop: StopWaiting | undefined;
}

/** A write. */
interface Write extends Call {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly condition: Condition;
}

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
  readonly #requests: S3Requests;

  constructor(options: S3StoreOptions) {
    const { bucket, prefix = '', clock = systemClock } = options;
    this.url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
    this.#clock = clock;
    this.#requests = new S3Requests(options);
    this.#client = this.#requests.client;
  }

  get(key: string, stop?: StopWaiting): Promise<StoredObject | null> {
    return this.#get(key, this.#begin(stop));
  }

  putIfAbsent(key: string, bytes: Uint8Array, stop?: StopWaiting): Promise<PutOutcome> {
    return this.#put({ ...this.#begin(stop), key, bytes, condition: { IfNoneMatch: '*' } });
  }

  putIfMatch(key: string, bytes: Uint8Array, etag: string, stop?: StopWaiting): Promise<PutOutcome> {
    return this.#put({ ...this.#begin(stop), key, bytes, condition: { IfMatch: etag } });
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    const place = { bucket: this.#bucket, key: `${this.#prefix}${prefix}` };
    const tokens: string[] = [];
    for (;;) {
      const { objects, nextToken } = await this.#listPage(place, tokens);
      for (const { fullKey, sizeBytes } of objects) {
        const key = fullKey.slice(this.#prefix.length);
        // A key that ends in "/" is what the AWS console makes for an empty folder.
        if (!key.endsWith('/') && !isHidden(key)) {
          yield { key, sizeBytes };
        }
      }
      if (nextToken === undefined) {
        return;
      }
      tokens.push(nextToken);
    }
  }

  async #listPage(place: S3Place, tokens: readonly string[]): Promise<ListingPage> {
    try {
      return await this.#retried(() => fetchListingPage(this.#client, place, tokens));
    } catch (thrown) {
      throw toS3StorageError(thrown, 'list', place);
    }
  }

  #begin(stop: StopWaiting | undefined): Call {
    return { lastTryMs: this.#clock.now() + patienceMs, stop };
  }

  async #get(key: string, call: Call): Promise<StoredObject | null> {
    const place = this.#placeOf(key);
    try {
      return await this.#retried(() => this.#requests.get(place, call.stop), call);
    } catch (thrown) {
      if (classifyS3Failure(thrown) === 'absent') {
        return null;
      }
      throw toS3StorageError(thrown, 'read', place);
    }
  }

  async #put(write: Write): Promise<PutOutcome> {
    let conflicts = 0;
    let wasInDoubt = false;
    for (;;) {
      const result = await this.#putOnce(write);
      if (result.kind === 'conflict') {
        conflicts += 1;
        if (conflicts === maxConflictTries || this.#isOver(write)) {
          return { kind: 'unknown', cause: result.cause };
        }
        await this.#pause(conflicts, write.stop);
      } else if (result.kind === 'doubt') {
        if (wasInDoubt || this.#isOver(write)) {
          return { kind: 'unknown', cause: result.cause };
        }
        wasInDoubt = true;
      } else {
        return result;
      }
    }
  }

  async #putOnce(write: Write): Promise<PutResult> {
    const place = this.#placeOf(write.key);
    try {
      return { kind: 'won', etag: await this.#requests.put(place, write.bytes, write.condition, write.stop) };
    } catch (thrown) {
      const cause = toS3StorageError(thrown, 'write', place);
      switch (classifyS3Failure(thrown)) {
        case 'precondition': {
          const found = await this.#readBack(write, cause);
          return found.kind === 'doubt' ? { kind: 'unknown', cause } : found;
        }
        case 'conflict':
          return { kind: 'conflict', cause };
        case 'transient':
          return await this.#readBack(write, cause);
        case 'absent':
          if ('IfMatch' in write.condition) {
            return { kind: 'lost' };
          }
          throw cause;
        case 'refused':
          throw cause;
      }
    }
  }

  /** Compares what lies there with what we wrote; `doubt` if nothing, or what was to be replaced, lies there. */
  async #readBack(write: Write, cause: unknown): Promise<PutResult> {
    const { key, bytes, condition, stop } = write;
    if (stop?.aborted) {
      return { kind: 'unknown', cause };
    }
    let current: StoredObject | null;
    try {
      current = await this.#get(key, write);
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
  async #retried<T>(read: () => Promise<T>, call: Call = this.#begin(undefined)): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await read();
      } catch (thrown) {
        const isLast = tries === maxReadTries || this.#isOver(call);
        if (isLast || classifyS3Failure(thrown) !== 'transient') {
          throw thrown;
        }
        await this.#pause(tries, call.stop);
      }
    }
  }

  /** Whether another try comes too late. */
  #isOver({ lastTryMs, stop }: Call): boolean {
    return stop?.aborted === true || this.#clock.now() >= lastTryMs;
  }

  /** Longer each time, and never the same for two writers that met. Over at once when told to stop: the next try says so. */
  async #pause(tries: number, stop: StopWaiting | undefined): Promise<void> {
    await this.#clock.sleep(firstPauseMs * 2 ** tries * (0.5 + Math.random() / 2), stop).catch(() => undefined);
  }

  #placeOf(key: string): S3Place {
    assertSafeKey(key);
    return { bucket: this.#bucket, key: `${this.#prefix}${key}` };
  }
}
