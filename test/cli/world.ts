/** Runs the CLI in a folder with a config, next to a simulated source. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { defaultAccount } from '../simulator/accounts.ts';
import { shiftedClock } from '../simulator/movable-clock.ts';
import { defaultWorkspace, type Simulator, type SimulatorOptions, startSimulator } from '../simulator/server.ts';
import { type CallOptions, callCli } from '../support/call-cli.ts';
import { type CliOptions, type CliRun, type RunningCli, runCli, startCli } from '../support/run-cli.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

export const hourMs = 3_600_000;

/** The content of a config file. */
export type ConfigDocument = Record<string, unknown> & {
  source: Record<string, unknown>;
  targets: Record<string, unknown>[];
};

/** The world of a test of the CLI. */
export interface World {
  readonly folder: string;
  readonly simulator: Simulator;
  /** Calls a command with the world's config in the process of the tests. */
  call(args: readonly string[], options?: Partial<CallOptions>): Promise<CliRun>;
  /** Runs a command with the world's config as a process, which takes half a second of CPU time to start. */
  cli(args: readonly string[], options?: Partial<CliOptions>): Promise<CliRun>;
  /** Starts a command with the world's config. */
  start(args: readonly string[], options?: Partial<CliOptions>): RunningCli;
  /** Changes the config file. */
  configure(change: (config: ConfigDocument) => void): Promise<void>;
  /** Writes a file into the folder. */
  write(name: string, text: string): Promise<void>;
}

/** Makes a world, by default with an empty source and without a settle time. */
export async function aWorld(options: SimulatorOptions = {}): Promise<World> {
  const folder = await tempFolder();
  const simulator = await startSimulator({ clock: shiftedClock(), ...options });
  onTestFinished(() => simulator.close());
  const startMs = simulator.clock.now();
  const config = (): ConfigDocument => ({
    warehouse: 'file:./warehouse',
    source: { endpoint: simulator.url, iamEndpoint: simulator.iamUrl, quota: { requests: 10_000, perSeconds: 1 } },
    targets: [{ name: 'sales', ...defaultWorkspace, credentials: 'file:./secret.json' }],
    initialFrom: new Date(startMs - 24 * hourMs).toISOString(),
  });
  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  const configure: World['configure'] = async (change) => {
    const document = config();
    change(document);
    await write('dqsync.json', JSON.stringify(document));
  };
  await configure(() => undefined);
  await write('secret.json', JSON.stringify(defaultAccount.password));
  return {
    folder,
    simulator,
    call: (args, more) => callCli(args, { cwd: folder, ...more }),
    cli: (args, more) => runCli(args, { cwd: folder, ...more }),
    start: (args, more) => startCli(args, { cwd: folder, ...more }),
    configure,
    write,
  };
}

/** Options of a command that is stopped. */
export interface StoppedOptions extends Partial<CliOptions> {
  /** Default: that of Ctrl-C. */
  readonly signal?: NodeJS.Signals;
  /** The request for instances, counted from 1, at which the signal is sent; it gets no reply. Default: the first. */
  readonly atPage?: number;
}

/** Runs a command with the world's config, and sends it a signal while it reads. */
export async function stopped(world: World, args: readonly string[], options: StoppedOptions = {}): Promise<CliRun> {
  const { signal = 'SIGINT', atPage = 1, ...others } = options;
  const held = Promise.withResolvers<void>();
  let pages = 0;
  world.simulator.traps.beforePage = async () => {
    pages += 1;
    if (pages === atPage) {
      running.process.kill(signal);
      await held.promise;
    }
  };
  const running = world.start(args, others);
  const run = await running.ended;
  held.resolve();
  world.simulator.traps.beforePage = null;
  return run;
}

/** Returns the source's time less ten minutes, before which everything is settled. */
export function aWhileAgo(world: World, ms = 10 * 60_000): number {
  return world.simulator.clock.now() - ms;
}

/** Adds settled executions, one every second, over the hours before the last ten minutes. */
export function addExecutions(world: World, count: number, perMillisecond = 1): void {
  const toMs = aWhileAgo(world);
  world.simulator.life.addMany(count, { fromMs: toMs - 20 * hourMs, toMs, perMillisecond });
}

/** The secrets of the simulator's account, which must not be printed. */
export const secretTexts = [
  defaultAccount.password.password,
  defaultAccount.accessKeys[0].secretAccessKey,
  defaultAccount.tokens[0],
];
