/** Small operations on a store, for tests and for the processes they start. */
import { randomUUID } from 'node:crypto';
import type { Store } from '../../functions/warehouse/store.ts';

/** Encodes text as UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Returns the text of an object; null if there is none. */
export async function textAt(store: Store, key: string): Promise<string | null> {
  const object = await store.get(key);
  return object === null ? null : new TextDecoder().decode(object.bytes);
}

/** Returns the sorted keys of a listing. */
export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const objects = await Array.fromAsync(store.list(prefix));
  return objects.map((object) => object.key).sort();
}

/**
 * Increments a counter `times` times, by compare-and-swap. The object is `<count> <token>`. Each write has a new token,
 * because a store that reads an object back after an unknown outcome cannot distinguish two writers of the same bytes.
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

/** Returns the count in a counter's text. */
export function countIn(text: string | null): number {
  return Number.parseInt(text ?? '', 10);
}
