/** `dqsync list --tasks`: the tasks as the source lists them now. */
import { isoOrNull } from '../../clock.ts';
import type { TaskSource } from '../../source/task-calls.ts';
import { listAllTasks } from '../../source/task-list.ts';
import { counted } from '../terminal/formats.ts';
import { type OutputOptions, writeData, writeJson, writeNote } from '../terminal/output.ts';
import { renderTable } from '../terminal/table.ts';

interface TasksOptions extends OutputOptions {
  readonly vertical?: boolean;
}

/**
 * Requests and prints all tasks.
 *
 * @throws CredentialsError, SourceError
 */
export async function listTasks(source: TaskSource, target: string, { json, vertical }: TasksOptions): Promise<void> {
  const { tasks, isComplete } = await listAllTasks(source);
  if (json) {
    const rows = tasks.map((task) => ({
      id: task.id,
      name: task.name,
      task_type: task.type,
      category_id: task.categoryId,
      schedule_status: task.scheduleStatus,
      schedule_period: task.schedulePeriod,
      schedule_interval: task.scheduleInterval,
      create_time: isoOrNull(task.createTimeMs),
      last_run_time: isoOrNull(task.lastRunTimeMs),
      creator: task.creator,
      extra: task.extra,
    }));
    writeJson({ target, complete: isComplete, tasks: rows });
    return;
  }
  const columns = ['id', 'name', 'type', 'schedule', 'last_run_time'];
  const rows = tasks.map((task) => [
    task.id,
    task.name,
    task.type === 'QUALITY_TASK' ? 'quality' : 'consistency',
    task.schedulePeriod === null ? task.scheduleStatus : `${task.scheduleInterval} ${task.schedulePeriod}`,
    task.lastRunTimeMs === null ? 'never' : { ms: task.lastRunTimeMs },
  ]);
  writeData(renderTable(columns, rows, { isVertical: vertical }));
  writeNote(`${counted(tasks.length, 'task')}${isComplete ? '' : '; the source counts more than it shows'}`);
}
