/**
 * Single requests to S3, each with an end to it: what comes in drops would otherwise be waited for for ever, because the SDK
 * only bounds the time between two pieces.
 *
 * 15 s for the head of a reply, 30 s for a put, or for the head of what is read, the SDK's own attempts included; then 15 s
 * for its body. Longer by what the size takes on a slow line.
 */
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { abortAfter } from '../clock.ts';
import { BrokenBodyError, etagOf, NoLongerWaitedForError, type S3Place, SlowReplyError } from './s3-errors.ts';
import type { StopWaiting, StoredObject } from './store.ts';

/** How to reach S3, and how long to wait for it. */
export interface S3RequestOptions {
  /** Bucket in the path, not in the host name: what emulators on loopback need. Default: false. */
  readonly forcePathStyle?: boolean;
  /** How long a request waits for the head of its reply; it may say nothing for four times that. Default: 15 s. */
  readonly answerTimeoutMs?: number;
  /** How long a put, or the head of a reply, takes in all; a body half of it. More for what is large. Default: 30 s. */
  readonly tryTimeoutMs?: number;
  /** A client made elsewhere; `forcePathStyle` and `answerTimeoutMs` then are its own. */
  readonly client?: S3Client;
}

/** When a write is to be done. */
export type Condition = { readonly IfNoneMatch: '*' } | { readonly IfMatch: string };

const defaultAnswerTimeoutMs = 15_000;
const defaultTryTimeoutMs = 30_000;
/** The slowest line that is waited for: 128 kbit/s, at which a checkpoint of a megabyte takes a minute. */
const slowestBytesPerMs = 16;
/** Nothing that dqsync writes takes longer at that pace. */
const maxTransferMs = 300_000;

/** How long `sizeBytes` may be on their way. */
function transferMs(sizeBytes: number): number {
  return Math.min(sizeBytes / slowestBytesPerMs, maxTransferMs);
}

/** Sends requests, one try each. What they throw is what the SDK threw, or an error of s3-errors.ts. */
export class S3Requests {
  readonly client: S3Client;
  readonly #tryTimeoutMs: number;
  /** Null where the client is not ours. */
  readonly #answerTimeoutMs: number | null;

  constructor({ client, ...options }: S3RequestOptions) {
    const { answerTimeoutMs = defaultAnswerTimeoutMs, tryTimeoutMs = defaultTryTimeoutMs } = options;
    this.#tryTimeoutMs = tryTimeoutMs;
    this.#answerTimeoutMs = client === undefined ? answerTimeoutMs : null;
    this.client = client ?? clientOf(options.forcePathStyle ?? false, answerTimeoutMs);
  }

  async get({ bucket, key }: S3Place, stop: StopWaiting | undefined): Promise<StoredObject> {
    const request = new S3Try(stop);
    const asked = this.client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: request.signal });
    const reply = await request.within(this.#tryTimeoutMs, asked);
    const etag = etagOf(reply);
    if (reply.Body === undefined) {
      return { bytes: new Uint8Array(), etag };
    }
    const body = reply.Body.transformToByteArray().catch((thrown: unknown) => {
      throw new BrokenBodyError(thrown);
    });
    const bytes = await request.within(this.#tryTimeoutMs / 2 + transferMs(reply.ContentLength ?? 0), body);
    return { bytes, etag };
  }

  /** @returns the new object's ETag */
  async put(place: S3Place, bytes: Uint8Array, condition: Condition, stop: StopWaiting | undefined): Promise<string> {
    const request = new S3Try(stop);
    const underWayMs = transferMs(bytes.length);
    const command = new PutObjectCommand({ Bucket: place.bucket, Key: place.key, Body: bytes, ...condition });
    // The SDK counts the sending as waiting for the reply.
    const timeout = this.#answerTimeoutMs === null ? {} : { requestTimeout: this.#answerTimeoutMs + underWayMs };
    const sent = this.client.send(command, { abortSignal: request.signal, ...timeout });
    return etagOf(await request.within(this.#tryTimeoutMs + underWayMs, sent));
  }
}

function clientOf(forcePathStyle: boolean, answerTimeoutMs: number): S3Client {
  return new S3Client({
    forcePathStyle,
    maxAttempts: 3,
    // The SDK by itself waits for ever, for an answer and for the rest of one.
    requestHandler: {
      connectionTimeout: 5000,
      requestTimeout: answerTimeoutMs,
      // Longer: what the system holds to be sent looks like silence.
      socketTimeout: 4 * answerTimeoutMs,
      throwOnRequestTimeout: true,
    },
  });
}

/** A request under way. */
class S3Try {
  readonly #request = new AbortController();
  readonly #stop: AbortSignal | undefined;

  /**
   * @param stop ends the try at once
   * @throws NoLongerWaitedForError if it is aborted already: nothing is sent then
   */
  constructor(stop: StopWaiting | undefined) {
    if (stop?.aborted) {
      throw new NoLongerWaitedForError();
    }
    this.#stop = stop;
  }

  /** For the SDK: aborted when the try has ended without success. */
  get signal(): AbortSignal {
    return this.#request.signal;
  }

  /**
   * Waits for a part of the try.
   *
   * @throws SlowReplyError after `ms`, NoLongerWaitedForError, or what `part` rejects with; the request is then ended
   */
  async within<T>(ms: number, part: Promise<T>): Promise<T> {
    const timer = abortAfter(ms, () => new SlowReplyError());
    const end = Promise.withResolvers<never>();
    const onStop = (): void => end.reject(new NoLongerWaitedForError());
    timer.signal.addEventListener('abort', () => end.reject(timer.signal.reason));
    this.#stop?.addEventListener('abort', onStop);
    if (this.#stop?.aborted) {
      onStop();
    }
    try {
      return await Promise.race([part, end.promise]);
    } catch (thrown) {
      this.#request.abort();
      throw thrown;
    } finally {
      timer.cancel();
      this.#stop?.removeEventListener('abort', onStop);
    }
  }
}
