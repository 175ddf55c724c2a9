/**
 * The record of a target's audits: a document beside the checkpoint, for people, and to order the next audit's days.
 */
import * as z from 'zod';
import { auditKey } from '../warehouse/layout.ts';
import type { DocumentKind } from './state-document.ts';
import { storedMs } from './stored-json.ts';

const count = z.int().min(0);

const document = z.object({
  format: z.literal('dqsync.audit'),
  version: z.literal(1),
  /** When the last audit ended. */
  endedAtMs: storedMs,
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
  spans: z.array(z.object({ fromMs: storedMs, toMs: storedMs, comparedAtMs: storedMs })),
});

/** The document. */
export type AuditRecord = Readonly<Omit<z.output<typeof document>, 'format' | 'version'>>;

/** The document as stored; null if no audit has ended yet, or the record cannot be parsed. */
export const auditKind = (target: string): DocumentKind<AuditRecord | null> => ({
  key: auditKey(target),
  schema: document.transform(({ format: _format, version: _version, ...record }) => record),
  empty: null,
  encode: (record) => `${JSON.stringify({ format: 'dqsync.audit', version: 1, ...record })}\n`,
});
