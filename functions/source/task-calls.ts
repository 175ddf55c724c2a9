/**
 * The calls other than the instance list: lists of tasks, details of a task, results of an instance. Pure. Each call
 * has its own quota (API overview of DataArts Quality: 40 requests per 10 s and user, for each API).
 */
import type { TaskDetails, TaskType } from '../model.ts';
import { encodeRfc3986 } from './signature.ts';
import type { Content, ResultPage, TaskPage } from './task-wire.ts';
import { parseResultPage, parseTaskDetails, parseTaskPage } from './task-wire.ts';

/** A call with its own quota. */
export type TaskCall = 'quality-tasks' | 'consistency-tasks' | 'quality-task' | 'consistency-task' | 'results';

/** The calls, for one target. */
export interface TaskSource {
  /**
   * Gets up to 100 tasks of one type.
   *
   * @throws SourceError, CredentialsError, ConfigError (no IAM endpoint), or the signal's reason
   */
  listTasks(type: TaskType, offset: number): Promise<TaskPage>;
  /** Gets a task with its rules; null if the service knows no such task. @throws as `listTasks` */
  fetchTask(type: TaskType, id: bigint): Promise<TaskDetails | null>;
  /**
   * Gets the results of up to 100 rules of an instance; null if the service knows no such instance.
   *
   * @throws as `listTasks`
   */
  fetchResults(instanceId: bigint, offset: number): Promise<ResultPage | null>;
}

/** A request for one of the calls. */
export interface TaskRequest<T> {
  readonly call: TaskCall;
  /** The requested object, for messages. */
  readonly what: string;
  readonly path: string;
  readonly query: readonly [string, string][];
  readonly read: (text: string) => Content<T>;
}

const rowsAPage = 100;
const names: Readonly<Record<TaskType, 'quality' | 'consistency'>> = {
  QUALITY_TASK: 'quality',
  CONSISTENCY_TASK: 'consistency',
};

/** The remedy for a 403 on these calls. */
export const taskPermission =
  'Give the user of the secret the role admin or developer in the workspace: listing instances needs any role, tasks and rule results need one of these. Or set "tasks" to false and "results" to "none". Executions are synced all the same.';

/** Returns the request for a page of tasks. */
export function taskListRequest(projectId: string, type: TaskType, offset: number): TaskRequest<TaskPage> {
  const name = names[type];
  return {
    call: `${name}-tasks`,
    what: `the list of ${name} tasks`,
    path: `${qualityPath(projectId)}/${name}-tasks`,
    query: pageQuery(offset),
    read: (text) => parseTaskPage(text, type),
  };
}

/** Returns the request for the details of a task. */
export function taskRequest(projectId: string, type: TaskType, id: bigint): TaskRequest<TaskDetails> {
  const name = names[type];
  return {
    call: `${name}-task`,
    what: `the details of ${name} task ${id}`,
    path: `${qualityPath(projectId)}/${name}-tasks/${id}`,
    query: [],
    read: (text) => parseTaskDetails(text, type),
  };
}

/** Returns the request for a page of results. */
export function resultsRequest(projectId: string, instanceId: bigint, offset: number): TaskRequest<ResultPage> {
  return {
    call: 'results',
    what: `the results of instance ${instanceId}`,
    path: `${qualityPath(projectId)}/instances/${instanceId}/result`,
    query: pageQuery(offset),
    read: parseResultPage,
  };
}

function qualityPath(projectId: string): string {
  return `/v2/${encodeRfc3986(projectId)}/quality`;
}

function pageQuery(offset: number): [string, string][] {
  return [
    ['limit', String(rowsAPage)],
    ['offset', String(offset)],
  ];
}
