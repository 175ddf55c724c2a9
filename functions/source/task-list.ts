/** The whole list of tasks of a workspace, page by page. */
import { taskTypes } from '../filters.ts';
import type { Task, TaskType } from '../model.ts';
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
  const lists: WholeList<Task>[] = [];
  for (const type of taskTypes) {
    lists.push(await listTasksOf(source, type));
  }
  return {
    tasks: lists.flatMap(({ values }) => values),
    isComplete: lists.every(({ isComplete }) => isComplete),
  };
}

async function listTasksOf(source: Pick<TaskSource, 'listTasks'>, type: TaskType): Promise<WholeList<Task>> {
  const list = await readWholeList(
    async (offset) => {
      const { tasks, ...page } = await source.listTasks(type, offset);
      return { ...page, shown: tasks.map((task) => [String(task.id), task] as const) };
    },
    () => false,
  );
  return list ?? { values: [], isComplete: true };
}
