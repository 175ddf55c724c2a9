/** Small steps on a store, for tests and for the processes they start. */
import { randomUUID } from 'node:crypto';
import type { Store } from '../../functions/warehouse/store.ts';

/** Text as bytes. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of an object; null if there is none. */
export async function textAt(store: Store, key: string): Promise<string | null> {
  const object = await store.get(key);
  return object === null ? null : new TextDecoder().decode(object.bytes);
}

/** Keys of a listing, sorted. */
export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const objects = await Array.fromAsync(store.list(prefix));
  return objects.map((object) => object.key).sort();
}

/**
 * Adds one `times` times, by compare-and-swap. The object is `<count> <token>`, the token new for each write: a store that
 * reads back after a doubtful reply cannot distinguish two writers of the same bytes.
 */
export async function increment(store: Store, key: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const read = await store.get(key);
    if (read === null) {
      throw new Error(`no ${key}`);
    }
    const next = countIn(new TextDecoder().decode(read.bytes)) + 1;
    const outcome = await store.putIfMatch(key, bytesOf(`${next} ${randomUUID()}`), read.etag);
    if (outcome.kind === 'won') {
      done += 1;
    }
  }
}

/** The count in a counter's text. */
export function countIn(text: string | null): number {
  return Number.parseInt(text ?? '', 10);
}
