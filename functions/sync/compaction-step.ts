/** The part of the daily maintenance that compacts settled days. */
import type { StepOutcome } from './maintenance-step.ts';
import type { TargetRun } from './target-run.ts';

/**
 * Compacts the settled days of one target. The compaction, with its Parquet reader, is loaded only here, so that no
 * sync waits for it.
 */
export async function compactSettledDays(run: TargetRun): Promise<StepOutcome> {
  const { compactTarget } = await import('../compaction/compact-target.ts');
  const { days, failed, done } = await compactTarget({
    target: run.target,
    settings: run.settings,
    store: run.store,
    clock: run.clock,
    stop: run.budget.signal,
    remainingMs: run.budget.remainingMs,
  });
  if (days.length > 0) {
    const [filesBefore, filesAfter] = [days.map((day) => day.filesBefore), days.map((day) => day.filesAfter)].map(
      (all) => all.reduce((sum, files) => sum + files, 0),
    );
    const fields = {
      target: run.target.name,
      days: days.length,
      filesBefore: filesBefore ?? 0,
      filesAfter: filesAfter ?? 0,
    };
    run.log('info', 'compacted settled days', fields);
  }
  for (const { table, dt, error } of failed) {
    run.log('warn', `day ${dt} of ${table} could not be compacted: ${error.message}`, { target: run.target.name });
  }
  return { done, error: failed[0]?.error ?? null };
}
