/** Marks executions whose rows are being written (PROTOCOL.md, I22). Pure. */
import { type EpochMs, executionKey, type Observation } from '../model.ts';
import { type Checkpoint, withCommitId } from './checkpoint.ts';

/** Observations that are about to be written: their times, by the key of the execution. */
export type Writing = ReadonlyMap<string, EpochMs>;

/** Returns those of `rows` whose executions the checkpoint knows. */
export function knownAmong({ recent, open }: Checkpoint, rows: readonly Observation[]): Writing {
  const known = new Set([...recent.map(executionKey), ...open.map(({ execution }) => executionKey(execution))]);
  const times = rows.map((row): [string, EpochMs] => [executionKey(row), row.observedAtMs]);
  return new Map(times.filter(([key]) => known.has(key)));
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
      return observedAtMs === null ? entry : { ...entry, observedAtMs, lookedAtMs: 0 };
    }),
    commitIds: withCommitId(checkpoint.commitIds, commitId),
  };
}
