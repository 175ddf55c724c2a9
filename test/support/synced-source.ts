/** A simulated source, a warehouse folder, and syncs between them, all on a clock that moves only by hand. */
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Checkpoint } from '../../functions/checkpoint/checkpoint.ts';
import { decodeCheckpoint } from '../../functions/checkpoint/codec.ts';
import type { Clock } from '../../functions/clock.ts';
import { isoTime } from '../../functions/clock.ts';
import { type Config, parseConfig } from '../../functions/config.ts';
import { connectTarget } from '../../functions/connect.ts';
import { StoppedError } from '../../functions/errors.ts';
import { isOpen, type Log } from '../../functions/model.ts';
import type { Source } from '../../functions/source/client.ts';
import { createPacer } from '../../functions/source/pacing.ts';
import type { BackfillTask } from '../../functions/sync/backfill-task.ts';
import { type Run, runTargets } from '../../functions/sync/run.ts';
import type { Summary } from '../../functions/sync/summary.ts';
import { openFileStore } from '../../functions/warehouse/file-store.ts';
import { checkpointKey } from '../../functions/warehouse/layout.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { frozenClock, type MovableClock } from '../simulator/movable-clock.ts';
import { defaultWorkspace, type Simulator, type SimulatorOptions, startSimulator } from '../simulator/server.ts';
import { duckdb } from './referee.ts';
import { simSource, simTarget, writeSecret } from './sim-config.ts';
import { tempFolder } from './temp-warehouse.ts';
import { compareWithTruth, noDifferences, readTable } from './view-check.ts';

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
/** The time at which worlds begin: a Monday noon. */
export const worldStartMs = Date.parse('2026-06-01T12:00:00Z');

export interface SyncedSource {
  readonly sim: Simulator;
  readonly clock: MovableClock;
  readonly folder: string;
  /** The reference to the targets' secret, as a target's `credentials`. */
  readonly credentials: string;
  readonly store: Store;
  readonly config: Config;
  /** Connects to a target's source as a run does. */
  connect: Run['connect'];
  /** Syncs all targets. */
  sync(change?: Partial<Run>, config?: Record<string, unknown>): Promise<Summary[]>;
  /** Syncs one target; fails the test if the sync fails. */
  syncWell(change?: Partial<Run>, config?: Record<string, unknown>): Promise<Summary>;
  /** Backfills a range or the known gaps of one target; fails the test if the backfill fails. */
  backfill(task: Partial<BackfillTask>, change?: Partial<Run>, config?: Record<string, unknown>): Promise<Summary>;
  /** Maintains one target; fails the test if the maintenance fails. */
  maintain(change?: Partial<Run>, config?: Record<string, unknown>): Promise<Summary>;
  /**
   * Returns the latest observation of each execution (default: of all), by SQL that is independent of the product's.
   */
  view(where?: string): Promise<Row[]>;
  /** Returns all observations. */
  observations(): Promise<Row[]>;
  /** Returns how many there are. */
  observationCount(): Promise<number>;
  /** Fails the test unless the view equals the source. */
  expectTruth(): Promise<void>;
}

/** A row of the table, with ids and times (epoch ms) as text. */
export type Row = Record<string, unknown>;

export async function syncedSource(
  options: Omit<SimulatorOptions, 'clock'> & { startMs?: number } = {},
  configChange: Record<string, unknown> = {},
): Promise<SyncedSource> {
  const clock = frozenClock(options.startMs ?? worldStartMs);
  const sim = await startSimulator({ seed: 7, ...options, clock });
  const folder = await tempFolder();
  onTestFinished(() => sim.close());
  const credentials = await writeSecret(folder);
  const warehouse = `file:${join(folder, 'warehouse')}`;
  const store = openFileStore(warehouse);
  const baseConfig = {
    warehouse,
    source: simSource(sim),
    targets: [simTarget(credentials)],
    initialFrom: isoTime(clock.now() - 31 * dayMs),
    settleSeconds: 0,
    ...configChange,
  };
  const config = parseConfig(baseConfig, 'config');
  const dqsyncClock: Clock = { now: () => clock.now(), sleep: async () => undefined };
  const sync = async (change: Partial<Run> = {}, more: Record<string, unknown> = {}): Promise<Summary[]> =>
    runTargets({ ...makeRun(parseConfig({ ...baseConfig, ...more }, 'config'), store, dqsyncClock), ...change });
  const sql = (select: string): Promise<Row[]> => duckdb(select.replaceAll('$FILES', tableOf(folder)));
  return {
    sim,
    clock,
    folder,
    credentials,
    store,
    config,
    connect: (target, signal) => makeRun(config, store, dqsyncClock).connect(target, signal),
    sync,
    view: (where = 'true') => sql(`FROM (${viewSql}) WHERE ${where}`),
    syncWell: async (change, config) => {
      const [summary] = await sync(change, config);
      expect(summary?.error).toBeUndefined();
      return summary!;
    },
    backfill: async (task, change, config) => {
      const { window = null, again = false } = task;
      const backfill = window !== null && again ? { window, again } : { window, again: false as const };
      const [summary] = await sync({ backfill, ...change }, config);
      expect(summary?.error).toBeUndefined();
      return summary!;
    },
    maintain: async (change, config) => {
      const [summary] = await sync({ isMaintenance: true, ...change }, config);
      expect(summary?.error).toBeUndefined();
      return summary!;
    },
    observations: () => sql('SELECT * FROM $FILES ORDER BY id, start_time, observed_at'),
    observationCount: async () => Number((await sql('SELECT count(*) AS n FROM $FILES'))[0]?.['n']),
    expectTruth: () => expectTruth(sim, join(folder, 'warehouse')),
  };
}

