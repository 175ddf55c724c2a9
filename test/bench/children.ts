/** Starts the bench's processes and speaks with them. */
import { execFile, fork, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Window } from '../../functions/model.ts';
import type { Summary } from '../../functions/sync/summary.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import type { Answer, Measurements, Question, SourceSpec } from './simulator-child.ts';

/** The package as it is installed, built when the bench begins. It finds its native modules in node_modules. */
const packageFolder = join(import.meta.dirname, '../../node_modules/.cache/dqsync-bench');
const dqsyncFile = join(packageFolder, 'dqsync.js');
const buildFile = join(import.meta.dirname, '../../functions/cli/build.js');
/** No child lives longer than this. */
const maxChildMs = 15 * 60_000;

/** One run of `dqsync sync`, and what it cost, start included. */
export interface SyncReport {
  readonly summary: Summary;
  readonly maxRssBytes: number;
  /** User and system time of all threads. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** A source in a process of its own, and a folder for a warehouse; both are gone afterwards. */
export interface Bench {
  /** Runs `dqsync sync`, for at most so many seconds. */
  sync(maxRunSeconds?: number): Promise<SyncReport>;
  /** Removes the warehouse, so that the next sync is a first one. */
  forget(): Promise<void>;
  /** Fetches and parses all rows over one connection, by offset, and keeps nothing. Returns the time of the process. */
  bareFetch(): Promise<{ readonly rows: number; readonly wallMs: number }>;
  /** Runs `dqsync backfill` over `[fromMs, toMs)` until it ends or `stop` is aborted, which it takes as Ctrl-C. */
  backfill(fromMs: number, toMs: number, stop: AbortSignal): Promise<Summary>;
  /** Puts more rows into the source. */
  add(rows: number, fromMs: number, toMs: number): Promise<void>;
  /** Adds executions that run, one a second from `fromMs` on. */
  open(count: number, fromMs: number): Promise<void>;
  /** Ends them all at once. */
  finish(): Promise<void>;
  /** What the source saw since it was last asked. */
  measurements(): Promise<Measurements>;
  /** The warehouse's folder. */
  readonly warehouse: string;
  /** Runs a command of dqsync on the warehouse. Returns how long it took. */
  run(args: readonly string[]): Promise<number>;
}

/** Builds what the bench measures. */
export async function buildPackage(): Promise<void> {
  await promisify(execFile)(process.execPath, [buildFile, packageFolder]);
}

/** Runs `measure` against a source as given. */
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
      backfill: (fromMs, toMs, stop) => runBackfill(folder, configOf(url, folder, spec), { fromMs, toMs }, stop),
      add: async (rows, fromMs, toMs) => {
        await ask({ ask: 'add', rows, fromMs, toMs });
      },
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
    targets: Array.from({ length: spec.targets ?? 1 }, (_, index) => ({
      name: `bench${index}`,
      ...defaultWorkspace,
      credentials: 'env:DQSYNC_BENCH_SECRET',
    })),
    initialFrom: new Date(spec.initialFromMs ?? spec.fromMs).toISOString(),
    // Only the instance list is measured, and compared with what reads nothing else.
    results: 'none',
  };
}

async function runSync(folder: string, config: object): Promise<SyncReport> {
  const [configFile, usageFile] = [join(folder, 'dqsync.json'), join(folder, 'usage.json')];
  await writeFile(configFile, JSON.stringify(config));
  const preload = join(import.meta.dirname, 'report-usage.js');
  const startedAtMs = performance.now();
  // By its first line, as a shell starts it, and with this node.
  const { stdout } = await promisify(execFile)(dqsyncFile, ['sync', '--config', configFile, '--json'], {
    env: {
      ...commandEnvironment(),
      NODE_OPTIONS: `--import ${pathToFileURL(preload)}`,
      DQSYNC_BENCH_USAGE: usageFile,
    },
    timeout: maxChildMs,
  });
  const wallMs = performance.now() - startedAtMs;
  const [summary]: readonly Summary[] = JSON.parse(stdout);
  if (summary === undefined || summary.error !== undefined) {
    throw new Error(`the sync failed: ${summary?.error?.message}`);
  }
  const usage: NodeJS.ResourceUsage = JSON.parse(await readFile(usageFile, 'utf8'));
  return {
    summary,
    maxRssBytes: usage.maxRSS * 1024,
    cpuMs: (usage.userCPUTime + usage.systemCPUTime) / 1000,
    wallMs,
  };
}

/** With the node that runs the bench, and the secret that the config names. */
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

async function runBackfill(folder: string, config: object, window: Window, stop: AbortSignal): Promise<Summary> {
  const configFile = join(folder, 'backfill.json');
  await writeFile(configFile, JSON.stringify(config));
  const range = [window.fromMs, window.toMs].map((ms) => new Date(ms).toISOString());
  const child = spawn(
    dqsyncFile,
    ['backfill', '--config', configFile, '--from', range[0] ?? '', '--to', range[1] ?? '', '--json'],
    {
      env: commandEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: maxChildMs,
    },
  );
  stop.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
  const [summary]: readonly Summary[] = JSON.parse(await text(child.stdout));
  if (summary === undefined || summary.error !== undefined) {
    throw new Error(`the backfill failed: ${summary?.error?.message}`);
  }
  return summary;
}

/** A source with `rows` rows, 10,000 a day, the last an hour ago; not throttled. */
export function sourceOf(rows: number, change: Partial<SourceSpec> = {}): SourceSpec {
  const toMs = Date.now() - 3_600_000;
  const fromMs = toMs - Math.ceil((rows / 10_000) * 86_400_000);
  return { rows, fromMs, toMs, throttled: false, traps: {}, ...change };
}
