/**
 * The interface between dqsync and its files, in a folder or a bucket.
 *
 * Objects are small (a few megabytes) and are read and written as a whole. There is no delete, because a run never
 * deletes (PROTOCOL.md, I9). Objects that a compaction has replaced are set aside.
 */
import type { StorageError } from '../errors.ts';
import type { EpochMs } from '../model.ts';

export interface StoredObject {
  readonly bytes: Uint8Array;
  /** Identifies this content for `putIfMatch`. Opaque. */
  readonly etag: string;
}

/**
 * The outcome of a conditional write. Not a boolean, because a reply can be lost.
 * - `won`: our bytes were written
 * - `lost`: the condition failed; our bytes were not written, or have been replaced since
 * - `unknown`: no reply, and reading back failed too; the caller must read again and decide
 */
export type PutOutcome =
  | { readonly kind: 'won'; readonly etag: string }
  | { readonly kind: 'lost' }
  | { readonly kind: 'unknown'; readonly cause: StorageError };

export interface ListedObject {
  readonly key: string;
  readonly sizeBytes: number;
}

/**
 * Ends the waiting but not the request. After it aborts, `get` throws a `StorageError` and a put returns `unknown`,
 * because what was sent may still arrive. A store that never waits long may ignore it.
 */
export type StopWaiting = AbortSignal;

/**
 * Stores objects by key. Keys are relative to the warehouse, with `/` between parts, and without empty, `.` or `..`
 * parts (else `InternalError`). Methods throw `StorageError` if retries do not help: no permission, no space, no
 * bucket.
 */
export interface Store {
  /** The URL of the warehouse as configured. */
  readonly url: string;
  /** Returns the object; null if it does not exist. */
  get(key: string, stop?: StopWaiting): Promise<StoredObject | null>;
  /** Writes a new object. `lost` if the key exists with other bytes, `won` if it has the same bytes. */
  putIfAbsent(key: string, bytes: Uint8Array, stop?: StopWaiting): Promise<PutOutcome>;
  /** Replaces an object if it still matches `etag`. `lost` if it has changed or is gone. */
  putIfMatch(key: string, bytes: Uint8Array, etag: string, stop?: StopWaiting): Promise<PutOutcome>;
  /** Lists all objects whose key starts with `prefix`, in any order. */
  list(prefix: string): AsyncIterable<ListedObject>;
  /**
   * Lists the folders directly below `prefix`, in any order, as prefixes that end in `/`. Much cheaper than listing
   * folders with many objects. A folder may turn out to be empty.
   *
   * @param prefix ends in `/`
   */
  folders(prefix: string): AsyncIterable<string>;
  /**
   * Marks an object as replaced by another, for removal. A bucket keeps and lists it until its lifecycle rule expires
   * it. A folder moves it out of the table immediately and keeps it until `removeSetAside`. Nothing happens if it is gone
   * already.
   */
  setAside(key: string): Promise<void>;
  /** Removes objects that were set aside longer ago than this, by the store's own clock, if no lifecycle rule does. */
  removeSetAside(keptMs: number): Promise<void>;
}

/** Writes an object if its ETag is still `etag`; null if there must be none. */
export async function putIfUnchanged(
  store: Store,
  key: string,
  bytes: Uint8Array,
  etag: string | null,
): Promise<PutOutcome> {
  return await (etag === null ? store.putIfAbsent(key, bytes) : store.putIfMatch(key, bytes, etag));
}

/** A store that a browser can read from too. */
export interface PageStore extends Store {
  /** Writes an HTML page whole, whatever was there before. */
  publish(key: string, html: string): Promise<void>;
  /**
   * Returns a URL with which anyone can read an object for some time; null if it does not exist.
   *
   * @param seconds a week at most
   */
  signedUrl(key: string, seconds: number, nowMs: EpochMs): Promise<string | null>;
}

/** Returns whether browsers can read from the store. */
export function isPageStore(store: Store): store is PageStore {
  return 'publish' in store;
}

/** Returns `store` for a caller that waits only until `stop`. */
export function waitedForUntil(store: Store, stop: StopWaiting): Store {
  return {
    url: store.url,
    get: (key) => store.get(key, stop),
    putIfAbsent: (key, bytes) => store.putIfAbsent(key, bytes, stop),
    putIfMatch: (key, bytes, etag) => store.putIfMatch(key, bytes, etag, stop),
    list: (prefix) => store.list(prefix),
    folders: (prefix) => store.folders(prefix),
    setAside: (key) => store.setAside(key),
    removeSetAside: (keptMs) => store.removeSetAside(keptMs),
  };
}
