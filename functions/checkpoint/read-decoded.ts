/** Reads objects whose damage stops a run. */
import { StateError } from '../errors.ts';
import type { Store } from '../warehouse/store.ts';

/** Reads of an object that cannot be decoded before it is reported. */
const maxReads = 3;

/**
 * Reads and decodes an object; returns null if there is none. Reads one that cannot be decoded again before it throws,
 * because the remedy for a damaged object is to move it away: if a proxy returned an error page in its place, the next
 * read gets the object.
 *
 * @throws StateError of `decode`; StorageError
 */
export async function readDecoded<T>(
  store: Store,
  key: string,
  decode: (bytes: Uint8Array) => T,
): Promise<{ readonly value: T; readonly etag: string } | null> {
  for (let reads = 1; ; reads += 1) {
    const object = await store.get(key);
    if (object === null) {
      return null;
    }
    try {
      return { value: decode(object.bytes), etag: object.etag };
    } catch (thrown) {
      if (!(thrown instanceof StateError) || reads === maxReads) {
        throw thrown;
      }
    }
  }
}
