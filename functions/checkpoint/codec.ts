/** The checkpoint as JSON text. Any content that cannot be read without doubt stops the run. Pure. */
import * as z from 'zod';
import { InternalError, StateError } from '../errors.ts';
import { executionFrom } from '../warehouse/columns.ts';
import { type Checkpoint, isDisjointAndSorted, storedFields, type TargetIdentity } from './checkpoint.ts';
import { endOf } from './coverage.ts';
import { hash64 } from './fingerprint.ts';
import { json, jsonLines } from './stored-json.ts';

const format = 'dqsync.checkpoint';
const version = 4;

/** Lists that the first documents of this version lack. An empty one is left out. */
const laterLists: ReadonlySet<string> = new Set(['expired', 'moved', 'newestStarts', 'unproven']);

const header = z.object({ format: z.literal(format), version: z.int() });

const document = z.strictObject({
  format: z.literal(format),
  version: z.literal(version),
  digest: z.string(),
  ...storedFields,
});

/**
 * Encodes a checkpoint as UTF-8 text. Lists have one entry per line, so that people can read and compare them.
 *
 * @throws InternalError for coverage that could not be read back: a failed commit is better than a checkpoint that
 * stops every later run
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  requireWholeWindows(checkpoint.coverage);
  const stored = {
    ...{ format, version, ...checkpoint, digest: digestOf(checkpoint) },
    recent: checkpoint.recent.map((entry) => [entry.id, entry.startTimeMs, entry.fingerprint, entry.observedAtMs]),
    moved: checkpoint.moved.map((entry) => [entry.id, entry.startTimeMs]),
    newestStarts: checkpoint.newestStarts.map((entry) => [entry.taskId, entry.startTimeMs]),
  };
  const fields = entriesOf(stored).map(
    ([name, value]) => `"${name}":${Array.isArray(value) ? jsonLines(value) : json(value)}`,
  );
  return new TextEncoder().encode(`{\n${fields.join(',\n')}\n}\n`);
}

/** Returns the fields that are written. */
function entriesOf(content: object): [string, unknown][] {
  return Object.entries(content).filter(
    ([name, value]) => !(laterLists.has(name) && Array.isArray(value) && value.length === 0),
  );
}

/**
 * Decodes a checkpoint of a target.
 *
 * @param where the object's name, for messages
 * @throws StateError if it is damaged, of another version, or made for another project, workspace, filter or time zone;
 * one that covers nothing takes on the changed identity
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

/**
 * Returns whether a checkpoint covers nothing yet. Its identity may then change: the user corrects a first
 * configuration.
 */
export function isUnused({ coverage, incremental, open, latestObservedMs }: Checkpoint): boolean {
  return coverage.length === 0 && incremental === null && open.length === 0 && latestObservedMs === null;
}

/**
 * Decodes a checkpoint of any identity, for display only.
 *
 * @throws StateError if it is damaged or of another version
 */
export function decodeAnyCheckpoint(bytes: Uint8Array, target: string, where: string): Checkpoint {
  const value = parseJson(bytes, target, where);
  const head = header.safeParse(value);
  if (head.success && head.data.version !== version) {
    const isNewer = head.data.version > version;
    throw new StateError(
      `the checkpoint ${where} has version ${head.data.version}, ${isNewer ? 'newer' : 'older'} than version ${version}, which this dqsync reads`,
      {
        target,
        remedy: isNewer
          ? 'Nothing was overwritten. Upgrade dqsync to the release that wrote it.'
          : 'Nothing was overwritten. Move the checkpoint away to start again from initialFrom; the table keeps its rows, and the view shows each execution once.',
      },
    );
  }
  const result = document.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    const what = `${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'invalid'}`;
    const hint = issue?.code === 'unrecognized_keys' ? 'If a newer release of dqsync wrote it, upgrade. ' : '';
    throw damaged(target, where, what, result.error, hint);
  }
  const { format: _format, version: _version, digest, ...content } = result.data;
  if (digest !== digestOf(content)) {
    throw damaged(target, where, 'its digest does not match its content', undefined);
  }
  const open = content.open.map(({ execution, ...entry }) => ({
    ...entry,
    execution: executionFrom(({ property }) => execution[property] ?? null),
  }));
  // A document from before this field existed does not list the tasks of the executions covered until then.
  const { newestStartsFromMs = endOf(content.coverage) } = content;
  return { ...content, newestStartsFromMs, open };
}

/**
 * Returns a hash of the content, independent of its layout. Without it, a single wrong digit could hide a span
 * permanently.
 */
function digestOf(content: object): string {
  return hash64(
    JSON.stringify(Object.fromEntries(entriesOf(content)), (_key, entry: unknown) =>
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

function damaged(target: string, where: string, what: string, cause: unknown, hint = ''): StateError {
  return new StateError(`the checkpoint ${where} is damaged (${what})`, {
    target,
    cause,
    remedy: `Nothing was overwritten. ${hint}Restore an earlier version of the object (on S3: list its versions and copy one over it), or move it away to start again from initialFrom; the table keeps its rows, and the view shows each execution once.`,
  });
}

/**
 * A part of remedies for a changed time zone. A new target name in the same warehouse is not enough, because the day is
 * part of an execution's key in the view.
 */
export const inAnotherWarehouse =
  'set another "warehouse": in this one, the view would show executions twice, on the days of both time zones';

function requireIdentity(found: TargetIdentity, wanted: TargetIdentity, target: string, where: string): void {
  const keys = ['projectId', 'workspace', 'filter', 'partitionTimeZone'] as const;
  const changed = keys.filter((key) => canonical(found[key]) !== canonical(wanted[key]));
  if (changed.length > 0) {
    const what = changed.map((key) => `${key} was ${json(found[key])} and is now ${json(wanted[key])}`).join('; ');
    throw new StateError(`the checkpoint ${where} was made for another configuration: ${what}`, {
      target,
      remedy: `Nothing was overwritten. Coverage is valid only for the old configuration: restore it, or ${changed.includes('partitionTimeZone') ? inAnotherWarehouse : 'give the target a new name to start from initialFrom'}.`,
    });
  }
}

function canonical(value: unknown): string {
  return json(isPlainObject(value) ? sortedEntries(value) : value);
}
