/** The checkpoint as JSON text. Whatever cannot be read back without doubt stops the run. Pure. */
import * as z from 'zod';
import { InternalError, StateError } from '../errors.ts';
import { executionColumns, executionFrom } from '../warehouse/columns.ts';
import type { Checkpoint, TargetIdentity } from './checkpoint.ts';
import { hash64 } from './fingerprint.ts';

const format = 'dqsync.checkpoint';
/** Versions 1 to 3 were never released. */
const version = 4;

/** What a date can hold (ECMAScript, time values). */
const epochMs = z.int().min(-8.64e15).max(8.64e15);
const id = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .transform(BigInt)
  .refine((value) => BigInt.asIntN(64, value) === value, { error: 'does not fit 64 bits' });
const text = z.string().nullable();

const header = z.object({ format: z.literal(format), version: z.int() });

const window = z.strictObject({ fromMs: epochMs, toMs: epochMs });

const storedValues = { int64: id, text: z.string(), 'timestamp-ms-utc': epochMs } as const;
/** One member per column. A document written before a column was added lacks its member, which is read as null. */
const storedExecution = z.strictObject(
  Object.fromEntries(
    executionColumns.map(({ property, kind, nullable }) => [
      property,
      nullable ? storedValues[kind].nullable().optional() : storedValues[kind],
    ]),
  ),
);

const document = z.strictObject({
  format: z.literal(format),
  version: z.literal(version),
  digest: z.string(),
  identity: z.strictObject({
    projectId: z.string(),
    workspace: z.string(),
    filter: z.record(z.string(), z.string()),
    partitionTimeZone: z.string(),
  }),
  coverage: z
    .array(z.strictObject({ fromMs: epochMs, toMs: epochMs, rows: z.int().min(0) }))
    .refine(isDisjointAndSorted, { error: 'windows overlap or are out of order' }),
  incremental: window.nullable(),
  rereading: z.strictObject({ ...window.shape, read: z.array(window), readAtMs: epochMs }).nullable(),
  lookbackMs: z.int().min(0).nullable(),
  maxSpanMs: z.int().min(1).nullable(),
  open: z.array(
    z.strictObject({
      execution: storedExecution,
      observedAtMs: epochMs,
      lookedAtMs: epochMs,
      awaits: z.enum(['outcome', 'notification']),
    }),
  ),
  recent: z.array(
    z.tuple([id, epochMs, z.string(), epochMs]).transform(([entryId, startTimeMs, fingerprint, observedAtMs]) => ({
      id: entryId,
      startTimeMs,
      fingerprint,
      observedAtMs,
    })),
  ),
  latestObservedMs: epochMs.nullable().default(null),
  quarantined: z.array(z.strictObject({ fingerprint: z.string(), seenAtMs: epochMs })),
  commitIds: z.array(z.string()),
  lastRun: z
    .strictObject({
      runId: z.string(),
      mode: z.enum(['incremental', 'backfill']),
      startedAtMs: epochMs,
      committedAtMs: epochMs,
      outcome: z.enum(['running', 'done', 'stopped', 'failed']),
      rowsWritten: z.int(),
      error: text,
    })
    .nullable(),
});

/**
 * The document's text, UTF-8. Lists stand one entry a line, so that a person can read and compare them.
 *
 * @throws InternalError for what could not be read back: better no commit than a checkpoint that stops every later run
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { identity, coverage, incremental, rereading, open, recent, quarantined, commitIds, lastRun } = checkpoint;
  const { latestObservedMs, lookbackMs, maxSpanMs } = checkpoint;
  requireWholeWindows(coverage);
  const recentTuples = recent.map((entry) => [entry.id, entry.startTimeMs, entry.fingerprint, entry.observedAtMs]);
  const parts = [
    `"format":${json(format)}`,
    `"version":${version}`,
    `"identity":${json(identity)}`,
    `"lastRun":${json(lastRun)}`,
    `"incremental":${json(incremental)}`,
    `"rereading":${json(rereading)}`,
    `"lookbackMs":${json(lookbackMs)}`,
    `"maxSpanMs":${json(maxSpanMs)}`,
    ...(latestObservedMs === null ? [] : [`"latestObservedMs":${latestObservedMs}`]),
    `"coverage":${lines(coverage)}`,
    `"open":${lines(open)}`,
    `"quarantined":${lines(quarantined)}`,
    `"commitIds":${json(commitIds)}`,
    `"digest":${json(digestOf(checkpoint))}`,
    `"recent":${lines(recentTuples)}`,
  ];
  return new TextEncoder().encode(`{\n${parts.join(',\n')}\n}\n`);
}

/**
 * Reads a checkpoint back.
 *
 * @param where the object's name, for messages
 * @throws StateError when it is damaged, of another version, or was made for another project, workspace, filter or time zone
 *   (one that covers nothing takes on the changed identity)
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  identity: TargetIdentity,
  target: string,
  where: string,
): Checkpoint {
  const checkpoint = decodeAnyCheckpoint(bytes, target, where);
  if (!isUnused(checkpoint)) {
    requireIdentity(checkpoint.identity, identity, target, where);
  }
  return { ...checkpoint, identity };
}

/** Whether a checkpoint vouches for nothing yet: the user has corrected a mistake in the first configuration. */
function isUnused({ coverage, incremental, open, latestObservedMs }: Checkpoint): boolean {
  return coverage.length === 0 && incremental === null && open.length === 0 && latestObservedMs === null;
}

