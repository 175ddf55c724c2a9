/**
 * Removes coverage by compare-and-swap, so that the next incremental run reads again from there (PROTOCOL.md, I15).
 * Does not touch data: in the view, rows that are written again replace the old ones.
 */
import { type LoadedCheckpoint, loadCheckpoint, moveCheckpoint } from '../checkpoint/checkpoint-store.ts';
import { rowsIn, startOf, watermarkOf } from '../checkpoint/coverage.ts';
import { rewindTo } from '../checkpoint/rewound.ts';
import { newToken } from '../clock.ts';
import type { EpochMs } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** The parts of a run that a rewind needs. */
export type RewindRun = Pick<TargetRun, 'store' | 'target' | 'clock' | 'settings'>;

/** The effect of a rewind on a target. */
export interface RewindPlan {
  readonly loaded: LoadedCheckpoint;
  readonly toMs: EpochMs;
  /** Start of coverage, even if a rewind has removed it since; null if nothing was ever covered. */
  readonly startMs: EpochMs | null;
  /** The current watermark; null before the first incremental run. */
  readonly watermarkMs: EpochMs | null;
  /** Number of covered executions that will be read again; approximate if a covered window is cut. */
  readonly rows: number;
  /** False if the watermark is at or before `toMs`, so that there is nothing to remove. */
  readonly isNeeded: boolean;
}

/**
 * Computes the effect of a rewind. Writes nothing.
 *
 * @throws StateError, StorageError
 */
export async function planRewind(run: RewindRun, toMs: EpochMs): Promise<RewindPlan> {
  const loaded = await loadCheckpoint(run);
  const watermarkMs = watermarkOf(loaded.checkpoint);
  const isNeeded = watermarkMs !== null && watermarkMs > toMs;
  const after = isNeeded ? rewindTo(loaded.checkpoint, toMs, '') : loaded.checkpoint;
  const rows = rowsIn(loaded.checkpoint.coverage) - rowsIn(after.coverage);
  return { loaded, toMs, startMs: startOf(loaded.checkpoint), watermarkMs, rows, isNeeded };
}

/**
 * Rewinds, on top of what runs have committed in the meantime.
 *
 * @returns the new watermark
 * @throws ConflictError, StateError, StorageError
 */
export async function rewind(run: RewindRun, { loaded, toMs }: RewindPlan): Promise<EpochMs | null> {
  const commitId = newToken();
  const { checkpoint } = await moveCheckpoint(run, loaded, commitId, (current) => rewindTo(current, toMs, commitId));
  return watermarkOf(checkpoint);
}
