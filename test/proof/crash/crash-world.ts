/**
 * Runs the real `dqsync` as processes that are killed, between a simulated source and a warehouse (a folder or an
 * emulated S3). Proxies in front of source and S3 count requests.
 *
 * The soak uses this file too, so it does not depend on a test framework; the caller closes the world.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ExecutionKey } from '../../simulator/life-cycle.ts';
import { shiftedClock } from '../../simulator/movable-clock.ts';
import { type Random, seededRandom } from '../../simulator/random.ts';
import { type Simulator, startSimulator } from '../../simulator/server.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { FaultProxy } from '../../support/fault-proxy.ts';
import { type CliOptions, type CliRun, type RunningCli, spawnCli } from '../../support/run-cli.ts';
import { simSource, simTarget, writeSecret } from '../../support/sim-config.ts';
import { folderContents, type WarehouseContents } from '../warehouse-contents.ts';
import { type Ledger, openLedger } from './ledger.ts';

/** The point at which a process is killed. */
export type Kill =
  /**
   * At the nth request over the network: before it takes effect, or between its effect and the arrival of its reply.
   */
  | { readonly at: 'request'; readonly n: number; readonly moment: 'before' | 'after' }
  /** In the nth state of the files of the warehouse (at-file-steps.ts). */
  | { readonly at: 'file-state'; readonly n: number }
  /** `ms` after the start of the process. */
  | { readonly at: 'time'; readonly ms: number };

/** Commands. The placeholders `$FROM` and `$TO` stand for the span of the first executions, as ISO instants. */
export interface Commands {
  /** The command that is killed. */
  readonly killed: readonly string[];
  /** The commands that complete the table afterwards, in this order. Each must end with exit code 0. */
  readonly finishing: readonly (readonly string[])[];
}

/** A sync is killed, and run again. */
export const syncCommands: Commands = { killed: ['sync'], finishing: [['sync', '--results']] };

/** A backfill of everything is killed, and run again; a sync of newer executions follows. */
export const backfillCommands: Commands = {
  killed: ['backfill', '--from', '$FROM', '--to', '$TO', '--results'],
  finishing: [['backfill', '--from', '$FROM', '--to', '$TO', '--results'], ['sync']],
};

/** Options of a world. */
export interface CrashWorldOptions {
  readonly store: 'file' | 's3';
  readonly seed?: number;
  readonly commands?: Commands;
  /** Settled executions at the beginning. */
  readonly executions: number;
  /** Number of days, each one partition, over which they are spread. Changes of the source happen today. Default 3. */
  readonly days?: number;
  /** How the commands that are not killed are run. Default: as processes. */
  readonly call?: (args: readonly string[], options: CliOptions) => Promise<CliRun>;
}

/** A state in which a kill of a process leaves the warehouse. */
export interface LeftState {
  /** The last change before the kill. */
  readonly change: string;
  /** Brings the warehouse into this state. */
  restore(): Promise<void>;
}

/** A run to its end, and the states through which it took the warehouse, in order. */
export interface RecordedRun {
  readonly run: CliRun;
  readonly states: readonly LeftState[];
}

