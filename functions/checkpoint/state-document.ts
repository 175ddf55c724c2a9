/**
 * A document beside the checkpoint that several runs may change at once (PROTOCOL.md, I19).
 *
 * Its changes commute and may be applied twice, so a write whose reply was lost is simply made again. No run ever fails
 * because of what such a document says: one that cannot be understood counts as missing, and is replaced.
 */
import type * as z from 'zod';
import { ConflictError } from '../errors.ts';
import type { Target } from '../model.ts';
import type { Store } from '../warehouse/store.ts';
import { WriteRetries, type WritingRun } from '../warehouse/write-retries.ts';

/** A kind of document. */
export interface DocumentKind<T> {
  /** Checks what `JSON.parse` returned. */
  readonly schema: z.ZodType<T>;
  /** What a target without the document has. */
  readonly empty: T;
  /** Text that `schema` accepts. */
  readonly encode: (value: T) => string;
}

/** A document as read from the store. */
export interface LoadedDocument<T> {
  readonly value: T;
  /** Null if there is none. */
  readonly etag: string | null;
  /** Whether there is one that cannot be understood. */
  readonly isDamaged: boolean;
}

/** A run that changes documents. */
export interface DocumentRun extends WritingRun {
  readonly target: Target;
  readonly store: Store;
}

/** How often other runs may be faster. */
const maxLost = 20;

/** Reads a document. @throws StorageError */
export async function loadDocument<T>(store: Store, key: string, kind: DocumentKind<T>): Promise<LoadedDocument<T>> {
  const object = await store.get(key);
  if (object === null) {
    return { value: kind.empty, etag: null, isDamaged: false };
  }
  const parsed = kind.schema.safeParse(parseJson(object.bytes));
  return { value: parsed.success ? parsed.data : kind.empty, etag: object.etag, isDamaged: !parsed.success };
}

/**
 * Replaces a document by `change(value)`, on top of what other runs have written. Writes nothing if `change` returns
 * its argument.
 *
 * @param change must commute with the changes of other runs, and may be applied twice
 * @throws ConflictError if other runs won every time; StorageError
 */
export async function changeDocument<T>(
  run: DocumentRun,
  key: string,
  kind: DocumentKind<T>,
  base: LoadedDocument<T>,
  change: (value: T) => T,
): Promise<LoadedDocument<T>> {
  const { store, target } = run;
  const retries = new WriteRetries(run, {
    maxLost,
    lostTooOften: (attempts) =>
      new ConflictError(`${key} could not be written (${attempts}): another run committed first each time`, {
        target: target.name,
        remedy: 'Run fewer syncs and backfills of this target at the same time, then run again.',
      }),
  });
  let current = base;
  for (;;) {
    const value = change(current.value);
    if (value === current.value) {
      return current;
    }
    const bytes = new TextEncoder().encode(kind.encode(value));
    const { etag } = current;
    const outcome = etag === null ? await store.putIfAbsent(key, bytes) : await store.putIfMatch(key, bytes, etag);
    if (outcome.kind === 'won') {
      return { value, etag: outcome.etag, isDamaged: false };
    }
    await retries.pauseAfter(outcome);
    current = await loadDocument(store, key, kind);
    retries.requireAnother(outcome);
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
