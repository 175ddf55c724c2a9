/**
 * The time zone of a workspace's days, in one document per workspace (PROTOCOL.md, I23). The key of an execution in the
 * view includes its day, so with two zones the view would show executions twice.
 *
 * Only runs whose checkpoint is unused read the document. For all others, the checkpoint's identity has the zone.
 */
import * as z from 'zod';
import { StateError } from '../errors.ts';
import type { Target } from '../model.ts';
import { timeZoneKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { inAnotherWarehouse } from './codec.ts';
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
 * Checks that the workspace of a run's target has no days of another time zone.
 *
 * @throws StateError if it has, or if that is unknown because the document is damaged; StorageError
 */
export async function requireTimeZone(run: ZonedRun): Promise<void> {
  const { target, store, settings } = run;
  const key = timeZoneKey(target.workspace);
  const { value: zone, isDamaged } = await loadDocument(store, kindOf(target));
  if (isDamaged) {
    throw new StateError(
      `the time zone of the days of workspace ${json(target.workspace)} is unknown: ${key} is damaged`,
      {
        target: target.name,
        remedy: `Nothing was written. Restore an earlier version of ${key}, or remove it if the days of the workspace are those of "partitionTimeZone": ${json(settings.partitionTimeZone)}.`,
      },
    );
  }
  requireSame(run, zone ?? settings.partitionTimeZone, key);
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
