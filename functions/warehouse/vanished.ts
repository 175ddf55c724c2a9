/** The note in the column `extra` that an open execution was found missing at the source. */

/** How the note begins. Within a string of the source its quotes would be escaped. */
const noteStart = '"_dqsync":{"vanished_at":';

/**
 * Returns `extra` with the note.
 *
 * @param vanishedAt when the execution was found missing, ISO 8601
 */
export function vanishedExtra(extra: string | null, vanishedAt: string): string {
  const note = `${noteStart}${JSON.stringify(vanishedAt)}}`;
  return extra === null || extra === '{}' ? `{${note}}` : `${extra.slice(0, -1)},${note}}`;
}

/** Returns whether `extra` has the note. */
export function hasVanished(extra: string | null): boolean {
  return extra?.includes(noteStart) === true;
}

/** The same condition in SQL, for DuckDB and Athena. It is never null. */
export const hasVanishedSql = `coalesce(extra, '') LIKE '%${noteStart}%'`;
