/** What a run counts. */

/** Counts over a whole run. */
export interface Totals {
  rowsWritten: number;
  files: number;
  bytes: number;
  quarantined: number;
  commits: number;
  conflicts: number;
}

/** Nothing counted yet. */
export function noTotals(): Totals {
  return { rowsWritten: 0, files: 0, bytes: 0, quarantined: 0, commits: 0, conflicts: 0 };
}