/** A world in which processes are killed. */
export interface CrashWorld {
  readonly store: 'file' | 's3';
  readonly simulator: Simulator;
  readonly ledger: Ledger;
  readonly random: Random;
  /** Reads what the warehouse holds now. */
  contents(): Promise<WarehouseContents>;
  /** Runs the command that is killed. `wasKilled` is false if it ended before the kill. */
  runKilled(kill: Kill): Promise<CliRun & { readonly wasKilled: boolean }>;
  /** Runs the command that is killed, but to its end. */
  record(): Promise<RecordedRun>;
  /** Runs the finishing commands; `tookMs` is their total duration. */
  finish(): Promise<{ readonly runs: readonly CliRun[]; readonly tookMs: number }>;
  /** Changes the source: executions start and end, and executions that are in the table are run again or deleted. */
  stir(): Promise<void>;
  /** Deletes the warehouse. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

const preload = fileURLToPath(new URL('at-file-steps.ts', import.meta.url));
const dayMs = 86_400_000;

/** Opens a world. */
export async function openCrashWorld(options: CrashWorldOptions): Promise<CrashWorld> {
  const { store, seed = 1, commands = syncCommands, call = (args, how) => spawnCli(args, how).ended } = options;
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-crash-'));
  const simulator = await startSimulator({ seed, clock: shiftedClock() });
  const startMs = simulator.clock.now();
  const { executions, days = 3 } = options;
  const fromMs = Math.floor(startMs / dayMs) * dayMs - days * dayMs;
  simulator.life.addMany(executions, { fromMs, toMs: fromMs + days * dayMs, perMillisecond: 2 });
  const random = seededRandom(seed, 9);
  const running = Array.from({ length: 3 }, (_, index) =>
    simulator.life.addExecution({ runStatus: 'RUNNING', startTimeMs: fromMs + (index + 1) * 3_600_000 }),
  );
  const s3 = store === 's3' ? await FakeS3.open() : null;
  const source = await FaultProxy.open({ upstream: simulator.url });
  const storage = s3 === null ? null : await FaultProxy.open({ upstream: s3.endpoint });
  const proxies = storage === null ? [source] : [source, storage];
  const warehouse = s3 === null ? `file:${join(folder, 'warehouse')}` : `s3://${s3.bucket}/table`;
  const config = {
    warehouse,
    source: simSource({ url: source.url, iamUrl: source.url }),
    targets: [simTarget(await writeSecret(folder))],
    initialFrom: new Date(fromMs).toISOString(),
    settleSeconds: 0,
  };
  await writeFile(join(folder, 'dqsync.json'), JSON.stringify(config));
  const environment = s3 === null ? {} : { ...s3.environment, AWS_ENDPOINT_URL_S3: String(storage?.url) };
  const contents = (): Promise<WarehouseContents> => folderContents(folder, s3);
  const ledger = openLedger(simulator);
  const filled = (args: readonly string[]): string[] =>
    args.map((arg) =>
      arg.replace('$FROM', new Date(fromMs).toISOString()).replace('$TO', new Date(startMs).toISOString()),
    );
  const warehouseFolder = join(folder, 'warehouse');
  const copies = join(folder, 'copies');
  /** Starts the command that is killed, with variables for at-file-steps.ts. */
  const start = (variables: Readonly<Record<string, string>>): RunningCli =>
    spawnCli(filled(commands.killed), {
      cwd: folder,
      nodeArgs: ['--import', preload],
      env: { ...environment, DQSYNC_STEPS_FOLDER: warehouseFolder, ...variables },
    });
  const clear = async (): Promise<void> => {
    s3?.objects.clear();
    await rm(warehouseFolder, { recursive: true, force: true });
    await rm(join(folder, 'copy'), { recursive: true, force: true });
  };
  const statesOfFiles = async (): Promise<RecordedRun> => {
    await rm(copies, { recursive: true, force: true });
    const run = await start({ DQSYNC_COPIES_FOLDER: copies }).ended;
    const states = [...run.stderr.matchAll(/^state (\d+) (.+)$/gm)].map(([, n = '', change = '']) => ({
      change,
      restore: async () => {
        await clear();
        await cp(join(copies, n), warehouseFolder, { recursive: true });
      },
    }));
    return { run, states };
  };
  const statesOfObjects = async ({ objects }: FakeS3): Promise<RecordedRun> => {
    const states: LeftState[] = [];
    const { set } = objects;
    objects.set = (key, bytes) => {
      set.call(objects, key, bytes);
      const all = [...objects];
      const restore = async (): Promise<void> => {
        await clear();
        for (const [name, content] of all) {
          objects.set(name, content);
        }
      };
      states.push({ change: `put ${key}`, restore });
      return objects;
    };
    const run = await start({}).ended;
    objects.set = set;
    return { run, states };
  };
  return {
    store,
    simulator,
    ledger,
    random,
    contents,
    runKilled: async (kill) => {
      const cli = start(kill.at === 'file-state' ? { DQSYNC_KILL_AT: String(kill.n) } : {});
      const disarm = arm(kill, () => cli.process.kill('SIGKILL'), proxies);
      const run = await cli.ended;
      disarm();
      return { ...run, wasKilled: run.signal === 'SIGKILL' };
    },
    finish: async () => {
      const begunAtMs = Date.now();
      const runs: CliRun[] = [];
      for (const args of commands.finishing) {
        runs.push(await call(filled(args), { cwd: folder, env: environment }));
      }
      return { runs, tookMs: Date.now() - begunAtMs };
    },
    record: () => (s3 === null ? statesOfFiles() : statesOfObjects(s3)),
    stir: () => stir(simulator, random, ledger, running),
    empty: async () => {
      ledger.recall();
      await clear();
    },
    close: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      s3?.close();
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Arms a kill by time or by request; the process itself does a kill by file state. Returns a function that disarms it.
 */
function arm(kill: Kill, act: () => void, proxies: readonly FaultProxy[]): () => void {
  if (kill.at === 'time') {
    const timer = globalThis.setTimeout(act, kill.ms);
    return () => clearTimeout(timer);
  }
  let n = 0;
  for (const proxy of proxies) {
    proxy.decide = () => {
      n += 1;
      const isDue = kill.at === 'request' && n === kill.n;
      return isDue ? { kind: kill.moment === 'before' ? 'act-before' : 'act-after', act } : null;
    };
  }
  return () => {
    for (const proxy of proxies) {
      proxy.decide = () => null;
    }
  };
}

/** Waits for the next whole second, which is not covered yet: executions that are run again start at a whole second. */
async function nextSecond(clock: Simulator['clock']): Promise<void> {
  const nextMs = Math.floor(clock.now() / 1000) * 1000 + 1000;
  while (clock.now() < nextMs) {
    await setTimeout(nextMs - clock.now());
  }
}

/** New executions start now, which is later than all coverage. */
async function stir(simulator: Simulator, random: Random, ledger: Ledger, running: ExecutionKey[]): Promise<void> {
  const { life, clock } = simulator;
  for (const back of [2, 1]) {
    life.addExecution({ startTimeMs: clock.now() - back, runStatus: random.pick(['SUCCESS', 'FAILED', 'ALARMING']) });
  }
  running.push(life.addExecution({ startTimeMs: clock.now() - 1, runStatus: 'RUNNING' }));
  const [oldest] = running.splice(random.between(0, running.length - 1), 1);
  if (oldest !== undefined) {
    life.finish(oldest.id, random.pick(['SUCCESS', 'FAILED']));
  }
  const settled = ledger.settledIds();
  if (settled.length > 20) {
    const id = random.pick(settled);
    if (random.chance(0.5)) {
      await nextSecond(clock);
      running.push(life.rerun(id));
    } else {
      life.remove(id);
    }
  }
}
