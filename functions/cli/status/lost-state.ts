/** Notices that the state of a target was removed from a warehouse that has been synced. */
import { loadRuns } from '../../checkpoint/run-history.ts';
import type { TargetConfig } from '../../config.ts';
import { checkpointKey, statePrefix, tableName } from '../../warehouse/layout.ts';
import type { Store } from '../../warehouse/store.ts';
import { shortTime } from '../terminal/formats.ts';

/**
 * Returns what is missing, and what to do, for a target without a checkpoint; null if nothing shows that it had one.
 *
 * @throws StorageError
 */
export async function lostState(
  store: Store,
  { name, workspace }: Pick<TargetConfig, 'name' | 'workspace'>,
): Promise<string | null> {
  // Such a run has always committed a checkpoint. Others may have ended before their first commit.
  const last = (await loadRuns(store, name)).findLast(
    ({ mode, outcome }) => mode === 'incremental' && outcome === 'done',
  );
  if (last !== undefined) {
    const ended = shortTime(last.endedAt ?? last.startedAt);
    return textOf('the checkpoint is missing', `a sync finished at ${ended}`, checkpointKey(name));
  }
  const isAllGone =
    (await isEmpty(store.list(statePrefix))) && !(await isEmpty(store.folders(`${tableName}/workspace=${workspace}/`)));
  return isAllGone
    ? textOf(`all of ${statePrefix} is missing`, 'the table has days of this workspace', statePrefix)
    : null;
}

async function isEmpty(listing: AsyncIterable<unknown>): Promise<boolean> {
  return (await listing[Symbol.asyncIterator]().next()).done === true;
}

function textOf(what: string, sign: string, key: string): string {
  return `${what}, although ${sign}. If it was removed by mistake, restore ${key} from a backup (on S3, an earlier version). Otherwise, read again from initialFrom; the view shows each execution once: dqsync sync`;
}
