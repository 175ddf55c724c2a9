/**
 * Translates a `PageRequest` to the API's request for the instance list. Pure. Source: API reference of DataArts
 * Quality, "Querying the Instance List".
 */
import { setFilters } from '../filters.ts';
import type { PageRequest } from '../model.ts';
import { encodeRfc3986 } from './signature.ts';

/** Returns the path of a project's instance list. */
export function instanceListPath(projectId: string): string {
  return `/v2/${encodeRfc3986(projectId)}/quality/instances`;
}

/** Returns the query parameters, always in the same order. */
export function instanceListQuery(request: PageRequest): [string, string][] {
  return [
    ...setFilters(request.filter).map(({ parameter, value }): [string, string] => [parameter, value]),
    ['start_time', String(request.startTimeMs)],
    ['end_time', String(request.endTimeMs)],
    ['limit', String(request.limit)],
    ['offset', String(request.offset)],
  ];
}
