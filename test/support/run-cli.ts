/** Runs `dqsync` as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The launcher of the sources. */
export const sourceLauncher = fileURLToPath(new URL('../../functions/cli/dqsync.js', import.meta.url));
/**
 * The variable in which build-cli.ts leaves the path of the package's launcher. The soak builds none and runs the
 * sources.
 */
export const builtCliVariable = 'DQSYNC_TESTED_CLI';
/** The launcher that tests start by default. */
export const binPath = process.env[builtCliVariable] ?? sourceLauncher;

/** The result of a process. */
export interface CliRun {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of a process. */
export interface CliOptions {
  readonly cwd: string;
  /** Variables besides PATH and HOME. No others are passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of Node itself. */
  readonly nodeArgs?: readonly string[];
  /** Default: the Node that runs the tests. */
  readonly node?: string;
  /** Path of the launcher. Default: `binPath`. */
  readonly bin?: string;
  /** Another user, by whom the process is run. Only root can do that. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** A running process. */
export interface RunningCli {
  readonly process: ChildProcess;
  readonly ended: Promise<CliRun>;
}

/** Starts `dqsync`, and kills it when the test is finished if it still runs. */
export function startCli(args: readonly string[], options: CliOptions): RunningCli {
  const cli = spawnCli(args, options);
  onTestFinished(() => {
    cli.process.kill('SIGKILL');
  });
  return cli;
}

/** Starts `dqsync`. The caller must wait for its end or kill it. */
export function spawnCli(args: readonly string[], options: CliOptions): RunningCli {
  const child = spawn(
    options.node ?? process.execPath,
    [...(options.nodeArgs ?? []), options.bin ?? binPath, ...args],
    {
      cwd: options.cwd,
      env: { PATH: process.env['PATH'], HOME: options.cwd, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options.user,
    },
  );
  return { process: child, ended: ending(child) };
}

/** Runs `dqsync` to its end. */
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
