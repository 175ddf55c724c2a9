/** The whole list of tasks of a workspace, page by page. */
import type { Task, TaskType } from '../model.ts';
import type { TaskSource } from './task-calls.ts';

/** All tasks of a workspace, of both types. */
export interface TaskList {
  /** Each task once. */
  readonly tasks: readonly Task[];
  /** Whether the source's counts say that none is missing. */
  readonly isComplete: boolean;
}

const taskTypes: readonly TaskType[] = ['QUALITY_TASK', 'CONSISTENCY_TASK'];

/**
 * Lists all tasks with one request per 100 tasks of a type, and at least one per type.
 *
 * A task that is created or deleted in the meantime may be missing. The next listing shows it, and a missing task
 * counts as deleted only if the source has no details of it either.
 *
 * @throws what `listTasks` throws
 */
export async function listAllTasks(source: Pick<TaskSource, 'listTasks'>): Promise<TaskList> {
  const lists: TaskList[] = [];
  for (const type of taskTypes) {
    lists.push(await listTasksOf(source, type));
  }
  return {
    tasks: lists.flatMap(({ tasks }) => tasks),
    isComplete: lists.every(({ isComplete }) => isComplete),
  };
}

/**
 * Continues from the rows received until a page shows nothing new. Offsets count rows or pages: if counting rows leads
 * nowhere although some are missing, tries pages.
 */
async function listTasksOf(source: Pick<TaskSource, 'listTasks'>, type: TaskType): Promise<TaskList> {
  const byId = new Map<bigint, Task>();
  const next = { rows: 0, pages: 0 };
  let unit: keyof typeof next = 'rows';
  let total = 0;
  for (;;) {
    const { count, tasks, rows } = await source.listTasks(type, next[unit]);
    const before = byId.size;
    for (const task of tasks) {
      byId.set(task.id, task);
    }
    total = Math.max(total, count ?? 0);
    if (byId.size === before && unit === 'rows' && next.pages === 1 && byId.size < total) {
      unit = 'pages';
      continue;
    }
    next.rows += rows;
    next.pages += 1;
    // A count beyond the page's own rows is a total; a count of the page alone never ends a list.
    const isWholeByCount = count !== null && count > rows && byId.size >= count;
    if (isWholeByCount || byId.size === before) {
      return { tasks: [...byId.values()], isComplete: byId.size >= total };
    }
  }
}
