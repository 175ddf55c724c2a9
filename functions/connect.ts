/** The one place where things are put together: from a config to a store, and to a source per target. */
import { type Clock, systemClock } from './clock.ts';
import { type Config, iamEndpointOf, type TargetConfig } from './config.ts';
import type { Log } from './model.ts';
import { connectSource, type Source, type SourceOptions } from './source/client.ts';
import { createPacer, createYieldingPacer, type Pacer } from './source/pacing.ts';
import { targetOf } from './sync/targets.ts';
import { parseWarehouseUrl } from './warehouse/location.ts';
import type { Store } from './warehouse/store.ts';

/** What a process works with. */
export interface Connections {
  readonly clock: Clock;
  readonly store: Store;
  /** A client of the target's source; `signal` ends what it has under way, and no wait is longer than `timeLeftMs`. */
  connect(target: TargetConfig, signal: AbortSignal | undefined, timeLeftMs?: () => number): Source;
  /** The same for a backfill, which leaves a part of the quota to others. */
  connectYielding(target: TargetConfig, signal: AbortSignal | undefined, timeLeftMs?: () => number): Source;
}

/** The environment variables that name the S3 endpoint of an emulator, in the order that AWS's own tools read them. */
export interface S3Environment {
  readonly AWS_ENDPOINT_URL_S3?: string | undefined;
  readonly AWS_ENDPOINT_URL?: string | undefined;
}

/**
 * Opens what the config names. Touches neither network nor disk yet. One pacer serves all targets, and lives as long as
 * the process: the quota is a user's.
 *
 * @param clock the machine's unless told otherwise: the demo lives through hours in seconds
 * @throws ConfigError for a warehouse URL that can't be used
 */
export async function openConnections(
  config: Config,
  log: Log,
  environment: S3Environment,
  clock: Clock = systemClock,
): Promise<Connections> {
  const { quota } = config.source;
  const pacer = createPacer(quota, clock);
  const yieldingPacer = createYieldingPacer(pacer, quota, quota.reservedForSync, clock);
  const connectAt =
    (pacedBy: Pacer): Connections['connect'] =>
    (target, signal, timeLeftMs) =>
      connectTarget(config, target, { pacer: pacedBy, clock, log, signal, timeLeftMs });
  return {
    clock,
    store: await openStore(config.warehouse, environment),
    connect: connectAt(pacer),
    connectYielding: connectAt(yieldingPacer),
  };
}

/** A client of a target's source, as the config describes both. */
export function connectTarget(
  { source }: Config,
  target: TargetConfig,
  how: Pick<SourceOptions, 'pacer' | 'clock' | 'signal' | 'log' | 'limits' | 'timeLeftMs'>,
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
 * Opens a warehouse. Each store is loaded only where it is used: the Lambda needs no file store, a laptop no AWS SDK.
 *
 * @throws ConfigError for a URL that can't be used
 */
export async function openStore(url: string, environment: S3Environment): Promise<Store> {
  const location = parseWarehouseUrl(url);
  if (location.kind === 'file') {
    const { openFileStore } = await import('./warehouse/file-store.ts');
    return openFileStore(url);
  }
  const { openS3Store } = await import('./warehouse/s3-store.ts');
  const endpoint = environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL;
  return openS3Store({
    bucket: location.bucket,
    prefix: location.prefix,
    forcePathStyle: endpoint !== undefined && /^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/.test(endpoint),
  });
}
