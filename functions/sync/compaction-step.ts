/** The part of the daily maintenance that compacts settled days. */
import type { TargetRun } from './target-run.ts';

/**
 * Compacts the settled days of one target. Returns whether it got to its end. The compaction, with its Parquet reader,
 * is loaded only here, so that no sync waits for it.
 *
 * @throws the error of the first day that could not be compacted, after the others
 */
export async function compactSettledDays(run: TargetRun): Promise<boolean> {
  const { compactTarget } = await import('../compaction/compact-target.ts');
  const { target, settings, store, clock, budget, log } = run;
  const { days, failed, done } = await compactTarget({
    ...{ target, settings, store, clock },
    stop: budget.signal,
    remainingMs: budget.remainingMs,
  });
  if (days.length > 0) {
    const filesBefore = days.reduce((sum, day) => sum + day.filesBefore, 0);
    const filesAfter = days.reduce((sum, day) => sum + day.filesAfter, 0);
    log('info', 'compacted settled days', { target: target.name, days: days.length, filesBefore, filesAfter });
  }
  for (const { table, dt, error } of failed) {
    log('warn', `day ${dt} of ${table} could not be compacted: ${error.message}`, { target: target.name });
  }
  if (failed[0] !== undefined) {
    throw failed[0].error;
  }
  return done;
}
