/**
 * Takes coverage back by compare-and-swap, so that the next incremental run reads again from there (PROTOCOL.md, I15).
 * Touches no data: what is written again replaces in the view what was there.
 */
import { identityOf, type LoadedCheckpoint, loadCheckpoint, moveCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { rowsIn, watermarkOf } from '../checkpoint/coverage.ts';
import { rewindTo } from '../checkpoint/rewound.ts';
import { newToken } from '../clock.ts';
import type { EpochMs } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** What a rewind needs of a run. */
export type RewindRun = Pick<TargetRun, 'store' | 'target' | 'clock' | 'settings'>;

/** What a rewind will do to a target. */
export interface RewindPlan {
  readonly loaded: LoadedCheckpoint;
  readonly toMs: EpochMs;
  /** The watermark now; null before the first incremental run. */
  readonly watermarkMs: EpochMs | null;
  /** Executions that the source will be asked for again, by coverage's count; about, where a window of it is cut. */
  readonly rows: number;
  /** False where the watermark is at `toMs`, or before it: there is nothing to take back. */
  readonly isNeeded: boolean;
}

/**
 * Looks at what a rewind would do. Writes nothing.
 *
 * @throws StateError, StorageError
 */
export async function planRewind(run: RewindRun, toMs: EpochMs): Promise<RewindPlan> {
  const loaded = await loadCheckpoint(run.store, run.target.name, identityOf(run));
  const watermarkMs = watermarkOf(loaded.checkpoint);
  const isNeeded = watermarkMs !== null && watermarkMs > toMs;
  const after = isNeeded ? rewindTo(loaded.checkpoint, toMs, '') : loaded.checkpoint;
  return { loaded, toMs, watermarkMs, rows: rowsIn(loaded.checkpoint.coverage) - rowsIn(after.coverage), isNeeded };
}

/**
 * Does it, on top of whatever runs have committed meanwhile.
 *
 * @returns the watermark after it
 * @throws ConflictError, StateError, StorageError
 */
export async function rewind(run: RewindRun, { loaded, toMs }: RewindPlan): Promise<EpochMs | null> {
  const commitId = newToken();
  const { checkpoint } = await moveCheckpoint(run, loaded, commitId, (current) => rewindTo(current, toMs, commitId));
  return watermarkOf(checkpoint);
}
