/** A store in memory, which makes thousands of runs cheap and lets a test check each write as it happens. */
import type { ListedObject, PutOutcome, Store, StoredObject } from '../../functions/warehouse/store.ts';

/** Called with each write before its writer continues. `before` is the previous object. */
export type OnWrite = (key: string, bytes: Uint8Array, before: Uint8Array | null, by: string) => Promise<void>;

/** All objects, with a handle for each writer. */
export class MemoryStore {
  readonly objects = new Map<string, StoredObject>();
  readonly #onWrite: OnWrite;
  #writes = 0;

  constructor(onWrite: OnWrite) {
    this.#onWrite = onWrite;
  }

  /** Returns the store for one writer, whose name is passed to `onWrite`. */
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
