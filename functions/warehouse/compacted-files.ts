/** The names of the files that compactions make. Pure. */
import { createHash } from 'node:crypto';

/**
 * Returns the key of the file that replaces some files of a day. It is derived from their names and rows. So a
 * compaction that is repeated, or run by two processes at once, writes the same file (PROTOCOL.md, I16).
 *
 * @param prefix start of the keys of the day's files; ends in `/`
 * @param names of the files that it replaces, sorted
 * @param latestRows number of rows at its start that are the latest of their execution in this file; 0 if its rows are
 * in another order
 */
export function compactedKey(prefix: string, names: readonly string[], latestRows: number): string {
  const hash = createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 32);
  return `${prefix}compact-${names.length}-${hash}-${latestRows}.parquet`;
}

const compactedPattern = /\/compact-\d+-[0-9a-f]{32}-(\d+)\.parquet$/;

/** Returns the `latestRows` of a compacted file, and null for any other file. */
export function latestRowsOf(key: string): number | null {
  const [, latestRows] = compactedPattern.exec(key) ?? [];
  return latestRows === undefined ? null : Number(latestRows);
}
