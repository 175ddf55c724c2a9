/** The record of a target's audits, for people and for the order of the next one: a document beside the checkpoint. */
import * as z from 'zod';
import { auditKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';

const epochMs = z.int().min(-8.64e15).max(8.64e15);
const count = z.int().min(0);

const document = z.object({
  format: z.literal('dqsync.audit'),
  version: z.literal(1),
  /** When the last audit ended. */
  endedAtMs: epochMs,
  /** Whether it compared all days. */
  done: z.boolean(),
  /** Days compared by the last audit. */
  days: count,
  /** Rows that the last audit found to have appeared late. */
  lateRows: count,
  /** Days that the last audit read again. */
  repaired: count,
  /** Days that the last audit could not compare, or not repair. */
  failed: count,
  /** When each span was compared last. */
  spans: z.array(z.object({ fromMs: epochMs, toMs: epochMs, comparedAtMs: epochMs })),
});

/** The document. */
export type AuditRecord = Readonly<Omit<z.output<typeof document>, 'format' | 'version'>>;

/** The document as stored. */
export interface LoadedAuditRecord {
  /** Null if no audit has ended yet, or the record cannot be parsed. */
  readonly record: AuditRecord | null;
  readonly etag: string | null;
}

/** Reads what the last audit of a target left behind. @throws StorageError */
export async function loadAuditRecord(store: Store, target: string): Promise<LoadedAuditRecord> {
  const object = await store.get(auditKey(target));
  if (object === null) {
    return { record: null, etag: null };
  }
  return { record: document.safeParse(parseJson(object.bytes)).data ?? null, etag: object.etag };
}

/**
 * Writes the document, unless another audit has written it in the meantime, which knows as much.
 *
 * @throws StorageError
 */
export async function saveAuditRecord(
  store: Store,
  target: string,
  { etag }: LoadedAuditRecord,
  record: AuditRecord,
): Promise<void> {
  const key = auditKey(target);
  const text = JSON.stringify({ format: 'dqsync.audit', version: 1, ...record });
  const bytes = new TextEncoder().encode(`${text}\n`);
  await (etag === null ? store.putIfAbsent(key, bytes) : store.putIfMatch(key, bytes, etag));
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
