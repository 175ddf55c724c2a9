/** Writes the rows that could not be read, as JSON lines, into one file per run. */
import { isoTime } from '../clock.ts';
import type { Target, UnreadableRow } from '../model.ts';
import { quarantineKey } from './layout.ts';
import { type RunWithFiles, retriesOfOwnFile } from './write-retries.ts';

/**
 * Adds rows that could not be read to the run's quarantine file, one JSON line each with the row's text and the reason.
 * The file belongs to this run alone and grows with its commits.
 *
 * @throws StorageError
 */
export async function writeQuarantine(
  run: RunWithFiles & { readonly target: Target },
  rows: readonly UnreadableRow[],
): Promise<void> {
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
  const retries = retriesOfOwnFile(run, key, 'another run writes this file');
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
