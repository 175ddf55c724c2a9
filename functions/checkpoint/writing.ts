/** Marks executions whose rows are being written (PROTOCOL.md, I22). Pure. */
import { type EpochMs, executionKey, type Observation } from '../model.ts';
import { type Checkpoint, withCommitId } from './checkpoint.ts';

/** Observations that are about to be written: their times, by the key of the execution. */
export type Writing = ReadonlyMap<string, EpochMs>;

/** Returns those of `rows` whose executions the checkpoint knows. */
export function knownAmong({ recent, open }: Checkpoint, rows: readonly Observation[]): Writing {
  const known = [...recent, ...open.map(({ execution }) => execution)];
  const keys = new Set(known.map(executionKey));
  // Few rows start when a known execution does, so few keys are made.
  const startTimesMs = new Set(known.map(({ startTimeMs }) => startTimeMs));
  const found = rows.filter((row) => startTimesMs.has(row.startTimeMs) && keys.has(executionKey(row)));
  return new Map(found.map((row) => [executionKey(row), row.observedAtMs]));
}

/**
 * Returns the checkpoint without the recorded state of these executions. If the run is killed before it commits, the
 * next one therefore writes each of them again, with a later time.
 */
export function asWriting(checkpoint: Checkpoint, writing: Writing, commitId: string): Checkpoint {
  const timeOf = (key: string, observedAtMs: EpochMs): EpochMs | null => {
    const atMs = writing.get(key);
    // Another run may have committed a later observation in the meantime.
    return atMs === undefined || atMs < observedAtMs ? null : atMs;
  };
  return {
    ...checkpoint,
    recent: checkpoint.recent.map((entry) => {
      const observedAtMs = timeOf(executionKey(entry), entry.observedAtMs);
      return observedAtMs === null ? entry : { ...entry, observedAtMs, fingerprint: '' };
    }),
    open: checkpoint.open.map((entry) => {
      const observedAtMs = timeOf(executionKey(entry.execution), entry.observedAtMs);
      const { statedAtMs = entry.observedAtMs } = entry;
      return observedAtMs === null ? entry : { ...entry, observedAtMs, lookedAtMs: 0, statedAtMs };
    }),
    commitIds: withCommitId(checkpoint.commitIds, commitId),
  };
}
