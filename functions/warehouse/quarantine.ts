/** Reads and writes the quarantine: rows that could not be read, as JSON lines, in one file per run. */
import { isoTime } from '../clock.ts';
import type { Target, UnreadableRow } from '../model.ts';
import { quarantineKey, quarantinePrefixOf } from './layout.ts';
import { putIfUnchanged, type Store } from './store.ts';
import { type RunWithFiles, writeOwnFile } from './write-retries.ts';

/**
 * Adds unreadable rows to the run's quarantine file, one JSON line each with the row's text and the reason. No other
 * run writes this file.
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
  await writeOwnFile(run, key, 'another run writes to this file', async () => {
    const existing = await run.store.get(key);
    const text = existing === null ? '' : new TextDecoder().decode(existing.bytes);
    return existing !== null && text.endsWith(added)
      ? { kind: 'won', etag: existing.etag }
      : await putIfUnchanged(run.store, key, new TextEncoder().encode(text + added), existing?.etag ?? null);
  });
}

/** Returns the day on which a run began, from its id, so that all its quarantined rows are in one file. */
function dayOfRun(runId: string): string {
  return `${runId.slice(0, 4)}-${runId.slice(4, 6)}-${runId.slice(6, 8)}`;
}

export interface QuarantinedRow {
  /** Day of the run that quarantined it, `YYYY-MM-DD` in UTC. */
  readonly day: string;
  readonly reason: string;
  /** The row's JSON text. */
  readonly row: string;
  /** Key of its file. */
  readonly file: string;
}

export interface Quarantine {
  /** Newest first, each row once. */
  readonly rows: readonly QuarantinedRow[];
  /** Whether there are older, unread files. */
  readonly hasMore: boolean;
}

/** Maximum number of files to read. A run writes at most one, and only for rows that are new to it. */
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

/** Parses a line. One that was edited by hand is still shown. */
function rowOf(line: string): Pick<QuarantinedRow, 'reason' | 'row'> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null && 'row' in parsed && 'reason' in parsed) {
      return { reason: String(parsed.reason), row: String(parsed.row) };
    }
  } catch {
    // Shown unchanged.
  }
  return { reason: 'the line in the quarantine file cannot be read', row: line };
}
