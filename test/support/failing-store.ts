/** Wraps a store so that it dies at any call, loses replies, or lets a test act between calls. */
import { StorageError } from '../../functions/errors.ts';
import type { PutOutcome, Store } from '../../functions/warehouse/store.ts';

/** One call of a store. */
export interface StoreCall {
  /** Counted from 1. */
  readonly n: number;
  readonly method: 'get' | 'putIfAbsent' | 'putIfMatch' | 'setAside';
  readonly key: string;
}

/** What happens at a call: nothing, the process dies before or after its effect, or its reply is lost. */
export type StoreFate = 'ok' | 'die-before' | 'die-after' | 'lose-reply';

/** Thrown by every call after a death, when a real process would not exist any more. */
class ProcessIsDead extends Error {}

/** Wraps `store`. Asks `fate` before each call, and records each in `calls`. */
export function failingStore(
  store: Store,
  fate: (call: StoreCall) => StoreFate | Promise<StoreFate>,
): Store & { readonly calls: StoreCall[] } {
  const calls: StoreCall[] = [];
  let isDead = false;
  const run = async <T>(method: StoreCall['method'], key: string, work: () => Promise<T>, lost: T): Promise<T> => {
    if (isDead) {
      throw new ProcessIsDead();
    }
    const call = { n: calls.length + 1, method, key };
    calls.push(call);
    const what = await fate(call);
    isDead ||= what === 'die-before' || what === 'die-after';
    if (what === 'die-before') {
      throw new ProcessIsDead();
    }
    const result = await work();
    if (what === 'die-after') {
      throw new ProcessIsDead();
    }
    return what === 'lose-reply' ? lost : result;
  };
  const unknown: PutOutcome = { kind: 'unknown', cause: new StorageError('no reply', { remedy: '-' }) };
  return {
    url: store.url,
    calls,
    get: (key) => run('get', key, () => store.get(key), null),
    putIfAbsent: (key, bytes) => run('putIfAbsent', key, () => store.putIfAbsent(key, bytes), unknown),
    putIfMatch: (key, bytes, etag) => run('putIfMatch', key, () => store.putIfMatch(key, bytes, etag), unknown),
    list: (prefix) => store.list(prefix),
    folders: (prefix) => store.folders(prefix),
    setAside: (key) => run('setAside', key, () => store.setAside(key), undefined),
    removeSetAside: (keptMs) => store.removeSetAside(keptMs),
  };
}
