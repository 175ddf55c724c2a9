/** The rows that could not be read, as JSON lines, in one file per run. */
import { isoTime } from '../clock.ts';
import type { Target, UnreadableRow } from '../model.ts';
import { quarantineKey, quarantinePrefixOf } from './layout.ts';
import type { Store } from './store.ts';
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
      start_time: row.startTimeMs === null ? null : isoTime(row.startTimeMs),
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

/** A row in quarantine. */
export interface QuarantinedRow {
  /** The day of the run that put it there, `YYYY-MM-DD` in UTC. */
  readonly day: string;
  readonly reason: string;
  /** The row's JSON text. */
  readonly row: string;
  /** Key of the file that holds it. */
  readonly file: string;
}

/** What lies in a target's quarantine. */
export interface Quarantine {
  /** The newest first, each row once. */
  readonly rows: readonly QuarantinedRow[];
  /** Whether there are older files that were not read. */
  readonly hasMore: boolean;
}

/** Files read: a run writes one, and only if it meets rows that are new to it. */
const maxFiles = 100;

/**
 * Reads the newest files of a target's quarantine.
 *
 * @throws StorageError
 */
export async function readQuarantine(store: Store, target: string): Promise<Quarantine> {
  const keys: string[] = [];
  for await (const { key } of store.list(quarantinePrefixOf(target))) {
    keys.push(key);
  }
  const newest = keys.sort().reverse().slice(0, maxFiles);
  const rows = new Map<string, QuarantinedRow>();
  for (const key of newest) {
    for (const found of await rowsOf(store, key)) {
      rows.set(found.row, rows.get(found.row) ?? found);
    }
  }
  return { rows: [...rows.values()], hasMore: keys.length > newest.length };
}

async function rowsOf(store: Store, key: string): Promise<QuarantinedRow[]> {
  const object = await store.get(key);
  const lines = object === null ? [] : new TextDecoder().decode(object.bytes).split('\n');
  const day = key.split('/').at(-2) ?? '';
  return lines
    .filter((line) => line !== '')
    .reverse()
    .map((line) => ({ day, ...rowOf(line), file: key }));
}

/** A line that was changed by hand still counts. */
function rowOf(line: string): Pick<QuarantinedRow, 'reason' | 'row'> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && 'row' in parsed && 'reason' in parsed) {
      return { reason: String(parsed.reason), row: String(parsed.row) };
    }
  } catch {
    // Shown as it is.
  }
  return { reason: 'the line in the quarantine file cannot be read', row: line };
}
