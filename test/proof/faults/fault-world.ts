/**
 * Runs dqsync between a simulated source and an emulated S3, each behind a proxy that injects faults.
 *
 * Time is virtual except for sockets: waits between attempts end immediately, and timeouts of sockets are short.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../functions/clock.ts';
import { parseConfig } from '../../../functions/config.ts';
import { connectTarget } from '../../../functions/connect.ts';
import type { HttpLimits } from '../../../functions/source/http.ts';
import { createPacer } from '../../../functions/source/pacing.ts';
import { runTargets } from '../../../functions/sync/run.ts';
import type { Summary } from '../../../functions/sync/summary.ts';
import { openS3Store } from '../../../functions/warehouse/s3-store.ts';
import { defaultAccount } from '../../simulator/accounts.ts';
import { frozenClock, type MovableClock } from '../../simulator/movable-clock.ts';
import { type Simulator, startSimulator } from '../../simulator/server.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { FaultProxy } from '../../support/fault-proxy.ts';
import { selfSigned } from '../../support/self-signed.ts';
import { simSource, simTarget, writeSecret } from '../../support/sim-config.ts';
import { compareWithTruth, type Differences, readTable } from '../../support/view-check.ts';
import { folderContents } from '../warehouse-contents.ts';

/** How a server is reached. */
export type Door = 'http' | 'untrusted-tls' | 'tls-without-tls' | 'no-such-host';

/** A world with faults. */
export interface FaultWorld {
  readonly simulator: Simulator;
  readonly s3: FakeS3;
  readonly clock: MovableClock;
  /** The proxy between dqsync and the source, IAM included. */
  readonly source: FaultProxy;
  /** The proxy between dqsync and S3. */
  readonly storage: FaultProxy;
  /** Options of the next runs. `ourSkewMs` is this machine's clock less the true one. */
  next: {
    sourceDoor: Door;
    storageDoor: Door;
    ourSkewMs: number;
    /** Every timeout of a socket. */
    socketMs: number;
    limits: Partial<HttpLimits>;
    limitMs: number;
    targets: readonly string[];
    stop: AbortSignal;
    /** Pauses wait for timers, which `flying-time.ts` speeds up; otherwise they end immediately. */
    isFlying: boolean;
  };
  /** The log so far, as `<level> <target> <message>`. */
  readonly logged: string[];
  /** Removes all faults. */
  lift(): void;
  /** Syncs the first target. */
  sync(): Promise<Summary>;
  /** Syncs all targets. */
  syncAll(): Promise<Summary[]>;
  /** Returns how the view differs from the source. */
  differences(): Promise<Differences>;
  close(): Promise<void>;
}

const hourMs = 3_600_000;
const patient = {
  sourceDoor: 'http',
  storageDoor: 'http',
  ourSkewMs: 0,
  socketMs: 10_000,
  limits: {},
  limitMs: 840_000,
  targets: ['sales'],
  stop: new AbortController().signal,
  isFlying: false,
} as const;

/** The environment of the process while a world is open, besides the endpoint of S3. */
const awsEnvironment = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'verysecretverysecret',
};

/** Opens a world whose source has 250 executions of the last ten hours. */
export async function openFaultWorld(secret: object = defaultAccount.password): Promise<FaultWorld> {
  const clock = frozenClock(Date.parse('2026-06-01T12:00:00Z'));
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-faults-'));
  const simulator = await startSimulator({ seed: 3, clock });
  simulator.life.addMany(250, { fromMs: clock.now() - 10 * hourMs, toMs: clock.now() - hourMs });
  const s3 = await FakeS3.open();
  const source = await FaultProxy.open({ upstream: simulator.url });
  const storage = await FaultProxy.open({ upstream: s3.endpoint });
  const tls = selfSigned();
  const doors = {
    source: await FaultProxy.open({ upstream: simulator.url, tls }),
    storage: await FaultProxy.open({ upstream: s3.endpoint, tls }),
  };
  const credentials = await writeSecret(folder, secret);
  const world: FaultWorld = {
    simulator,
    s3,
    clock,
    source,
    storage,
    next: { ...patient, socketMs: 150 },
    lift: () => {
      world.next = { ...patient };
      for (const proxy of [source, storage]) {
        proxy.decide = () => null;
        proxy.greeting = 'none';
        proxy.cut();
      }
      simulator.traps.dateSkewMs = 0;
      s3.faults.length = 0;
    },
    logged: [],
    sync: async () => {
      const [summary] = await world.syncAll();
      if (summary === undefined) {
        throw new Error('no summary');
      }
      return summary;
    },
    syncAll: async () => {
      const { sourceDoor, storageDoor } = world.next;
      const sourceUrl = urlOf(sourceDoor, source, doors.source);
      const storageUrl = urlOf(storageDoor, storage, doors.storage);
      return await syncOnce(world, sourceUrl, storageUrl, credentials);
    },
    differences: async () => {
      const contents = await folderContents(folder, s3);
      return compareWithTruth(simulator, contents.folder === null ? [] : await readTable(contents.folder));
    },
    close: async () => {
      await Promise.all([source, storage, doors.source, doors.storage].map((proxy) => proxy.close()));
      s3.close();
      for (const name of [...Object.keys(awsEnvironment), 'AWS_ENDPOINT_URL_S3']) {
        delete process.env[name];
      }
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return world;
}

function urlOf(door: Door, plain: FaultProxy, tls: FaultProxy): string {
  switch (door) {
    case 'http':
      return plain.url;
    case 'untrusted-tls':
      return tls.url;
    case 'tls-without-tls':
      return plain.url.replace('http:', 'https:');
    case 'no-such-host':
      return 'https://no-such-host.invalid';
  }
}

async function syncOnce(
  world: FaultWorld,
  sourceUrl: string,
  storageUrl: string,
  credentials: string,
): Promise<Summary[]> {
  const { clock: time, next } = world;
  const { socketMs } = next;
  const clock: Clock = {
    now: () => time.now() + next.ourSkewMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      await (next.isFlying ? timer(ms, signal) : time.advance(Math.ceil(ms)));
    },
  };
  const config = parseConfig(
    {
      warehouse: 's3://warehouse/table',
      source: simSource({ url: sourceUrl, iamUrl: sourceUrl }),
      targets: next.targets.map((name) => simTarget(credentials, { name })),
      initialFrom: new Date(time.now() - 48 * hourMs).toISOString(),
      settleSeconds: 0,
    },
    'config',
  );
  const timeouts = { connectTimeoutMs: 1_000, headersTimeoutMs: socketMs, bodyTimeoutMs: socketMs };
  Object.assign(process.env, { ...awsEnvironment, AWS_ENDPOINT_URL_S3: storageUrl });
  const storeOptions = { bucket: 'warehouse', prefix: 'table', forcePathStyle: true, answerTimeoutMs: socketMs };
  const pacer = createPacer(config.source.quota, clock);
  return await runTargets({
    config,
    clock,
    store: openS3Store(storeOptions),
    connect: (target, signal) =>
      connectTarget(config, target, {
        pacer,
        clock,
        signal,
        limits: { ...timeouts, requestTimeoutMs: 4 * socketMs, ...next.limits },
      }),
    limitMs: next.limitMs,
    stop: next.stop,
    log: (level, message, fields) => world.logged.push(`${level} ${fields?.['target']} ${message}`),
    onProgress: () => undefined,
  });
}

/** Waits by the global `setTimeout`, which may be a fake one. */
function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