/** Returns a run on a machine whose clock is ahead; the times of arrival of its replies are ahead too. */
export function onMachineAhead(world: SyncedSource, aheadMs: number): Partial<Run> {
  return {
    clock: { now: () => world.clock.now() + aheadMs, sleep: async () => undefined },
    connect: (target, signal) => {
      const source = world.connect(target, signal);
      const fetchPage: typeof source.fetchPage = async (request) => {
        const page = await source.fetchPage(request);
        return { ...page, receivedAtMs: page.receivedAtMs + aheadMs };
      };
      return { ...source, fetchPage };
    },
  };
}

/** Returns a run that is interrupted once it has read more than `rows` rows. */
export function stoppedAfter(rows: number): Pick<Run, 'stop' | 'onProgress'> {
  const stop = new AbortController();
  return {
    stop: stop.signal,
    onProgress: ({ rowsRead }) => {
      if (rowsRead > rows) {
        stop.abort(new StoppedError('interrupted', { remedy: 'Run again.' }));
      }
    },
  };
}

/** Returns a log that collects the messages of its warnings. */
export function warnings(): { readonly log: Log; readonly messages: string[] } {
  const messages: string[] = [];
  return { messages, log: (level, message) => void (level === 'warn' && messages.push(message)) };
}

/** Returns a run whose source is changed. */
export function withSource(world: SyncedSource, change: (source: Source) => Partial<Source>): Pick<Run, 'connect'> {
  return {
    connect: (target, signal) => {
      const source = world.connect(target, signal);
      return { ...source, ...change(source) };
    },
  };
}

/** Returns the target's current checkpoint. */
export async function checkpointOf({ store }: SyncedSource): Promise<Checkpoint> {
  const object = await store.get(checkpointKey('sales'));
  const identity = { ...defaultWorkspace, filter: {}, partitionTimeZone: 'UTC' };
  return decodeCheckpoint(object!.bytes, identity, 'sales', checkpointKey('sales'));
}

function makeRun(config: Config, store: Store, clock: Clock): Run {
  const pacer = createPacer(config.source.quota, clock);
  return {
    config,
    store,
    clock,
    connect: (target, signal) => connectTarget(config, target, { pacer, clock, signal }),
    limitMs: Number.POSITIVE_INFINITY,
    stop: new AbortController().signal,
    log: () => undefined,
    onProgress: () => undefined,
  };
}

function tableOf(folder: string): string {
  const files = join(folder, 'warehouse', 'quality_instance_observations', '**', '*.parquet');
  const times = ['start_time', 'end_time', 'observed_at'].map((name) => `epoch_ms(${name}) AS ${name}`).join(', ');
  return `(SELECT * REPLACE (${times}) FROM read_parquet('${files}', hive_partitioning = true, hive_types = {'workspace': VARCHAR, 'dt': VARCHAR}))`;
}

const viewSql = `SELECT * EXCLUDE (n) FROM (
  SELECT *, row_number() OVER (PARTITION BY workspace, dt, project_id, id, start_time ORDER BY observed_at DESC, run_id DESC) AS n
  FROM $FILES) WHERE n = 1`;

/**
 * Fails unless the view shows what the source lists, each execution once and in its present state. Executions that a
 * complete reply has shown as ended must stay in the view after they left the source.
 */
async function expectTruth(sim: Simulator, warehouse: string): Promise<void> {
  const seen = sim.truth().vanished.filter((one) => one.served && !isOpen({ ...one, extra: null }));
  const committed = new Set(seen.map(({ id, startTimeMs }) => `${id}@${startTimeMs}`));
  expect(compareWithTruth(sim, await readTable(warehouse), committed)).toEqual(noDifferences);
}
