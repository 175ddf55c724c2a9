/**
 * The client of one target: returns pages and other values, or throws one clear error. Knows nothing of windows,
 * completeness or storage.
 */
import { SourceError } from '../errors.ts';
import type { EpochMs, FetchPage, Page, PageRequest } from '../model.ts';
import { instanceListPath, instanceListQuery } from './instance-list.ts';
import { type Call, Requester, type SourceOptions, type SourceStats } from './requester.ts';
import {
  resultsRequest,
  type TaskRequest,
  type TaskSource,
  taskListRequest,
  taskPermission,
  taskRequest,
} from './task-calls.ts';
import type { Content } from './task-wire.ts';
import { parsePage } from './wire.ts';

/** Counters of the calls other than the instance list. */
export interface TaskCallStats {
  /** Requests sent, including retries. */
  readonly requests: number;
  /** Replies with status 429. */
  readonly throttled: number;
  /** Requests sent again for any reason. */
  readonly retries: number;
}

/** The source of one target. */
export interface Source {
  /**
   * Requests one page with exactly the given filter (`target.filter` is not added).
   *
   * @throws SourceError (HTTP 400 if the arguments or a deep offset are refused), CredentialsError, ConfigError (no IAM
   * endpoint), or the signal's reason
   */
  readonly fetchPage: FetchPage;
  /** The calls other than the instance list. */
  readonly tasks: TaskSource & { stats(): TaskCallStats };
  /** Counters of the instance list. The other calls are counted separately. */
  stats(): SourceStats;
  /** Aborts requests in flight and closes all connections. */
  close(): Promise<void>;
}

/** Makes a client. The first request reads the secret and opens connections. */
export function connectSource(options: SourceOptions): Source {
  const requester = new Requester(options);
  const { projectId } = options.target;
  const askTasks = <T>(request: TaskRequest<T>): Promise<T> => requester.ask(taskCallOf(requester, options, request));
  return {
    fetchPage: (request) => requester.ask(pageCallOf(requester, options, request)),
    tasks: {
      listTasks: (type, offset) => askTasks(taskListRequest(projectId, type, offset)),
      fetchTask: (type, id) => orNullIfUnknown(askTasks(taskRequest(projectId, type, id))),
      fetchResults: (instanceId, offset) => orNullIfUnknown(askTasks(resultsRequest(projectId, instanceId, offset))),
      stats: () => ({ ...requester.others }),
    },
    stats: () => requester.stats(),
    close: () => requester.close(),
  };
}

function pageCallOf(requester: Requester, { target, pacer }: SourceOptions, request: PageRequest): Call<Page> {
  return {
    doing: requester.doing('the list of instances', { fromMs: request.startTimeMs, toMs: request.endTimeMs }),
    path: instanceListPath(target.projectId),
    query: instanceListQuery(request),
    pacer,
    read: readPage,
    isInstances: true,
  };
}

function taskCallOf<T>(
  requester: Requester,
  { pacer, pacerOf }: SourceOptions,
  { call, what, path, query, read }: TaskRequest<T>,
): Call<T> {
  const doing = { ...requester.doing(what), forbidden: taskPermission };
  return { doing, path, query, pacer: pacerOf?.(call) ?? pacer, read, isInstances: false };
}

function readPage(text: string, receivedAtMs: EpochMs): Content<Page> {
  const content = parsePage(text);
  if (!content.isPage) {
    return content;
  }
  const { count, executions, unreadable } = content;
  return { value: { count, executions, unreadable, receivedAtMs } };
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
