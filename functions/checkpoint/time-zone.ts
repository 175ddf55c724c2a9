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
import { changeDocument, type DocumentKind, type DocumentRun, loadDocument } from './state-document.ts';
import { json } from './stored-json.ts';

const format = 'dqsync.time-zone';

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
 * @throws StateError if it has; StorageError
 */
export async function requireTimeZone(run: ZonedRun): Promise<void> {
  const { target, store } = run;
  const { value: zone } = await loadDocument(store, target.name, kindOf(target));
  if (zone !== null) {
    requireSame(run, zone, timeZoneKey(target.workspace));
    return;
  }
  for await (const { key } of store.list(statePrefix)) {
    const object = key.endsWith('/checkpoint.json') ? await store.get(key) : null;
    const identity = object === null ? null : identityInUse(object.bytes, key);
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
    keyOf: () => timeZoneKey(workspace),
    schema: z
      .object({ format: z.literal(format), partitionTimeZone: z.string() })
      .transform(({ partitionTimeZone }) => partitionTimeZone),
    empty: null,
    encode: (partitionTimeZone) => `${json({ format, partitionTimeZone })}\n`,
  };
}

function identityInUse(bytes: Uint8Array, key: string): TargetIdentity | null {
  try {
    const checkpoint = decodeAnyCheckpoint(bytes, key, key);
    return isUnused(checkpoint) ? null : checkpoint.identity;
  } catch {
    // A checkpoint that cannot be read is reported by the runs of its own target.
    return null;
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
