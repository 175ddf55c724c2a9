/** Streaks out of the rows that the SQL gives. Pure. */
import type { SqlResult } from '../query/duckdb.ts';
import type { Outcome, Streak } from '../streaks.ts';

/** Letter (letters.ts) → outcome, of the settled ones. */
export const outcomeOf: Readonly<Record<string, Outcome>> = { S: 'SUCCESS', A: 'ALARMING', F: 'FAILED' };

/** @returns by number of the task, in order of time as in the rows */
export function streaksByTask({ rows }: SqlResult): Map<number, Streak[]> {
  const byTask = Map.groupBy(rows, ([task]) => Number(task));
  return new Map(
    [...byTask].map(([task, ofTask]) => [
      task,
      ofTask.map(([, status, firstMs, lastMs, runs, firstId]) => ({
        outcome: outcomeOf[String(status)] ?? 'FAILED',
        firstStartMs: Number(firstMs),
        lastStartMs: Number(lastMs),
        runs: Number(runs),
        firstId: String(firstId),
      })),
    ]),
  );
}
