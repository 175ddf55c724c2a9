/** Starts the bench's processes and speaks with them. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace } from '../simulator/server.ts';
import type { Answer, Question, Sightings, SourceSpec } from './simulator-child.ts';
import type { SyncReport, SyncSpec } from './sync-child.ts';

/** No child lives longer than this. */
const maxChildMs = 15 * 60_000;

/** How to sync. */
export interface SyncOptions {
  /** Default 1. */
  readonly times?: number;
  /** Default: none. */
  readonly limitMs?: number;
  /** Flags for node and V8. */
  readonly flags?: readonly string[];
}

/** A source in a process of its own, and a folder for a warehouse; both are gone afterwards. */
export interface Bench {
  /** Syncs the source to the warehouse in a new process. */
  sync(options?: SyncOptions): Promise<SyncReport>;
  /** What the source saw since it was last asked. */
  sightings(): Promise<Sightings>;
}

/** Runs `measure` against a source as given. */
export async function withBench<T>(spec: SourceSpec, measure: (bench: Bench) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-bench-'));
  const child = fork(join(import.meta.dirname, 'simulator-child.ts'), { timeout: maxChildMs });
  const ask = async (question: Question): Promise<Answer> => {
    const failed = once(child, 'exit').then(() => Promise.reject(new Error('the simulator process ended')));
    const replied: Promise<[Answer]> = once(child, 'message') as Promise<[Answer]>;
    child.send(question);
    const [answer] = await Promise.race([replied, failed]);
    return answer;
  };
  try {
    const started = await ask({ ask: 'start', spec });
    const url = 'url' in started ? started.url : '';
    return await measure({
      sync: (options = {}) =>
        runSync(
          { config: configOf(url, folder, spec), times: options.times ?? 1, limitMs: options.limitMs ?? null },
          options.flags ?? [],
        ),
      sightings: async () => {
        const answer = await ask({ ask: 'sightings' });
        if (!('sightings' in answer)) {
          throw new Error('the simulator process answered another question');
        }
        return answer.sightings;
      },
    });
  } finally {
    child.disconnect();
    await rm(folder, { recursive: true, force: true });
  }
}

function configOf(url: string, folder: string, spec: SourceSpec): unknown {
  const quota = spec.throttled ? { requests: 40, perSeconds: 10 } : { requests: 1_000_000, perSeconds: 1 };
  return {
    warehouse: `file:${join(folder, 'warehouse')}`,
    source: { endpoint: url, quota },
    targets: [{ name: 'bench', ...defaultWorkspace, credentials: 'env:DQSYNC_BENCH_SECRET' }],
    initialFrom: new Date(spec.fromMs).toISOString(),
  };
}

async function runSync(spec: SyncSpec, flags: readonly string[]): Promise<SyncReport> {
  const file = join(import.meta.dirname, 'sync-child.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file, JSON.stringify(spec)], {
    env: { ...process.env, DQSYNC_BENCH_SECRET: JSON.stringify(defaultAccount.accessKeys[0]) },
    timeout: maxChildMs,
    maxBuffer: 16 * 1024 * 1024,
  });
  const report: SyncReport = JSON.parse(stdout);
  const failure = report.summaries.find(({ error }) => error !== undefined)?.error;
  if (failure !== undefined) {
    throw new Error(`the sync failed: ${failure.message}`);
  }
  return report;
}

/** A source with `rows` rows, 10,000 a day, the last an hour ago; not throttled. */
export function sourceOf(rows: number, change: Partial<SourceSpec> = {}): SourceSpec {
  const toMs = Date.now() - 3_600_000;
  const fromMs = toMs - Math.ceil((rows / 10_000) * 86_400_000);
  return { rows, fromMs, toMs, perMillisecond: 1, throttled: false, traps: {}, ...change };
}
