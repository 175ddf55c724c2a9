/** Marks executions whose rows are being written (PROTOCOL.md, I22). Pure. */
import { type EpochMs, executionKey, isOpen, type Observation } from '../model.ts';
import { type Checkpoint, withCommitId } from './checkpoint.ts';

/** Observations that are about to be written, by the key of the execution. */
export type Writing = ReadonlyMap<string, Observation>;

/** Returns those of `rows` whose executions the checkpoint knows. */
export function knownAmong({ recent, open }: Checkpoint, rows: readonly Observation[]): Writing {
  const known = [...recent, ...open.map(({ execution }) => execution)];
  const keys = new Set(known.map(executionKey));
  // Few rows start when a known execution does, so few keys are made.
  const startTimesMs = new Set(known.map(({ startTimeMs }) => startTimeMs));
  const found = rows.filter((row) => startTimesMs.has(row.startTimeMs) && keys.has(executionKey(row)));
  return new Map(found.map((row) => [executionKey(row), row]));
}

/**
 * Returns the checkpoint without the recorded state of these executions. If the run is killed before it commits, the
 * next one therefore writes each of them again, with a later time.
 */
export function asWriting(checkpoint: Checkpoint, writing: Writing, commitId: string): Checkpoint {
  const rowOf = (key: string, observedAtMs: EpochMs): Observation | null => {
    const row = writing.get(key);
    // Another run may have committed a later observation in the meantime.
    return row === undefined || row.observedAtMs < observedAtMs ? null : row;
  };
  return {
    ...checkpoint,
    recent: checkpoint.recent.map((entry) => {
      const row = rowOf(executionKey(entry), entry.observedAtMs);
      return row === null ? entry : { ...entry, observedAtMs: row.observedAtMs, fingerprint: '' };
    }),
    open: checkpoint.open.map((entry) => {
      const row = rowOf(executionKey(entry.execution), entry.observedAtMs);
      const { statedAtMs = entry.observedAtMs, ...known } = entry;
      return row === null
        ? entry
        : { ...known, observedAtMs: row.observedAtMs, lookedAtMs: 0, ...(isOpen(row) ? {} : { statedAtMs }) };
    }),
    commitIds: withCommitId(checkpoint.commitIds, commitId),
  };
}
