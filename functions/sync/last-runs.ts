/** Compares the task list with the checkpoint: which tasks ran after their newest execution in the table. Pure. */
import { keptNewestStarts } from '../checkpoint/change.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { contains } from '../intervals.ts';
import type { EpochMs, TargetFilter, Task, Window } from '../model.ts';
import type { AuditSpan } from './audit-spans.ts';

/** A run that the task list shows and the table seems to lack. */
export interface UnknownRun {
  readonly task: Task;
  readonly startedAtMs: EpochMs;
  /** The second in which it started, from half a second before to half a second after. */
  readonly second: Window;
  readonly span: AuditSpan;
}

/**
 * Returns the unknown runs, newest first. In published examples `last_run_time` of a task is the start of its newest
 * instance, to the second. That is used as a hint where to read, never as proof.
 *
 * Runs outside `spans` are left out: those parts are not covered, or the next sync reads them again. So are tasks that
 * `filter` excludes.
 */
export function unknownRuns(
  tasks: readonly Task[],
  newestStarts: Checkpoint['newestStarts'],
  spans: readonly AuditSpan[],
  filter: TargetFilter,
): UnknownRun[] {
  const known = new Map(newestStarts.map(({ taskId, startTimeMs }) => [taskId, startTimeMs]));
  // In a full list, a task that ran before the first entry may have been dropped.
  const knownFromMs = newestStarts.length < keptNewestStarts ? 0 : (newestStarts[0]?.startTimeMs ?? 0);
  return tasks
    .filter(({ type }) => filter.taskType === undefined || filter.taskType === type)
    .flatMap((task): UnknownRun[] => {
      const startedAtMs = task.lastRunTimeMs ?? 0;
      const second = { fromMs: secondOf(startedAtMs) - 500, toMs: secondOf(startedAtMs) + 500 };
      const span = spans.find((one) => contains(one, startedAtMs));
      const isKnown = secondOf(known.get(task.id) ?? 0) >= secondOf(startedAtMs);
      return span === undefined || isKnown || startedAtMs < knownFromMs ? [] : [{ task, startedAtMs, second, span }];
    })
    .sort((a, b) => b.startedAtMs - a.startedAtMs);
}

function secondOf(ms: EpochMs): EpochMs {
  return Math.floor(ms / 1000) * 1000;
}
