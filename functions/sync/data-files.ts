/** Writes what a commit speaks of: data files, never overwritten, and the run's quarantine file. */
import { isoTime } from '../clock.ts';
import { StorageError } from '../errors.ts';
import type { Observation, UnreadableRow } from '../model.ts';
import { dataKey, quarantineKey } from '../warehouse/layout.ts';
import { observationBatch } from '../warehouse/observation-batch.ts';
import { encodeParquet } from '../warehouse/parquet.ts';
import { type Partition, partitionObservations } from '../warehouse/partitions.ts';
import { WriteRetries } from '../warehouse/write-retries.ts';
import type { TargetRun } from './target-run.ts';

/** What was written. */
export interface WrittenFiles {
  readonly files: number;
  readonly bytes: number;
}

/** Files written side by side: hides the store's latency, and keeps only so many encoded files in memory. */
const writesAtOnce = 4;
/** How often another may write in between what only this run writes. */
const maxLost = 5;

/**
 * Writes observations as one new file per workspace and day.
 *
 * @param firstPart number of the first file; parts of one run must be unique
 * @throws StorageError
 */
export async function writeObservations(
  run: TargetRun,
  observations: readonly Observation[],
  firstPart: number,
): Promise<WrittenFiles> {
  const partitions = partitionObservations(observations, run.settings.partitionTimeZone);
  let bytes = 0;
  for (let start = 0; start < partitions.length; start += writesAtOnce) {
    const sizes = await Promise.all(
      partitions
        .slice(start, start + writesAtOnce)
        .map((partition, index) => writePartition(run, partition, firstPart + start + index)),
    );
    bytes += sizes.reduce((sum, size) => sum + size, 0);
  }
  return { files: partitions.length, bytes };
}

async function writePartition(run: TargetRun, partition: Partition, part: number): Promise<number> {
  const { workspace, dt } = partition;
  const key = dataKey({ workspace, dt, runId: run.runId, part });
  const bytes = await encodeParquet(observationBatch(partition.rows));
  await putNew(run, key, bytes);
  return bytes.length;
}

async function putNew(run: TargetRun, key: string, bytes: Uint8Array): Promise<void> {
  const retries = retriesOf(run, key, 'another object has this name');
  for (;;) {
    const outcome = await run.store.putIfAbsent(key, bytes);
    if (outcome.kind === 'won') {
      return;
    }
    await retries.pauseAfter(outcome);
    retries.requireAnother(outcome);
  }
}

/**
 * Adds rows that could not be read to the run's quarantine file, one JSON line each with the row's text and the reason.
 * The file belongs to this run alone and grows with its commits.
 *
 * @throws StorageError
 */
export async function writeQuarantine(run: TargetRun, rows: readonly UnreadableRow[]): Promise<void> {
  const nowIso = isoTime(run.clock.now());
  const key = quarantineKey(run.target.name, dayOfRun(run.runId), run.runId);
  const lines = rows.map((row) =>
    JSON.stringify({
      target: run.target.name,
      project_id: run.target.projectId,
      workspace: run.target.workspace,
      run_id: run.runId,
      observed_at: nowIso,
      reason: row.reason,
      row: row.rawText,
    }),
  );
  const added = `${lines.join('\n')}\n`;
  const retries = retriesOf(run, key, 'another run writes this file');
  for (;;) {
    const existing = await run.store.get(key);
    const text = existing === null ? '' : new TextDecoder().decode(existing.bytes);
    if (text.endsWith(added)) {
      return;
    }
    const bytes = new TextEncoder().encode(text + added);
    const outcome =
      existing === null
        ? await run.store.putIfAbsent(key, bytes)
        : await run.store.putIfMatch(key, bytes, existing.etag);
    if (outcome.kind === 'won') {
      return;
    }
    await retries.pauseAfter(outcome);
    retries.requireAnother(outcome);
  }
}

/** The day a run began, from its id, so that all of a run's quarantined rows lie in one file. */
function dayOfRun(runId: string): string {
  return `${runId.slice(0, 4)}-${runId.slice(4, 6)}-${runId.slice(6, 8)}`;
}

function retriesOf(run: TargetRun, key: string, whyLost: string): WriteRetries {
  const lostTooOften = (attempts: string): StorageError =>
    new StorageError(`${key} could not be written to ${run.store.url} (${attempts}): ${whyLost}`, {
      target: run.target.name,
      remedy: 'Check that nothing else writes to the warehouse, then run again; nothing that was committed is lost.',
    });
  return new WriteRetries(run, { what: key, maxLost, lostTooOften });
}