/**
 * Reads a checkpoint whatever configuration it was made for: to look at, never to go on from.
 *
 * @throws StateError when it is damaged or of another version
 */
export function decodeAnyCheckpoint(bytes: Uint8Array, target: string, where: string): Checkpoint {
  const value = parseJson(bytes, target, where);
  const head = header.safeParse(value);
  if (head.success && head.data.version !== version) {
    const isNewer = head.data.version > version;
    throw new StateError(
      `the checkpoint ${where} has version ${head.data.version}, ${isNewer ? 'newer' : 'older'} than the ${version} this dqsync knows`,
      {
        target,
        remedy: isNewer
          ? 'Upgrade dqsync. Nothing was overwritten.'
          : 'Move it away to start again from initialFrom. The table keeps its rows, and the view drops duplicates.',
      },
    );
  }
  const result = document.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw damaged(
      target,
      where,
      `${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'invalid'}`,
      result.error,
    );
  }
  const { format: _format, version: _version, digest, ...content } = result.data;
  if (digest !== digestOf(content)) {
    throw damaged(target, where, 'its digest does not fit what it says', undefined);
  }
  const open = content.open.map(({ execution, ...entry }) => ({
    ...entry,
    execution: executionFrom(({ property }) => execution[property] ?? null),
  }));
  return { ...content, open };
}

/** Of what the document says, however it is laid out: a digit that is wrong would go unnoticed, and hide a span for ever. */
function digestOf(content: object): string {
  return hash64(
    JSON.stringify(content, (_key, entry: unknown) =>
      typeof entry === 'bigint'
        ? entry.toString()
        : isPlainObject(entry)
          ? Object.fromEntries(sortedEntries(entry))
          : entry,
    ),
  );
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortedEntries(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function requireWholeWindows(coverage: Checkpoint['coverage']): void {
  const broken = coverage.find(({ fromMs, toMs }) => !Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs));
  if (broken !== undefined || !isDisjointAndSorted(coverage)) {
    throw new InternalError(`coverage would be damaged: ${json(broken ?? coverage)}`, {
      remedy: 'Nothing was written. This is a defect of dqsync; please report it with this message.',
    });
  }
}

function parseJson(bytes: Uint8Array, target: string, where: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw damaged(target, where, 'it is not JSON', cause);
  }
}

function damaged(target: string, where: string, what: string, cause: unknown): StateError {
  return new StateError(`the checkpoint ${where} is damaged (${what})`, {
    target,
    cause,
    remedy:
      'Nothing was overwritten. Put an earlier version of the object back (on S3: list its versions and copy one over it), or move it away to start again from initialFrom; the table keeps its rows and the view drops duplicates.',
  });
}

function requireIdentity(found: TargetIdentity, wanted: TargetIdentity, target: string, where: string): void {
  const keys = ['projectId', 'workspace', 'filter', 'partitionTimeZone'] as const;
  const changed = keys.filter((key) => canonical(found[key]) !== canonical(wanted[key]));
  if (changed.length > 0) {
    const what = changed.map((key) => `${key} was ${json(found[key])} and is now ${json(wanted[key])}`).join('; ');
    throw new StateError(`the checkpoint ${where} was made for another configuration: ${what}`, {
      target,
      remedy:
        'What is covered would no longer be true. Set it back, or give the target a new name to start a coverage of its own. Nothing was overwritten.',
    });
  }
}

function canonical(value: unknown): string {
  return json(isPlainObject(value) ? sortedEntries(value) : value);
}

function lines(entries: readonly unknown[]): string {
  return entries.length === 0 ? '[]' : `[\n${entries.map(json).join(',\n')}\n]`;
}

function json(value: unknown): string {
  return (
    JSON.stringify(value, (_key, entry: unknown) => (typeof entry === 'bigint' ? entry.toString() : entry)) ?? 'null'
  );
}

function isDisjointAndSorted(windows: readonly { fromMs: number; toMs: number }[]): boolean {
  return windows.every(
    (window, index) =>
      window.fromMs < window.toMs && (windows[index - 1]?.toMs ?? Number.NEGATIVE_INFINITY) <= window.fromMs,
  );
}
