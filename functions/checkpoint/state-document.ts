/**
 * A document beside the checkpoint that several runs may change at the same time (PROTOCOL.md, I19).
 *
 * Its changes commute and may be applied twice, so a write whose reply was lost is simply made again. One that cannot be
 * understood counts as missing, and is replaced.
 */
import type * as z from 'zod';
import { type PutOutcome, putIfUnchanged, type Store } from '../warehouse/store.ts';
import { type WritingRun, writeSharedFile } from '../warehouse/write-retries.ts';

/** Where a document is, and how it is stored. */
export interface DocumentKind<T> {
  readonly key: string;
  /** Checks what `JSON.parse` returned. */
  readonly schema: z.ZodType<T>;
  /** The value if there is no document. */
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
  readonly store: Store;
}

/** Reads a document. @throws StorageError */
export async function loadDocument<T>(store: Store, kind: DocumentKind<T>): Promise<LoadedDocument<T>> {
  const object = await store.get(kind.key);
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
  kind: DocumentKind<T>,
  base: LoadedDocument<T>,
  change: (value: T) => T,
): Promise<LoadedDocument<T>> {
  let current = base;
  let value = change(base.value);
  if (value === base.value) {
    return base;
  }
  const attempt = async (): Promise<PutOutcome> => {
    const bytes = new TextEncoder().encode(kind.encode(value));
    const outcome = await putIfUnchanged(run.store, kind.key, bytes, current.etag);
    current = outcome.kind === 'won' ? { value, etag: outcome.etag, isDamaged: false } : current;
    return outcome;
  };
  await writeSharedFile(run, kind.key, attempt, async () => {
    current = await loadDocument(run.store, kind);
    value = change(current.value);
    return value === current.value;
  });
  return current;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
