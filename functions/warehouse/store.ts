/**
 * The one interface between dqsync and where its files lie: a folder or a bucket.
 *
 * Objects are small (a few megabytes) and are read and written whole. There is no delete: a run never deletes
 * (PROTOCOL.md, I9).
 */

/** An object as it was read. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Identifies this content for `putIfMatch`. Opaque. */
  readonly etag: string;
}

/**
 * How a conditional write ended. Never a boolean, because a reply can be lost:
 * `won`: our bytes were written. `lost`: the condition did not hold, our bytes were not written or were since replaced.
 * `unknown`: no reply came, and reading back failed too; the caller reads again and decides.
 */
export type PutOutcome =
  | { readonly kind: 'won'; readonly etag: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unknown'; readonly cause: unknown };

/** A name and a size, from a listing. */
export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
}

/**
 * Ends the waiting, not the work: once aborted, a `get` throws a `StorageError`, a put ends `unknown`, because what was sent
 * may still arrive. A store that never waits for long may take no notice.
 */
export type StopWaiting = AbortSignal;

/**
 * Keys are relative to the warehouse, with `/` between parts, no empty, `.` or `..` part (else `InternalError`).
 * Methods throw `StorageError` for what retrying does not cure: no permission, no space, no such bucket.
 */
export interface Store {
  /** The warehouse's URL as configured. */
  readonly url: string;
  /** The object, or null if there is none. */
  get(key: string, stop?: StopWaiting): Promise<StoredObject | null>;
  /** Writes a new object; `lost` if the key exists with other bytes (with the very same bytes: `won`). */
  putIfAbsent(key: string, bytes: Uint8Array, stop?: StopWaiting): Promise<PutOutcome>;
  /** Replaces an object that still is what `etag` identifies. `lost` if it is another by now, or gone. */
  putIfMatch(key: string, bytes: Uint8Array, etag: string, stop?: StopWaiting): Promise<PutOutcome>;
  /** All objects whose key starts with `prefix`, in no promised order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /**
   * The folders directly below `prefix`, in no promised order: each is a prefix of keys that ends in `/`. Far cheaper than a
   * listing where folders hold many objects. A folder may turn out to be empty.
   *
   * @param prefix ends in `/`
   */
  folders(prefix: string): AsyncIterable<string>;
}

/** `store` for somebody who waits for it only until `stop`. */
export function waitedForUntil(store: Store, stop: StopWaiting): Store {
  return {
    url: store.url,
    get: (key) => store.get(key, stop),
    putIfAbsent: (key, bytes) => store.putIfAbsent(key, bytes, stop),
    putIfMatch: (key, bytes, etag) => store.putIfMatch(key, bytes, etag, stop),
    list: (prefix) => store.list(prefix),
    folders: (prefix) => store.folders(prefix),
  };
}
