/**
 * The client of one target: returns pages and other values, or throws one clear error. Knows nothing of windows,
 * completeness or storage. Source: API reference of DataArts Quality, "Querying the Instance List".
 */
import { setFilters } from '../filters.ts';
import type { FetchPage, PageRequest } from '../model.ts';
import { type CallStats, Requester, type SourceOptions, type SourceStats } from './requester.ts';
import { pageQuery, qualityPath, type TaskSource, taskCalls, taskPermission } from './task-calls.ts';
import { parsePage } from './wire.ts';

/** The source of one target. */
export interface Source {
  /**
   * Requests one page with exactly the given filter (`target.filter` is not added).
   *
   * @throws SourceError (HTTP 400 if the arguments or a deep offset are refused), CredentialsError, ConfigError (no IAM
   * endpoint), or the signal's reason
   */
  readonly fetchPage: FetchPage;
  /** The calls other than the instance list, and their statistics. */
  readonly tasks: TaskSource & { stats(): CallStats };
  /** Statistics of the instance list. Those of the other calls are separate. */
  stats(): SourceStats;
  /** Aborts requests in flight and closes all connections. */
  close(): Promise<void>;
}

/** Makes a client. The first request reads the secret and opens connections. */
export function connectSource(options: SourceOptions): Source {
  const requester = new Requester(options);
  const { target, pacer, pacerOf } = options;
  const { projectId } = target;
  return {
    fetchPage: (request) =>
      requester.ask({
        doing: requester.doing('the list of instances', { fromMs: request.startTimeMs, toMs: request.endTimeMs }),
        path: `${qualityPath(projectId)}/instances`,
        query: instanceListQuery(request),
        pacer,
        read: parsePage,
        meter: requester.instances,
        faultRetries: request.isDoubtful ? 1 : undefined,
      }),
    tasks: {
      ...taskCalls(projectId, ({ call, what, ...request }) =>
        requester.ask({
          ...request,
          doing: { ...requester.doing(what), forbidden: taskPermission },
          pacer: pacerOf?.(call) ?? pacer,
          meter: requester.others,
        }),
      ),
      stats: () => ({ ...requester.others }),
    },
    stats: () => ({ ...requester.instances, quotaOpensAtMs: pacer.opensAtMs() }),
    close: () => requester.close(),
  };
}

/** Returns the query parameters, always in the same order. */
function instanceListQuery(request: PageRequest): [string, string][] {
  return [
    ...setFilters(request.filter).map(({ parameter, value }): [string, string] => [parameter, value]),
    ['start_time', String(request.startTimeMs)],
    ['end_time', String(request.endTimeMs)],
    ...pageQuery(request.limit, request.offset),
  ];
}
