/** Progress of a deployed backfill, from the checkpoints: the gaps at the start that are covered now. */

import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { decodeAnyCheckpoint } from '../../checkpoint/codec.ts';
import { knownSpan, rowsIn } from '../../checkpoint/coverage.ts';
import { gapsIn, lengthOf } from '../../intervals.ts';
import type { Window } from '../../model.ts';
import type { Progress } from '../../sync/target-run.ts';
import { parseRange } from '../../time-range.ts';
import { checkpointKey } from '../../warehouse/layout.ts';
import type { Store } from '../../warehouse/store.ts';
import type { BackfillInput } from './deployed-stack.ts';

interface TargetView {
  readonly leftMs: number;
  readonly rows: number;
}

/** Polls the checkpoints of some targets. */
export class DeployedProgress {
  readonly #store: Store;
  readonly #targets: readonly string[];
  readonly #input: BackfillInput;
  #first: TargetView | null = null;

  constructor(store: Store, targets: readonly string[], input: BackfillInput) {
    this.#store = store;
    this.#targets = targets;
    this.#input = input;
  }

  /** @throws StateError, StorageError */
  async look(): Promise<Progress> {
    const views = await Promise.all(this.#targets.map((target) => this.#view(target)));
    const now = {
      leftMs: views.reduce((sum, { leftMs }) => sum + leftMs, 0),
      rows: views.reduce((sum, { rows }) => sum + rows, 0),
    };
    this.#first ??= now;
    const totalMs = this.#first.leftMs;
    return {
      target: this.#targets.length === 1 ? (this.#targets[0] ?? '') : `${this.#targets.length} targets`,
      atMs: null,
      doneMs: Math.max(0, totalMs - now.leftMs),
      totalMs,
      rowsRead: Math.max(0, now.rows - this.#first.rows),
    };
  }

  async #view(target: string): Promise<TargetView> {
    const key = checkpointKey(target);
    const object = await this.#store.get(key);
    if (object === null) {
      return { leftMs: 0, rows: 0 };
    }
    const checkpoint = decodeAnyCheckpoint(object.bytes, target, key);
    return {
      leftMs: leftOf(checkpoint, this.#input),
      rows: rowsIn(checkpoint.coverage),
    };
  }
}

function leftOf(checkpoint: Checkpoint, { from, to, again }: BackfillInput): number {
  const { rereading, coverage, identity } = checkpoint;
  const window: Window | null =
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
