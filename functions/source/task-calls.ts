/**
 * The calls other than the instance list: lists of tasks, details of a task, results of an instance. Pure. Each call
 * has its own quota (API overview of DataArts Quality: 40 requests per 10 s and user, for each API).
 */
import { SourceError } from '../errors.ts';
import type { TaskDetails, TaskType } from '../model.ts';
import { encodeRfc3986 } from './signature.ts';
import { parseResultPage, parseTaskDetails, parseTaskPage, type ResultPage, type TaskPage } from './task-wire.ts';
import type { Content } from './wire.ts';

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

export interface TaskRequest<T> {
  readonly call: TaskCall;
  /** The requested object, for messages. */
  readonly what: string;
  readonly path: string;
  readonly query: readonly [string, string][];
  readonly read: (text: string) => Content<T>;
}

const names: Readonly<Record<TaskType, 'quality' | 'consistency'>> = {
  QUALITY_TASK: 'quality',
  CONSISTENCY_TASK: 'consistency',
};

/** The remedy for a 403 on these calls. */
export const taskPermission =
  'Give the user of the secret the role admin or developer in the workspace: listing instances needs any role, tasks and rule results need one of these. Or set "tasks" to false and "results" to "none". Executions are still synced.';

/** Makes the calls of a project from a function that sends a request. */
export function taskCalls(projectId: string, ask: <T>(request: TaskRequest<T>) => Promise<T>): TaskSource {
  const root = qualityPath(projectId);
  return {
    listTasks: (type, offset) =>
      ask({
        call: `${names[type]}-tasks`,
        what: `the list of ${names[type]} tasks`,
        path: `${root}/${names[type]}-tasks`,
        query: pageQuery(100, offset),
        read: (text) => parseTaskPage(text, type),
      }),
    fetchTask: (type, id) =>
      orNullIfUnknown(
        ask({
          call: `${names[type]}-task`,
          what: `the details of ${names[type]} task ${id}`,
          path: `${root}/${names[type]}-tasks/${id}`,
          query: [],
          read: (text) => {
            const content = parseTaskDetails(text, type);
            const isOther = 'value' in content && content.value.id !== id;
            return isOther ? { problem: `it is about task ${content.value.id}` } : content;
          },
        }),
      ),
    fetchResults: (instanceId, offset) =>
      orNullIfUnknown(
        ask({
          call: 'results',
          what: `the results of instance ${instanceId}`,
          path: `${root}/instances/${instanceId}/result`,
          query: pageQuery(100, offset),
          read: parseResultPage,
        }),
      ),
  };
}

/** Returns the part of the path that all calls of a project share. */
export function qualityPath(projectId: string): string {
  return `/v2/${encodeRfc3986(projectId)}/quality`;
}

export function pageQuery(limit: number, offset: number): [string, string][] {
  return [
    ['limit', String(limit)],
    ['offset', String(offset)],
  ];
}

/** Returns the reply; null if the service does not know the object. A 404 of a gateway or a proxy is an error. */
async function orNullIfUnknown<T>(reply: Promise<T>): Promise<T | null> {
  try {
    return await reply;
  } catch (error) {
    if (error instanceof SourceError && error.httpStatus === 404 && /^DQC\./.test(error.code ?? '')) {
      return null;
    }
    throw error;
  }
}
