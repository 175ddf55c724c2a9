/** Compares the task list with the checkpoint: which tasks ran after their newest execution in the table. */
import type { Checkpoint } from '../../checkpoint/checkpoint.ts';
import { type DqsyncError, IncompleteReadError, StoppedError, toDqsyncError } from '../../errors.ts';
import { contains } from '../../intervals.ts';
import type { EpochMs, TargetFilter, Task, Window } from '../../model.ts';
import { listAllTasks } from '../../source/task-list.ts';
import type { ReadSlice } from '../slice-reader.ts';
import { executionsIn, type SpanRead } from '../span-reader.ts';
import type { TargetRun } from '../target-run.ts';

/** Seconds that one comparison reads: about 30 s at the documented quota. */
const maxSeconds = 100;

/** A run that the task list shows, and no commit has recorded. */
export interface UnknownRun<Span extends Window> {
  readonly task: Task;
  readonly startedAtMs: EpochMs;
  /** The one of the given spans that contains it. */
  readonly span: Span;
}

/** Reads a span in proven slices. @throws IncompleteReadError if a part cannot be proven */
type ReadSpan = (span: SpanRead['span'], onSlice: (slice: ReadSlice) => void) => Promise<void>;

/**
 * Lists the tasks whose last runs can be compared: none if the configuration leaves tasks out, if the target has a
 * filter by name, which may select by more than the name, or if the source refuses.
 *
 * @param onRefusal default: nothing, because the maintenance reports a refusal when it observes the tasks
 * @throws StoppedError
 */
export async function tasksToCompare(
  { settings, source, target }: Pick<TargetRun, 'settings' | 'source' | 'target'>,
  onRefusal: (error: DqsyncError) => void = () => undefined,
): Promise<readonly Task[]> {
  if (!settings.keepsTasks || target.filter.name !== undefined) {
    return [];
  }
  try {
    return (await listAllTasks(source.tasks)).tasks;
  } catch (thrown) {
    if (thrown instanceof StoppedError) {
      throw thrown;
    }
    onRefusal(toDqsyncError(thrown, target.name));
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
  { newestStarts, newestStartsFromMs }: Pick<Checkpoint, 'newestStarts' | 'newestStartsFromMs'>,
  spans: readonly Span[],
  filter: TargetFilter,
): UnknownRun<Span>[] {
  const known = new Map(newestStarts.map(({ taskId, startTimeMs }) => [taskId, startTimeMs]));
  return tasks
    .filter(({ type }) => filter.taskType === undefined || filter.taskType === type)
    .flatMap((task): UnknownRun<Span>[] => {
      const startedAtMs = task.lastRunTimeMs ?? 0;
      const span = spans.find((one) => contains(one, startedAtMs));
      const isKnown = secondOf(known.get(task.id) ?? 0) >= secondOf(startedAtMs);
      return span === undefined || isKnown || startedAtMs < (newestStartsFromMs ?? 0)
        ? []
        : [{ task, startedAtMs, span }];
    })
    .sort((a, b) => b.startedAtMs - a.startedAtMs);
}

/**
 * Reads the seconds of the newest unknown runs, and returns which of them the source lists as instances. Leaves out a
 * run if its second cannot be proven complete, or shows a row whose task cannot be read.
 *
 * @throws what `read` throws, other than IncompleteReadError
 */
export async function lookUpRuns<Span extends Window>(
  unknown: readonly UnknownRun<Span>[],
  read: ReadSpan,
): Promise<{ readonly listed: UnknownRun<Span>[]; readonly unlisted: UnknownRun<Span>[] }> {
  const listed: UnknownRun<Span>[] = [];
  const unlisted: UnknownRun<Span>[] = [];
  const bySecond = Map.groupBy(unknown, ({ startedAtMs }) => secondOf(startedAtMs));
  for (const [secondMs, runs] of [...bySecond].slice(0, maxSeconds)) {
    const { ids, isComplete } = await tasksAt(secondMs, read);
    listed.push(...runs.filter(({ task }) => ids.has(task.id)));
    unlisted.push(...runs.filter(({ task }) => isComplete && !ids.has(task.id)));
  }
  return { listed, unlisted };
}

/** Returns the tasks that started in a second. */
async function tasksAt(
  secondMs: EpochMs,
  read: ReadSpan,
): Promise<{ readonly ids: ReadonlySet<bigint>; readonly isComplete: boolean }> {
  const ids = new Set<bigint>();
  let isComplete = true;
  // Begins between two whole seconds, where counts are exact, and includes start times with milliseconds.
  const window = { fromMs: secondMs - 500, toMs: secondMs + 1000 };
  try {
    await read({ ...window, rows: 1 }, (slice) => {
      isComplete &&= slice.collected.unreadable.size === 0;
      for (const { taskId } of executionsIn(slice)) {
        isComplete &&= taskId !== null;
        ids.add(taskId ?? 0n);
      }
    });
  } catch (thrown) {
    if (!(thrown instanceof IncompleteReadError)) {
      throw thrown;
    }
    isComplete = false;
  }
  return { ids, isComplete };
}

function secondOf(ms: EpochMs): EpochMs {
  return Math.floor(ms / 1000) * 1000;
}
