/** Starts the bench's processes and communicates with them. */
import { execFile, fork } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Summary } from '../../functions/sync/summary.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import type { Answer, Measurements, Question, SourceSpec } from './simulator-child.ts';

/** The npm package, built when the bench begins. It finds its native modules in node_modules. */
const packageFolder = join(import.meta.dirname, '../../node_modules/.cache/dqsync-bench');
const dqsyncFile = join(packageFolder, 'dqsync.js');
const buildFile = join(import.meta.dirname, '../../functions/cli/build.js');
/** The time after which children are killed. */
const maxChildMs = 15 * 60_000;

/** The costs of a `dqsync sync`, including the start of the process. */
export interface SyncReport {
  readonly summary: Summary;
  readonly maxRssBytes: number;
  /** User and system time of all threads. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** A source in its own process and a folder for a warehouse, which are both removed afterwards. */
export interface Bench {
  /** Runs `dqsync sync` with a time limit in seconds. */
  sync(maxRunSeconds?: number): Promise<SyncReport>;
  /** Removes the warehouse, so that the next sync is a first one. */
  forget(): Promise<void>;
  /** Fetches and parses all rows over one connection, by offset, without storing them. Returns the process's time. */
  bareFetch(): Promise<{ readonly rows: number; readonly wallMs: number }>;
  /** Adds running executions, one a second from `fromMs`. */
  open(count: number, fromMs: number): Promise<void>;
  /** Ends all running executions. */
  finish(): Promise<void>;
  /** Returns what the source has counted since the last call. */
  measurements(): Promise<Measurements>;
  /** The warehouse's folder. */
  readonly warehouse: string;
  /** Runs a command of dqsync on the warehouse. Returns its duration. */
  run(args: readonly string[]): Promise<number>;
}

/** Builds the package that the bench measures. */
export async function buildPackage(): Promise<void> {
  await promisify(execFile)(process.execPath, [buildFile, packageFolder]);
  // As in the installed package. Without it, Node searches each file for the syntax of modules.
  await writeFile(join(packageFolder, 'package.json'), '{ "type": "module" }');
}

/** Runs `measure` with a source of the given options. */
export async function withBench<T>(spec: SourceSpec, measure: (bench: Bench) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-bench-'));
  const child = fork(join(import.meta.dirname, 'simulator-child.ts'), { timeout: maxChildMs });
  const ask = async (question: Question): Promise<Answer> => {
    const replied = Promise.withResolvers<Answer>();
    const failed = (): void => replied.reject(new Error('the simulator process ended'));
    child.once('message', (answer: Answer) => replied.resolve(answer));
    child.once('exit', failed);
    child.send(question);
    return await replied.promise.finally(() => child.off('exit', failed));
  };
  try {
    const started = await ask({ ask: 'start', spec });
    const url = 'url' in started ? started.url : '';
    return await measure({
      sync: (maxRunSeconds = 3600) => runSync(folder, { ...configOf(url, folder, spec), maxRunSeconds }),
      forget: () => rm(join(folder, 'warehouse'), { recursive: true, force: true }),
      bareFetch: () => runBareFetch(url, spec),
      open: async (count, fromMs) => {
        await ask({ ask: 'open', count, fromMs });
      },
      finish: async () => {
        await ask({ ask: 'finish' });
      },
      warehouse: join(folder, 'warehouse'),
      run: (args) => runCommand(folder, configOf(url, folder, spec), args),
      measurements: async () => {
        const answer = await ask({ ask: 'measurements' });
        if (!('measurements' in answer)) {
          throw new Error('the simulator process answered another question');
        }
        return answer.measurements;
      },
    });
  } finally {
    child.disconnect();
    await rm(folder, { recursive: true, force: true });
  }
}

function configOf(url: string, folder: string, spec: SourceSpec): object {
  const quota = spec.throttled ? { requests: 40, perSeconds: 10 } : { requests: 1_000_000, perSeconds: 1 };
  return {
    warehouse: `file:${join(folder, 'warehouse')}`,
    source: { endpoint: url, quota },
    targets: [{ name: 'bench', ...defaultWorkspace, credentials: 'env:DQSYNC_BENCH_SECRET' }],
    initialFrom: new Date(spec.fromMs).toISOString(),
    // Only the instance list is measured, because the baseline reads nothing else.
    results: 'none',
  };
}

async function runSync(folder: string, config: object): Promise<SyncReport> {
  const { stdout, wallMs, cpuMs, maxRssBytes } = await runMeasured(folder, config, ['sync', '--json']);
  const [summary]: readonly Summary[] = JSON.parse(stdout);
  if (summary === undefined || summary.error !== undefined) {
    throw new Error(`the sync failed: ${summary?.error?.message}`);
  }
  return { summary, maxRssBytes, cpuMs, wallMs };
}

/** What a command printed, and its costs, including the start of the process. */
export interface MeasuredRun extends Omit<SyncReport, 'summary'> {
  readonly stdout: string;
}

/** Runs a command of dqsync in a process of its own. @param folder for its config and what it used */
export async function runMeasured(folder: string, config: object, args: readonly string[]): Promise<MeasuredRun> {
  const [configFile, usageFile] = [join(folder, 'dqsync.json'), join(folder, 'usage.json')];
  await writeFile(configFile, JSON.stringify(config));
  const preload = join(import.meta.dirname, 'report-usage.js');
  const startedAtMs = performance.now();
  // Started by its shebang line, as from a shell, with this Node.
  const { stdout } = await promisify(execFile)(dqsyncFile, [...args, '--config', configFile], {
    env: {
      ...commandEnvironment(),
      NODE_OPTIONS: `--import ${pathToFileURL(preload)}`,
      DQSYNC_BENCH_USAGE: usageFile,
    },
    timeout: maxChildMs,
  });
  const wallMs = performance.now() - startedAtMs;
  const usage: NodeJS.ResourceUsage = JSON.parse(await readFile(usageFile, 'utf8'));
  return {
    stdout,
    maxRssBytes: usage.maxRSS * 1024,
    cpuMs: (usage.userCPUTime + usage.systemCPUTime) / 1000,
    wallMs,
  };
}

/** The environment of children: the Node that runs the bench, and the secret of the config. */
function commandEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}`,
    DQSYNC_BENCH_SECRET: JSON.stringify({ token: defaultAccount.tokens[0] }),
  };
}

async function runCommand(folder: string, config: object, args: readonly string[]): Promise<number> {
  const configFile = join(folder, 'dqsync.json');
  await writeFile(configFile, JSON.stringify(config));
  const startedAtMs = performance.now();
  await promisify(execFile)(dqsyncFile, [...args, '--config', configFile], {
    env: commandEnvironment(),
    timeout: maxChildMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  return performance.now() - startedAtMs;
}

async function runBareFetch(url: string, { fromMs, toMs }: SourceSpec): Promise<{ rows: number; wallMs: number }> {
  const { projectId, workspace } = defaultWorkspace;
  const list = `${url}/v2/${projectId}/quality/instances?start_time=${fromMs - 1000}&end_time=${toMs + 1000}`;
  const headers = JSON.stringify({ workspace, 'X-Auth-Token': defaultAccount.tokens[0] });
  const startedAtMs = performance.now();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'bare-fetch.js'), list, headers],
    { timeout: maxChildMs },
  );
  return { rows: Number(stdout), wallMs: performance.now() - startedAtMs };
}

/** Options of an unthrottled source with `rows` rows, 10,000 a day, the last of them an hour ago. */
export function sourceOf(rows: number, change: Partial<SourceSpec> = {}): SourceSpec {
  const toMs = Date.now() - 3_600_000;
  const fromMs = toMs - Math.ceil((rows / 10_000) * 86_400_000);
  return { rows, fromMs, toMs, throttled: false, traps: {}, ...change };
}
