/**
 * The time zone of a workspace's days, in one document per workspace (PROTOCOL.md, I23). The key of an execution in the
 * view includes its day, so with two zones the view would show executions twice.
 *
 * Only runs whose checkpoint is unused read the document. For all others, the checkpoint's identity has the zone.
 */
import * as z from 'zod';
import { StateError } from '../errors.ts';
import type { Target } from '../model.ts';
import { statePrefix, timeZoneKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import type { TargetIdentity } from './checkpoint.ts';
import { decodeAnyCheckpoint, inAnotherWarehouse, isUnused } from './codec.ts';
import { readDecoded } from './read-decoded.ts';
import { changeDocument, type DocumentKind, type DocumentRun, loadDocument } from './state-document.ts';
import { json } from './stored-json.ts';

const format = 'dqsync.time-zone';

/** Matches the keys of checkpoints. A checkpoint that was moved to another name or into a further folder is ignored. */
const checkpointPattern = new RegExp(`^${statePrefix}[^/]+/checkpoint\\.json$`);

/** The parts of a run that are needed to check its time zone. */
interface ZonedRun {
  readonly target: Target;
  readonly store: Store;
  readonly settings: { readonly partitionTimeZone: string };
}

/**
 * Checks that the workspace of a run's target has no days of another time zone. Without the document, as in a warehouse
 * that is older, the checkpoints of the workspace decide.
 *
 * @throws StateError if it has, or if that is unknown because a checkpoint cannot be read; StorageError
 */
export async function requireTimeZone(run: ZonedRun): Promise<void> {
  const { target, store } = run;
  const { value: zone } = await loadDocument(store, kindOf(target));
  if (zone !== null) {
    requireSame(run, zone, timeZoneKey(target.workspace));
    return;
  }
  for await (const { key } of store.list(statePrefix)) {
    const identity = checkpointPattern.test(key) ? await identityInUse(run, key) : null;
    if (identity?.workspace === target.workspace) {
      requireSame(run, identity.partitionTimeZone, key);
    }
  }
}

/**
 * Records the time zone of a run that is about to write or cover something for the first time. Of two such runs with
 * different zones, only the first one gets past this.
 *
 * @throws StateError if the workspace has days of another time zone; StorageError, ConflictError
 */
export async function claimTimeZone(run: ZonedRun & DocumentRun): Promise<void> {
  const { target, settings } = run;
  const wanted = settings.partitionTimeZone;
  const none = { value: null, etag: null, isDamaged: false };
  const { value: zone } = await changeDocument(run, kindOf(target), none, (recorded) => recorded ?? wanted);
  requireSame(run, zone ?? wanted, timeZoneKey(target.workspace));
}

function kindOf({ workspace }: Target): DocumentKind<string | null> {
  return {
    key: timeZoneKey(workspace),
    schema: z
      .object({ format: z.literal(format), partitionTimeZone: z.string() })
      .transform(({ partitionTimeZone }) => partitionTimeZone),
    empty: null,
    encode: (partitionTimeZone) => `${json({ format, partitionTimeZone })}\n`,
  };
}

/**
 * Returns the identity of a checkpoint; null if it is unused.
 *
 * @throws StateError if it cannot be read: its workspace and its time zone are then unknown
 */
async function identityInUse({ target, store, settings }: ZonedRun, key: string): Promise<TargetIdentity | null> {
  try {
    const read = await readDecoded(store, key, (bytes) => decodeAnyCheckpoint(bytes, target.name, key));
    return read === null || isUnused(read.value) ? null : read.value.identity;
  } catch (thrown) {
    if (!(thrown instanceof StateError)) {
      throw thrown;
    }
    const zone = json(settings.partitionTimeZone);
    throw new StateError(
      `the time zone of the days of workspace ${json(target.workspace)} is unknown: ${thrown.message}`,
      {
        target: target.name,
        cause: thrown,
        remedy: `Nothing was written. Restore a readable version of ${key}, or upgrade dqsync if a newer release wrote it. Otherwise, if its days are those of "partitionTimeZone": ${zone}, move it out of ${statePrefix}; its target then starts again from initialFrom.`,
      },
    );
  }
}

function requireSame({ target, settings }: ZonedRun, zone: string, where: string): void {
  if (zone !== settings.partitionTimeZone) {
    throw new StateError(
      `workspace ${json(target.workspace)} has days of ${json(zone)} in this warehouse (${where}), but partitionTimeZone is now ${json(settings.partitionTimeZone)}`,
      {
        target: target.name,
        remedy: `Nothing was written. Restore "partitionTimeZone": ${json(zone)}, or ${inAnotherWarehouse}.`,
      },
    );
  }
}
