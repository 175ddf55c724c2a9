/** Builds the store and the clients of the sources from a config. No other file does. */
import { type Clock, systemClock } from './clock.ts';
import { type Config, iamEndpointOf, type TargetConfig } from './config.ts';
import { ConfigError } from './errors.ts';
import type { EpochMs, Log } from './model.ts';
import { type ProxyEnvironment, tunnelFor } from './network/proxy.ts';
import type { SharedLogin } from './source/authorization.ts';
import { connectSource, type Source } from './source/client.ts';
import { createPacer, createYieldingPacer } from './source/pacing.ts';
import type { SourceOptions } from './source/requester.ts';
import type { TaskCall } from './source/task-calls.ts';
import { targetOf } from './sync/targets.ts';
import { parseWarehouseUrl } from './warehouse/location.ts';
import type { Store } from './warehouse/store.ts';

/** The store and the clients of one process. */
export interface Connections {
  readonly clock: Clock;
  readonly store: Store;
  /**
   * Makes a client of the target's source, which shares a login with the others of the target. `signal` aborts its
   * requests; it never waits longer than `timeLeftMs`.
   */
  readonly connect: Connect;
  /** The same for a backfill, which leaves part of the quota to scheduled runs. */
  readonly connectYielding: Connect;
  /** Returns the requests that still count against the quota. */
  readonly recentRequests: () => RecentRequests;
  /** Returns when the quota admits the next request that waits for it; a time in the past if none waits. */
  readonly quotaOpensAtMs: () => EpochMs;
}

/** When requests were sent, oldest first, by call: `instances`, or one of `TaskCall`. */
export type RecentRequests = Readonly<Record<string, readonly EpochMs[]>>;

type Connect = (target: TargetConfig, signal: AbortSignal | undefined, timeLeftMs?: () => number) => Source;

/**
 * Proxies, and the endpoint of an S3 that is not AWS's, as AWS's own tools read them. The first of the two variables
 * wins.
 */
export interface NetworkEnvironment extends ProxyEnvironment {
  readonly AWS_ENDPOINT_URL_S3?: string | undefined;
  readonly AWS_ENDPOINT_URL?: string | undefined;
}

/**
 * Opens what the config names, without touching the network or the disk. One pacer serves all targets for the life of
 * the process, because the quota belongs to a user.
 *
 * @param clock the machine's clock by default
 * @param earlier requests of earlier processes, which count against the quota too
 * @throws ConfigError for an unusable warehouse URL or proxy
 */
export async function openConnections(
  config: Config,
  log: Log,
  environment: NetworkEnvironment,
  clock: Clock = systemClock,
  earlier: RecentRequests = {},
): Promise<Connections> {
  // A variable that names no proxy is found here, not at the first request.
  tunnelFor(config.source.endpoint, environment);
  const { quota } = config.source;
  // Each call has its own quota of the same size.
  const pacers = eachCall((call) => createPacer(quota, clock, earlier[call]));
  const yieldingPacers = eachCall((call) => createYieldingPacer(pacers[call], quota, quota.reservedForSync, clock));
  const logins = new Map<string, SharedLogin>(config.targets.map(({ name }) => [name, { session: null }]));
  const connectAt =
    (own: typeof pacers): Connect =>
    (target, signal, timeLeftMs) => {
      const paced = { pacer: own.instances, pacerOf: (call: TaskCall) => own[call] };
      const login = logins.get(target.name);
      return connectTarget(config, target, { ...paced, clock, log, signal, timeLeftMs, login, environment });
    };
  return {
    clock,
    store: await openStore(config.warehouse, environment, config.storage),
    connect: connectAt(pacers),
    connectYielding: connectAt(yieldingPacers),
    recentRequests: () => Object.fromEntries(Object.entries(pacers).map(([call, pacer]) => [call, pacer.recent()])),
    quotaOpensAtMs: () => Math.max(...Object.values(yieldingPacers).map((pacer) => pacer.opensAtMs())),
  };
}

function eachCall<T>(make: (call: 'instances' | TaskCall) => T): Record<'instances' | TaskCall, T> {
  return {
    instances: make('instances'),
    'quality-tasks': make('quality-tasks'),
    'consistency-tasks': make('consistency-tasks'),
    'quality-task': make('quality-task'),
    'consistency-task': make('consistency-task'),
    results: make('results'),
  };
}

/** Makes a client of a target's source from the config. */
export function connectTarget(
  { source }: Config,
  target: TargetConfig,
  how: Pick<
    SourceOptions,
    'pacer' | 'pacerOf' | 'clock' | 'signal' | 'log' | 'limits' | 'timeLeftMs' | 'login' | 'environment'
  >,
): Source {
  return connectSource({
    target: targetOf(target),
    source,
    iamEndpoint: iamEndpointOf(source),
    credentialsRef: target.credentials,
    ...how,
  });
}

/**
 * Opens a warehouse. Loads only the store that is used: the Lambda needs no file store, a laptop no AWS SDK.
 *
 * @throws ConfigError for an unusable URL, or settings of S3 for a folder
 */
export async function openStore(
  url: string,
  environment: NetworkEnvironment,
  storage: Config['storage'] = {},
): Promise<Store> {
  const location = parseWarehouseUrl(url);
  if (location.kind === 'file') {
    if (Object.keys(storage).length > 0) {
      throw new ConfigError(`"storage" is for s3:// warehouses, but the warehouse is ${url}`, {
        remedy: 'Remove "storage", or set "warehouse" to "s3://<bucket>[/<prefix>]".',
        code: 'storage',
      });
    }
    const { openFileStore } = await import('./warehouse/file-store.ts');
    return openFileStore(url);
  }
  const { openS3Store } = await import('./warehouse/s3-store.ts');
  const endpoint = environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL;
  const isLoopback = endpoint !== undefined && /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/.test(endpoint);
  return openS3Store({
    bucket: location.bucket,
    prefix: location.prefix,
    environment,
    storage,
    triesConditions: endpoint !== undefined,
    forcePathStyle: storage.pathStyle ?? isLoopback,
  });
}
