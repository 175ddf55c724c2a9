/**
 * Loads and replaces a target's checkpoint. It is replaced only by compare-and-swap, and only after the data files that
 * it refers to were written (PROTOCOL.md, I2 and I4).
 */
import { ConflictError } from '../errors.ts';
import type { Target } from '../model.ts';
import { checkpointKey, probeKey } from '../warehouse/layout.ts';
import { type PutOutcome, putIfUnchanged, type Store } from '../warehouse/store.ts';
import { type WritingRun, writeSharedFile } from '../warehouse/write-retries.ts';
import { applyChange, type Change } from './change.ts';
import { type Checkpoint, emptyCheckpoint } from './checkpoint.ts';
import { decodeCheckpoint, encodeCheckpoint, isUnused } from './codec.ts';
import { isRewound } from './rewound.ts';
import { requireTimeZone } from './time-zone.ts';
import { asWriting, type Writing } from './writing.ts';

/** A checkpoint as read from the store. */
export interface LoadedCheckpoint {
  readonly checkpoint: Checkpoint;
  /** Null if there is no checkpoint yet. */
  readonly etag: string | null;
}

/** The checkpoint after a commit. */
export interface Committed extends LoadedCheckpoint {
  /**
   * The coverage that another run committed in the meantime, before our change was applied to it; null without such a
   * run.
   */
  readonly theirs: Checkpoint['coverage'] | null;
}

/** The parts of a run that are needed to read its checkpoint. */
export interface CheckpointReader {
  readonly target: Target;
  readonly store: Store;
  readonly settings: { readonly partitionTimeZone: string };
}

/** The parts of a run that are needed to replace its checkpoint. */
export type CheckpointRun = CheckpointReader & WritingRun;

/**
 * Reads a target's checkpoint; returns an empty one if there is none.
 *
 * @throws StateError if it is damaged, of another version or made for another configuration, or if it is unused and the
 * workspace has days of another time zone; StorageError
 */
export async function loadCheckpoint(reader: CheckpointReader): Promise<LoadedCheckpoint> {
  const loaded = await readCheckpoint(reader);
  if (isUnused(loaded.checkpoint)) {
    await requireTimeZone(reader);
  }
  return loaded;
}

async function readCheckpoint({ target, store, settings }: CheckpointReader): Promise<LoadedCheckpoint> {
  const { name, projectId, workspace, filter } = target;
  const identity = { projectId, workspace, filter, partitionTimeZone: settings.partitionTimeZone };
  const key = checkpointKey(name);
  const object = await store.get(key);
  return object === null
    ? { checkpoint: emptyCheckpoint(identity), etag: null }
    : { checkpoint: decodeCheckpoint(object.bytes, identity, name, key), etag: object.etag };
}

/**
 * Reads a target's checkpoint for a run that will write. A first run finds out here, before its first request to the
 * source, if nothing can be written. Later runs do not pay for it, because they rarely write for the first time.
 *
 * @throws StateError, StorageError
 */
export async function loadToWrite(run: CheckpointReader): Promise<LoadedCheckpoint> {
  const loaded = await loadCheckpoint(run);
  if (loaded.etag === null) {
    // Any outcome but a refusal will do. If no reply arrives, the first commit shows whether writes work.
    await run.store.putIfAbsent(probeKey, Buffer.from('{"format":"dqsync.probe"}\n'));
  }
  return loaded;
}

/**
 * Applies `change` to the latest checkpoint, on top of what other runs have committed.
 *
 * @throws ConflictError if other runs won every time or a rewind removed coverage; StorageError, StateError
 */
export async function commitChange(
  run: CheckpointRun & { readonly settings: { readonly lookbackMs: number } },
  base: LoadedCheckpoint,
  change: Change,
): Promise<Committed> {
  const { lookbackMs } = run.settings;
  return await moveUnlessRewound(run, base, change.commitId, (checkpoint) =>
    applyChange(checkpoint, change, lookbackMs),
  );
}

/**
 * Marks executions whose rows are about to be written, on top of what other runs have committed.
 *
 * @param commitId the id of this change
 * @throws ConflictError if other runs won every time or a rewind removed coverage; StorageError, StateError
 */
export async function markWriting(
  run: CheckpointRun,
  base: LoadedCheckpoint,
  writing: Writing,
  commitId: string,
): Promise<Committed> {
  return await moveUnlessRewound(run, base, commitId, (checkpoint) => asWriting(checkpoint, writing, commitId));
}

async function moveUnlessRewound(
  run: CheckpointRun,
  base: LoadedCheckpoint,
  commitId: string,
  nextOf: (checkpoint: Checkpoint) => Checkpoint,
): Promise<Committed> {
  return await moveCheckpoint(run, base, commitId, (checkpoint) => {
    if (isRewound(base.checkpoint.coverage, checkpoint.coverage)) {
      throw new ConflictError('a rewind removed coverage during this run, so its last commit was discarded', {
        target: run.target.name,
        remedy: 'Run again: the next run reads the rewound span, and what this run could not commit.',
      });
    }
    return nextOf(checkpoint);
  });
}

/**
 * Replaces the checkpoint with `nextOf(checkpoint)` by compare-and-swap (PROTOCOL.md, A commit, step 5).
 *
 * @param commitId the id that `nextOf` adds to `commitIds`
 * @throws ConflictError if other runs won every time; StorageError, StateError
 */
export async function moveCheckpoint(
  run: CheckpointRun,
  base: LoadedCheckpoint,
  commitId: string,
  nextOf: (checkpoint: Checkpoint) => Checkpoint,
): Promise<Committed> {
  const key = checkpointKey(run.target.name);
  let current = base;
  let theirs: Committed['theirs'] = null;
  const attempt = async (): Promise<PutOutcome> => {
    const checkpoint = nextOf(current.checkpoint);
    const outcome = await putIfUnchanged(run.store, key, encodeCheckpoint(checkpoint), current.etag);
    current = outcome.kind === 'won' ? { checkpoint, etag: outcome.etag } : current;
    return outcome;
  };
  await writeSharedFile(run, `the checkpoint ${key}`, attempt, async ({ kind }) => {
    current = await loadCheckpoint(run);
    const isOurs = current.checkpoint.commitIds.includes(commitId);
    theirs = kind === 'lost' && !isOurs ? current.checkpoint.coverage : theirs;
    return isOurs;
  });
  return { ...current, theirs };
}
