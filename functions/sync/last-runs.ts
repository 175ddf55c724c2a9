/** Compares the task list with the checkpoint: which tasks ran after their newest execution in the table. */
import { keptNewestStarts } from '../checkpoint/change.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { StoppedError } from '../errors.ts';
import { contains } from '../intervals.ts';
import type { EpochMs, TargetFilter, Task, Window } from '../model.ts';
import { listAllTasks } from '../source/task-list.ts';
import type { TargetRun } from './target-run.ts';

/** A run that the task list shows, and no commit has recorded. */
export interface UnknownRun<Span extends Window> {
  readonly task: Task;
  readonly startedAtMs: EpochMs;
  /** The second in which it started, from half a second before to half a second after. */
  readonly second: Window;
  /** The one of the given spans that contains it. */
  readonly span: Span;
}

/**
 * Lists the tasks whose last runs can be compared: none if the configuration leaves tasks out, if the target has a
 * filter by name, which may select by more than the name, or if the source refuses. The step of
 * the maintenance that observes the tasks reports a refusal.
 *
 * @throws StoppedError
 */
export async function tasksToCompare({
  settings,
  source,
  target,
}: Pick<TargetRun, 'settings' | 'source' | 'target'>): Promise<readonly Task[]> {
  if (!settings.keepsTasks || source.tasks === undefined || target.filter.name !== undefined) {
    return [];
  }
  try {
    return (await listAllTasks(source.tasks)).tasks;
  } catch (thrown) {
    if (thrown instanceof StoppedError) {
      throw thrown;
    }
    return [];
  }
}

/**
 * Returns the unknown runs, newest first. In published examples `last_run_time` of a task is the start of its newest
 * instance, to the second. That is used as a hint where to read, never as proof.
 *
 * Leaves out runs outside `spans`, and tasks that `filter` excludes.
 */
export function unknownRuns<Span extends Window>(
  tasks: readonly Task[],
  newestStarts: Checkpoint['newestStarts'],
  spans: readonly Span[],
  filter: TargetFilter,
): UnknownRun<Span>[] {
  const known = new Map(newestStarts.map(({ taskId, startTimeMs }) => [taskId, startTimeMs]));
  // In a full list, a task that ran before the first entry may have been dropped.
  const knownFromMs = newestStarts.length < keptNewestStarts ? 0 : (newestStarts[0]?.startTimeMs ?? 0);
  return tasks
    .filter(({ type }) => filter.taskType === undefined || filter.taskType === type)
    .flatMap((task): UnknownRun<Span>[] => {
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
