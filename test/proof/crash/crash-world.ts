/**
 * Where processes are killed: a simulated source, a warehouse (a folder, or an S3), proxies in front of what is reached by
 * network, and the real `dqsync` between them.
 *
 * Used by the long forms too, so it knows no test framework; whoever opens one closes it.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { defaultAccount } from '../../simulator/accounts.ts';
import type { ExecutionKey } from '../../simulator/life-cycle.ts';
import { shiftedClock } from '../../simulator/movable-clock.ts';
import { type Random, seededRandom } from '../../simulator/random.ts';
import { defaultWorkspace, type Simulator, startSimulator } from '../../simulator/server.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { FaultProxy } from '../../support/fault-proxy.ts';
import { type CliRun, spawnCli } from '../../support/run-cli.ts';
import { folderContents, type WarehouseContents } from '../warehouse-contents.ts';
import { type Ledger, openLedger } from './ledger.ts';

/** Where a process is killed. */
export type Kill =
  /** At the nth request over the network: before it takes effect, or after that and before its reply arrives. */
  | { readonly at: 'request'; readonly n: number; readonly moment: 'before' | 'after' }
  /** At the nth step on the files of the warehouse. */
  | { readonly at: 'file-step'; readonly n: number; readonly moment: 'before' | 'within' | 'after' }
  /** So long after its start. */
  | { readonly at: 'time'; readonly ms: number };

/** What is run. Placeholders: `$FROM`, `$TO`, the span of the world's first executions, as ISO instants. */
export interface Commands {
  /** The command that is killed. */
  readonly killed: readonly string[];
  /** What brings the table to the truth after that, in order. Each must end with exit code 0. */
  readonly finishing: readonly (readonly string[])[];
}

/** The hourly sync, killed, and run again. */
export const syncCommands: Commands = { killed: ['sync'], finishing: [['sync']] };

/** A backfill of it all, killed, and started again; then the sync of what is newer. */
export const backfillCommands: Commands = {
  killed: ['backfill', '--from', '$FROM', '--to', '$TO'],
  finishing: [['backfill', '--from', '$FROM', '--to', '$TO'], ['sync']],
};

/** How a world starts. */
export interface CrashWorldOptions {
  readonly store: 'file' | 's3';
  readonly seed?: number;
  readonly commands?: Commands;
  /** Settled executions at the beginning. Default 230. */
  readonly executions?: number;
  /** Days they lie in, each a partition; the source's changes are today's. Default 3. */
  readonly days?: number;
  /** Whose rule results are fetched. Default: of those that failed. */
  readonly results?: 'failed' | 'none';
}

/** A place for kills. */
export interface CrashWorld {
  readonly store: 'file' | 's3';
  readonly simulator: Simulator;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly commands: Commands;
  /** What the warehouse holds now. */
  contents(): Promise<WarehouseContents>;
  /** Runs the command that is killed. `wasKilled` is false where it ended before. */
  runKilled(kill: Kill): Promise<CliRun & { readonly wasKilled: boolean }>;
  /** Runs what comes after, to its end; `tookMs` in all. */
  finish(): Promise<{ readonly runs: readonly CliRun[]; readonly tookMs: number }>;
  /** Lets the source change: some start, some end, and of what is in the table some are run again or deleted. */
  stir(): Promise<void>;
  /** Throws the warehouse away. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

const preload = fileURLToPath(new URL('kill-at-file-step.ts', import.meta.url));
const dayMs = 86_400_000;

/** Opens a world. */
export async function openCrashWorld(options: CrashWorldOptions): Promise<CrashWorld> {
  const { store, seed = 1, commands = syncCommands } = options;
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-crash-'));
  const simulator = await startSimulator({ seed, clock: shiftedClock() });
  const startMs = simulator.clock.now();
  const { executions = 230, days = 3 } = options;
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
  await writeConfig(folder, { warehouse, url: source.url, fromMs, results: options.results ?? 'failed' });
  const environment: Record<string, string> =
    storage === null
      ? {}
      : {
          AWS_ENDPOINT_URL: storage.url,
          AWS_REGION: 'us-east-1',
          AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
          AWS_SECRET_ACCESS_KEY: 'verysecretverysecret',
        };
  const contents = (): Promise<WarehouseContents> => folderContents(folder, s3);
  const ledger = openLedger(simulator);
  const filled = (args: readonly string[]): string[] =>
    args.map((arg) =>
      arg.replace('$FROM', new Date(fromMs).toISOString()).replace('$TO', new Date(startMs).toISOString()),
    );
  return {
    store,
    simulator,
    ledger,
    random,
    commands,
    contents,
    runKilled: async (kill) => {
      const nodeArgs = kill.at === 'file-step' ? ['--import', preload] : [];
      const cli = spawnCli(filled(commands.killed), {
        cwd: folder,
        nodeArgs,
        env: { ...environment, ...killVariables(kill, join(folder, 'warehouse')) },
      });
      const disarm = arm(kill, () => cli.process.kill('SIGKILL'), proxies);
      const run = await cli.ended;
      disarm();
      return { ...run, wasKilled: run.signal === 'SIGKILL' };
    },
    finish: async () => {
      const begunAtMs = Date.now();
      const runs: CliRun[] = [];
      for (const args of commands.finishing) {
        runs.push(await spawnCli(filled(args), { cwd: folder, env: environment }).ended);
      }
      return { runs, tookMs: Date.now() - begunAtMs };
    },
    stir: () => stir(simulator, random, ledger, running),
    empty: async () => {
      ledger.forget();
      s3?.objects.clear();
      await rm(join(folder, 'warehouse'), { recursive: true, force: true });
      await rm(join(folder, 'copy'), { recursive: true, force: true });
    },
    close: async () => {
      await Promise.all(proxies.map((proxy) => proxy.close()));
      s3?.close();
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function writeConfig(
  folder: string,
  { warehouse, url, fromMs, results }: { warehouse: string; url: string; fromMs: number; results: string },
): Promise<void> {
  const config = {
    warehouse,
    source: { endpoint: url, iamEndpoint: url, quota: { requests: 100_000, perSeconds: 1 } },
    targets: [{ name: 'sales', ...defaultWorkspace, credentials: 'file:secret.json' }],
    initialFrom: new Date(fromMs).toISOString(),
    settleSeconds: 0,
    results,
  };
  await writeFile(join(folder, 'dqsync.json'), JSON.stringify(config));
  await writeFile(join(folder, 'secret.json'), JSON.stringify(defaultAccount.password));
}

function killVariables(kill: Kill, folder: string): Record<string, string> {
  return kill.at === 'file-step'
    ? { DQSYNC_KILL_FOLDER: folder, DQSYNC_KILL_AT: String(kill.n), DQSYNC_KILL_MOMENT: kill.moment }
    : {};
}

/** Makes the kill happen where it is not the process that does it. Returns what makes it not happen any more. */
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

/** Waits for a whole second that is not covered yet: executions that are run again start at the last one. */
async function nextSecond(clock: Simulator['clock']): Promise<void> {
  const nextMs = Math.floor(clock.now() / 1000) * 1000 + 1000;
  while (clock.now() < nextMs) {
    await setTimeout(nextMs - clock.now());
  }
}

/** New executions start now, so that each is beyond what was covered before. */
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
