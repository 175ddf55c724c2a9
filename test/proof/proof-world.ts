/**
 * A simulated source, a warehouse in memory, and runs between them on a clock that moves only by hand. Every write is
 * audited. The soak uses this file too, so it does not depend on a test framework; the caller closes the world.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, isoTime } from '../../functions/clock.ts';
import { type CompactionResult, compactTarget } from '../../functions/compaction/compact-target.ts';
import { type Config, parseConfig } from '../../functions/config.ts';
import { connectTarget } from '../../functions/connect.ts';
import { StoppedError } from '../../functions/errors.ts';
import { createPacer } from '../../functions/source/pacing.ts';
import type { BackfillTask } from '../../functions/sync/backfill-task.ts';
import { planRewind, rewind } from '../../functions/sync/rewind.ts';
import { runTargets } from '../../functions/sync/run.ts';
import type { Summary } from '../../functions/sync/summary.ts';
import { settingsOf, targetOf } from '../../functions/sync/targets.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { frozenClock, type MovableClock } from '../simulator/movable-clock.ts';
import { type Random, seededRandom } from '../simulator/random.ts';
import { defaultWorkspace, type Simulator, type SimulatorOptions, startSimulator } from '../simulator/server.ts';
import { failingStore, type StoreCall, type StoreFate } from '../support/failing-store.ts';
import { simSource, simTarget, unlimited, writeSecret } from '../support/sim-config.ts';
import { Auditor, rewinder } from './auditor.ts';
import { MemoryStore } from './memory-store.ts';

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;
export const target = 'sales';
export const settleMs = minuteMs;
export const lookbackMs = 15 * minuteMs;

/** Options of a run. By default, it is an undisturbed sync. */
export interface RunOptions {
  /** Default: an incremental sync. */
  readonly backfill?: BackfillTask | undefined;
  /** Whether the run observes the tasks too. */
  readonly tasks?: boolean;
  /** Asked before each call of the store. */
  readonly fate?: (call: StoreCall) => StoreFate | Promise<StoreFate>;
  /** The process dies when it requests this page, counted from 1. */
  readonly dieAtPage?: number | undefined;
  /** The run is stopped, and may commit, when it requests this page, counted from 1. */
  readonly stopAtPage?: number | undefined;
  readonly by?: string;
  /** Time by which the machine's clock is ahead. */
  readonly aheadMs?: number;
  /** Pauses of random length before and after each call of the store, so that runs interleave differently. */
  readonly isJittery?: boolean;
}

