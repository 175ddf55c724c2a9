/**
 * Loads and moves a target's checkpoint. It moves by compare-and-swap only, after the data files that it speaks of were
 * written (PROTOCOL.md, I4, I5).
 */
import { ConflictError, StateError } from '../errors.ts';
import type { Target } from '../model.ts';
import { checkpointKey } from '../warehouse/layout.ts';
import type { Store } from '../warehouse/store.ts';
import { WriteRetries, type WritingRun } from '../warehouse/write-retries.ts';
import { applyChange, type Change } from './change.ts';
import { type Checkpoint, emptyCheckpoint, type TargetIdentity } from './checkpoint.ts';
import { decodeCheckpoint, encodeCheckpoint } from './codec.ts';
import { isRewound } from './rewound.ts';

/** A checkpoint as it lies in the store. */
export interface LoadedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Null when there is none yet. */
  readonly etag: string | null;
}

/** What a commit left in the store. */
export interface Committed extends LoadedCheckpoint {
  /**
   * What others had covered before ours, where one committed meanwhile: its changes are in `checkpoint`, beside ours. Null
   * where none did.
   */
  readonly theirs: Checkpoint['coverage'] | null;
}

/** A target with the settings that its checkpoint was made for. */
export interface CheckpointedTarget {
  readonly target: Target;
  readonly settings: { readonly partitionTimeZone: string };
}

/** What moving a checkpoint needs of a run. */
export interface CheckpointRun extends WritingRun, CheckpointedTarget {
  readonly target: Target;
  readonly store: Store;
}

/** How often others may be faster. */
const maxLost = 20;
/** How often what can't be understood is read, before it is said to lie there like that. */
const maxReads = 3;

/** What the checkpoint of a run's target must have been made for. */
export function identityOf(run: CheckpointedTarget): TargetIdentity {
  const { projectId, workspace, filter } = run.target;
  return { projectId, workspace, filter, partitionTimeZone: run.settings.partitionTimeZone };
}

/**
 * Reads a target's checkpoint; an empty one where none is. One that can't be understood is read again: what a proxy put in its
 * place passes, and the remedy for a damaged one is to move it away.
 *
 * @throws StateError when it is damaged, newer, or was made for another configuration; StorageError
 */
export async function loadCheckpoint(
  store: Store,
  target: string,
  identity: TargetIdentity,
): Promise<LoadedCheckpoint> {
  const key = checkpointKey(target);
  for (let reads = 1; ; reads += 1) {
    const object = await store.get(key);
    if (object === null) {
      return { checkpoint: emptyCheckpoint(identity), etag: null };
    }
    try {
      return { checkpoint: decodeCheckpoint(object.bytes, identity, target, key), etag: object.etag };
    } catch (thrown) {
      if (!(thrown instanceof StateError) || reads === maxReads) {
        throw thrown;
      }
    }
  }
}

/**
 * Applies `change` to the checkpoint, on top of whatever others have committed meanwhile. Changes commute, so the order of
 * commits does not matter.
 *
 * @throws ConflictError when others kept winning, or a rewind took coverage back; StorageError, StateError
 */
export async function commitChange(
  run: CheckpointRun & { readonly settings: { readonly lookbackMs: number } },
  base: LoadedCheckpoint,
  change: Change,
): Promise<Committed> {
  const { lookbackMs } = run.settings;
  return await moveCheckpoint(run, base, change.commitId, (checkpoint) => {
    if (isRewound(base.checkpoint.coverage, checkpoint.coverage)) {
      throw new ConflictError('a rewind removed coverage during this run, so its last commit was discarded', {
        target: run.target.name,
        remedy: 'Run again: the next run reads the rewound span, and what this run could not commit.',
      });
    }
    return applyChange(checkpoint, change, lookbackMs);
  });
}

/**
 * Moves the checkpoint to `nextOf` of what is there, by compare-and-swap.
 *
 * Lost: what is there now is read, and `nextOf` asked again. Unknown (no reply): the same, but not as often; if our commit id
 * is found in it, ours had landed.
 *
 * @param commitId what `nextOf` puts into `commitIds`
 * @throws ConflictError when others kept winning, StorageError, StateError
 */
export async function moveCheckpoint(
  run: CheckpointRun,
  base: LoadedCheckpoint,
  commitId: string,
  nextOf: (checkpoint: Checkpoint) => Checkpoint,
): Promise<Committed> {
  const { store, target } = run;
  const key = checkpointKey(target.name);
  const what = `the checkpoint ${key}`;
  const retries = new WriteRetries(run, {
    what,
    maxLost,
    lostTooOften: (attempts) => changedByOthers(what, target.name, attempts),
  });
  let current = base;
  let theirs: Committed['theirs'] = null;
  for (;;) {
    const next = nextOf(current.checkpoint);
    const bytes = encodeCheckpoint(next);
    const outcome =
      current.etag === null ? await store.putIfAbsent(key, bytes) : await store.putIfMatch(key, bytes, current.etag);
    if (outcome.kind === 'won') {
      return { checkpoint: next, etag: outcome.etag, theirs };
    }
    await retries.pauseAfter(outcome);
    current = await loadCheckpoint(store, target.name, identityOf(run));
    if (current.checkpoint.commitIds.includes(commitId)) {
      return { ...current, theirs };
    }
    retries.requireAnother(outcome);
    theirs = outcome.kind === 'lost' ? current.checkpoint.coverage : theirs;
  }
}

function changedByOthers(what: string, target: string, attempts: string): ConflictError {
  return new ConflictError(`${what} could not be written (${attempts}): other runs were faster each time`, {
    target,
    remedy: 'Let fewer runs work on this target at once, then run again; nothing that was committed is lost.',
  });
}
