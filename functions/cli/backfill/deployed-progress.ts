/** Progress of a deployed backfill, from the checkpoints: the gaps at the start that are covered now. */
import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { decodeAnyCheckpoint } from '../../checkpoint/codec.ts';
import { knownSpan, rowsIn } from '../../checkpoint/coverage.ts';
import { gapsIn, lengthOf } from '../../intervals.ts';
import type { Progress } from '../../sync/target-run.ts';
import { parseRange } from '../../time-range.ts';
import { checkpointKey } from '../../warehouse/layout.ts';
import type { Store } from '../../warehouse/store.ts';
import type { BackfillInput } from './deployed-stack.ts';

interface TargetView {
  readonly leftMs: number;
  readonly rows: number;
}

/** Returns a function that reads the checkpoints of some targets. It throws StateError and StorageError. */
export function progressOf(store: Store, targets: readonly string[], input: BackfillInput): () => Promise<Progress> {
  let first: TargetView | null = null;
  return async () => {
    const views = await Promise.all(targets.map((target) => viewOf(store, target, input)));
    const leftMs = views.reduce((sum, view) => sum + view.leftMs, 0);
    const rows = views.reduce((sum, view) => sum + view.rows, 0);
    first ??= { leftMs, rows };
    return {
      target: targets.length === 1 ? (targets[0] ?? '') : `${targets.length} targets`,
      atMs: null,
      doneMs: Math.max(0, first.leftMs - leftMs),
      totalMs: first.leftMs,
      rowsRead: Math.max(0, rows - first.rows),
    };
  };
}

async function viewOf(store: Store, target: string, input: BackfillInput): Promise<TargetView> {
  const key = checkpointKey(target);
  const object = await store.get(key);
  if (object === null) {
    return { leftMs: 0, rows: 0 };
  }
  const checkpoint = decodeAnyCheckpoint(object.bytes, target, key);
  return { leftMs: leftOf(checkpoint, input), rows: rowsIn(checkpoint.coverage) };
}

function leftOf(checkpoint: Checkpoint, { from, to, again }: BackfillInput): number {
  const { rereading, coverage, identity } = checkpoint;
  const window =
    parseRange({ from, to }, { from: '--from', to: '--to' }, identity.partitionTimeZone) ??
    knownSpan(checkpoint, Number.POSITIVE_INFINITY);
  if (window === null) {
    return 0;
  }
  if (again && rereading?.fromMs === window.fromMs && rereading.toMs === window.toMs) {
    return lengthOf(gapsIn(window, rereading.read));
  }
  return again ? window.toMs - window.fromMs : lengthOf(gapsIn(window, coverage));
}