/** A world. */
export interface ProofWorld {
  readonly simulator: Simulator;
  readonly clock: MovableClock;
  readonly auditor: Auditor;
  readonly store: MemoryStore;
  readonly random: Random;
  /** The config's `initialFrom`. */
  readonly initialFromMs: number;
  run(options?: RunOptions): Promise<Summary>;
  /** Compacts every day before today that has two files, earlier than a schedule would. */
  compact(options?: Pick<RunOptions, 'fate' | 'isJittery'>): Promise<CompactionResult>;
  /** Removes coverage from `toMs` on. */
  rewind(toMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Options of a world. */
export interface ProofWorldOptions extends Omit<SimulatorOptions, 'clock'> {
  readonly config?: Record<string, unknown>;
  /** Time from `initialFrom` to the world's beginning. Default three days. */
  readonly syncedMs?: number;
  /** Whose rule results every run fetches. Default: nobody's. */
  readonly results?: Config['results'];
}

/** A Monday noon. */
const startMs = Date.parse('2026-06-01T12:00:00Z');

/** Opens a world. */
export async function openProofWorld(options: ProofWorldOptions = {}): Promise<ProofWorld> {
  const { seed = 1 } = options;
  const clock = frozenClock(startMs);
  const simulator = await startSimulator({ ...options, seed, clock });
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-proof-'));
  const targets = [simTarget(await writeSecret(folder))];
  const identity = { ...defaultWorkspace, filter: {}, partitionTimeZone: 'UTC' };
  const auditor = new Auditor({ simulator, target, identity, lateMs: settleMs + lookbackMs });
  const store = new MemoryStore((...write) => auditor.onWrite(...write));
  const initialFromMs = startMs - (options.syncedMs ?? 3 * dayMs);
  // A small quota leads to the shortest slices. It does not slow runs down, because they get a pacer with another
  // quota.
  const source = simSource(simulator, { requests: 4, perSeconds: 3600 });
  const config = parseConfig(
    {
      warehouse: 'file:unused',
      source,
      targets,
      initialFrom: isoTime(initialFromMs),
      settleSeconds: settleMs / 1000,
      lookbackMinutes: lookbackMs / minuteMs,
      maxOpenDays: 300,
      results: options.results ?? 'none',
      ...options.config,
    },
    'config',
  );
  const random = seededRandom(seed, 21);
  const world = { simulator, clock, auditor, store, random, initialFromMs };
  const productClock: Clock = { now: () => clock.now(), sleep: async () => undefined };
  return {
    ...world,
    run: async (run = {}) => {
      const end = auditor.runBegins(clock.now());
      return await runOnce({ ...world, productClock, config }, run).finally(end);
    },
    compact: async (options = {}) =>
      await compactTarget({
        target: { name: target, workspace: defaultWorkspace.workspace },
        settings: { partitionTimeZone: 'UTC', lookbackMs: 0, maxOpenMs: 0 },
        store: mortalStore({ ...world, productClock, config }, { ...options, by: 'compaction' }).store,
        clock: productClock,
        stop: new AbortController().signal,
        remainingMs: () => Number.POSITIVE_INFINITY,
        limits: { filesOfDay: 1, memoryBytes: 1e9, inputBytes: 1e9 },
      }),
    rewind: async (toMs) => {
      const [targetConfig] = config.targets;
      if (targetConfig === undefined) {
        throw new Error('the config has no target');
      }
      const run = {
        store: store.handle(rewinder),
        target: targetOf(targetConfig),
        clock: productClock,
        settings: settingsOf(config),
      };
      const plan = await planRewind(run, toMs);
      if (plan.isNeeded) {
        await rewind(run, plan);
      }
    },
    close: async () => {
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Running extends Pick<ProofWorld, 'simulator' | 'clock' | 'store' | 'random'> {
  readonly productClock: Clock;
  readonly config: Config;
}

async function runOnce(world: Running, options: RunOptions): Promise<Summary> {
  const { config, productClock } = world;
  const clock: Clock = { ...productClock, now: () => productClock.now() + (options.aheadMs ?? 0) };
  const stop = new AbortController();
  const pacer = createPacer(unlimited, pacerClock(clock));
  const { store, die } = mortalStore(world, options);
  let pages = 0;
  const [summary] = await runTargets({
    config,
    store,
    clock,
    backfill: options.backfill,
    tasks: options.tasks,
    results: options.backfill === undefined ? 'spare' : 'all',
    connect: (targetConfig, signal) => {
      const connected = connectTarget(config, targetConfig, { pacer, clock, signal });
      return {
        ...connected,
        fetchPage: async (request) => {
          pages += 1;
          if (pages === options.dieAtPage) {
            die();
          }
          if (pages === options.dieAtPage || pages === options.stopAtPage) {
            stop.abort(new StoppedError('stopped', { remedy: 'none' }));
          }
          return await connected.fetchPage(request);
        },
      };
    },
    // Far away in real time. By the frozen clock it leads to slices of 100 rows.
    limitMs: 1_000_000,
    stop: stop.signal,
    log: () => undefined,
    onProgress: () => undefined,
  });
  if (summary === undefined) {
    throw new Error('no target was run');
  }
  return summary;
}

/** Returns a clock whose waits end immediately but count as passed, because the pacer checks the time after a wait. */
function pacerClock(clock: Clock): Clock {
  let sleptMs = 0;
  return {
    now: () => clock.now() + sleptMs,
    sleep: async (ms) => {
      sleptMs += ms;
    },
  };
}

/** Returns the world's store for one run, and a function after which the store refuses everything. */
function mortalStore({ store, random }: Running, options: RunOptions): { store: Store; die: () => void } {
  let isDead = false;
  const pause = async (): Promise<void> => {
    for (let turns = options.isJittery === true ? random.between(0, 40) : 0; turns > 0; turns -= 1) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  };
  const mortal = failingStore(store.handle(options.by ?? 'run'), async (call) => {
    await pause();
    return isDead ? 'die-before' : ((await options.fate?.(call)) ?? 'ok');
  });
  return {
    store: mortal,
    die: () => {
      isDead = true;
    },
  };
}
