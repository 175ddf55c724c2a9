/** A store in memory, so that thousands of runs cost little, and each of its writes is looked at as it happens. */
import type { ListedObject, PutOutcome, Store, StoredObject } from '../../functions/warehouse/store.ts';

/** Told of each write before it can be read, with what was there before. */
export type OnWrite = (key: string, bytes: Uint8Array, before: Uint8Array | null, by: string) => Promise<void>;

/** All objects, and handles for those who write. */
export class MemoryStore {
  readonly objects = new Map<string, StoredObject>();
  readonly #onWrite: OnWrite;
  #writes = 0;

  constructor(onWrite: OnWrite) {
    this.#onWrite = onWrite;
  }

  /** The store as one writer sees it; `by` names the writer to `onWrite`. */
  handle(by: string): Store {
    return {
      url: 'memory:',
      get: async (key) => this.objects.get(key) ?? null,
      putIfAbsent: async (key, bytes) => {
        const there = this.objects.get(key);
        if (there !== undefined) {
          return Buffer.from(there.bytes).equals(bytes) ? { kind: 'won', etag: there.etag } : { kind: 'lost' };
        }
        return await this.#write(key, bytes, by);
      },
      putIfMatch: async (key, bytes, etag) =>
        this.objects.get(key)?.etag === etag ? await this.#write(key, bytes, by) : { kind: 'lost' },
      list: (prefix) => this.#list(prefix),
      folders: (prefix) => this.#folders(prefix),
      setAside: async (key) => {
        this.objects.delete(key);
      },
      removeSetAside: async () => undefined,
    };
  }

  async #write(key: string, bytes: Uint8Array, by: string): Promise<PutOutcome> {
    const before = this.objects.get(key)?.bytes ?? null;
    this.#writes += 1;
    const etag = `"${this.#writes}"`;
    this.objects.set(key, { bytes, etag });
    await this.#onWrite(key, bytes, before, by);
    return { kind: 'won', etag };
  }

  async *#folders(prefix: string): AsyncIterable<string> {
    const below = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key.includes('/', prefix.length));
    yield* new Set(below.map((key) => key.slice(0, key.indexOf('/', prefix.length) + 1)));
  }

  async *#list(prefix: string): AsyncIterable<ListedObject> {
    for (const [key, { bytes }] of this.objects) {
      if (key.startsWith(prefix)) {
        yield { key, sizeBytes: bytes.length };
      }
    }
  }
}
