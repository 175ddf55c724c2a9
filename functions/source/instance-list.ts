/**
 * The instance list's request: a `PageRequest` in the words of the API.
 *
 * Pure. Source: API reference of DataArts Quality, "Querying the Instance List".
 */
import type { PageRequest } from '../model.ts';
import { encodeRfc3986 } from './signature.ts';

/** The path of a project's instance list. */
export function instanceListPath(projectId: string): string {
  return `/v2/${encodeRfc3986(projectId)}/quality/instances`;
}

/** The query, always in the same order; what is not asked for is left out. */
export function instanceListQuery(request: PageRequest): [string, string][] {
  const { name, taskType, runStatus, notifyStatus } = request.filter;
  const parameters: [string, string | undefined][] = [
    ['name', name],
    ['task_type', taskType],
    ['run_status', runStatus],
    ['notify_status', notifyStatus],
    ['start_time', String(request.startTimeMs)],
    ['end_time', String(request.endTimeMs)],
    ['limit', String(request.limit)],
    ['offset', String(request.offset)],
  ];
  return parameters.flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, value]]));
}
