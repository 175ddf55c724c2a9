/** The real `dqsync` in a process of its own: its output, its exit code, signals to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The launcher of the sources. */
export const sourceLauncher = fileURLToPath(new URL('../../functions/cli/dqsync.js', import.meta.url));
/** Where build-cli.ts leaves the path of the built package's launcher. The soak builds none, and runs the sources. */
export const builtCliVariable = 'DQSYNC_TESTED_CLI';
/** The launcher that tests start unless told otherwise. */
export const binPath = process.env[builtCliVariable] ?? sourceLauncher;

/** What a run left. */
export interface CliRun {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
export interface CliOptions {
  readonly cwd: string;
  /** Beside PATH and HOME. No other variable is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of node itself. */
  readonly nodeArgs?: readonly string[];
  /** Another node than the one that runs the tests. */
  readonly node?: string;
  /** Another path to the launcher. */
  readonly bin?: string;
}

/** A run in progress. */
export interface RunningCli {
  readonly process: ChildProcess;
  readonly ended: Promise<CliRun>;
}

/** Starts it; killed, if need be, when the test is finished. */
export function startCli(args: readonly string[], options: CliOptions): RunningCli {
  const cli = spawnCli(args, options);
  onTestFinished(() => {
    cli.process.kill('SIGKILL');
  });
  return cli;
}

/** Starts it. Whoever does sees to its end. */
export function spawnCli(args: readonly string[], options: CliOptions): RunningCli {
  const child = spawn(
    options.node ?? process.execPath,
    [...(options.nodeArgs ?? []), options.bin ?? binPath, ...args],
    {
      cwd: options.cwd,
      env: { PATH: process.env['PATH'], HOME: options.cwd, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  return { process: child, ended: ending(child) };
}

/** Runs it to its end. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliRun> {
  return await startCli(args, options).ended;
}

async function ending(child: ChildProcess): Promise<CliRun> {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
    });
  }
  const [exitCode, signal] = await once(child, 'close');
  return { exitCode, signal, ...texts };
}
