/** The whole list of tasks of a workspace, page by page. */
import { taskTypes } from '../filters.ts';
import type { Task } from '../model.ts';
import type { TaskSource } from './task-calls.ts';
import { readWholeList, type WholeList } from './whole-list.ts';

/** All tasks of a workspace, of both types. */
interface TaskList {
  /** The tasks, each once. */
  readonly tasks: readonly Task[];
  /** Whether the source's counts say that none is missing. */
  readonly isComplete: boolean;
}

/**
 * Lists all tasks with one request per 100 tasks of a type, and at least one per type.
 *
 * A task that is created or deleted in the meantime may be missing. The next listing shows it, and a missing task
 * counts as deleted only if the source has no details of it either.
 *
 * @throws what `listTasks` throws
 */
export async function listAllTasks(source: Pick<TaskSource, 'listTasks'>): Promise<TaskList> {
  const lists: (WholeList<Task> | null)[] = [];
  for (const type of taskTypes) {
    const fetchPage = async (offset: number) => {
      const { tasks, ...page } = await source.listTasks(type, offset);
      return { ...page, shown: tasks.map((task) => [String(task.id), task] as const) };
    };
    lists.push(await readWholeList(fetchPage, () => false));
  }
  return {
    tasks: lists.flatMap((list) => list?.values ?? []),
    isComplete: lists.every((list) => list?.isComplete ?? true),
  };
}
