/**
 * Syncs and daily maintenance for years, in virtual time. Counts everything that must not grow with their
 * number. Each sync has few rows, so that three years take minutes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isoTime } from '../../../functions/clock.ts';
import { parseConfig } from '../../../functions/config.ts';
import { connectTarget } from '../../../functions/connect.ts';
import { createPacer } from '../../../functions/source/pacing.ts';
import { runTargets } from '../../../functions/sync/run.ts';
import type { Store } from '../../../functions/warehouse/store.ts';
import { frozenClock } from '../../simulator/movable-clock.ts';
import { startSimulator } from '../../simulator/server.ts';
import { simSource, simTarget, writeSecret } from '../../support/sim-config.ts';
import { MemoryStore } from '../memory-store.ts';
import { dayMs, hourMs, minuteMs } from '../proof-world.ts';
import { heapInUse } from './heap.ts';

/** The cost of one sync, and the size of state and heap, at some time. */
export interface YearsSample {
  readonly syncs: number;
  /** Requests, store calls and listings are the maximum over the syncs of the last day. */
  readonly requests: number;
  readonly storeCalls: number;
  readonly listCalls: number;
  readonly stateBytes: number;
  /** Includes the test and the simulator, which keep every row. */
  readonly heapBytes: number;
}

/** Figures of the whole series. */
export interface YearsFigures {
  readonly syncs: number;
  readonly failed: number;
  /** Executions that the source got, and rows that syncs wrote. */
  readonly executions: number;
  readonly rowsWritten: number;
  /** One sample after some days, and one at the end. */
  readonly samples: readonly [YearsSample, YearsSample];
}

/** After them, every kind of run has happened at least once. */
const earlyDays = 10;
const startMs = Date.parse('2026-06-01T12:00:30Z');
const noCost = { requests: 0, storeCalls: 0, listCalls: 0 };
const stateDocuments = ['checkpoint.json', 'audit.json', 'runs.json'].map((name) => `state/sales/${name}`);

/**
 * Syncs every `everyMs`, with five new rows an hour, and maintains once a day, for `days` or until `isOver`. The last
 * row before a sync lies within the lookback of the next one, which must not write it again.
 */
export async function yearsOfSyncs(days: number, everyMs: number, isOver = () => false): Promise<YearsFigures> {
  const syncsPerDay = dayMs / everyMs;
  const syncs = days * syncsPerDay;
  const rowsPerSync = (5 * everyMs) / hourMs;
  const clock = frozenClock(startMs);
  const simulator = await startSimulator({ seed: 3, clock });
  const folder = await mkdtemp(join(tmpdir(), 'dqsync-years-'));
  const targets = [simTarget(await writeSecret(folder))];
  const memory = new MemoryStore(async () => undefined);
  const calls = { all: 0, lists: 0 };
  const store = counted(memory.handle('run'), calls);
  const config = parseConfig(
    {
      warehouse: 'file:unused',
      source: simSource(simulator),
      targets,
      initialFrom: isoTime(startMs - hourMs),
      settleSeconds: 0,
    },
    'config',
  );
  const productClock = { now: () => clock.now(), sleep: async () => undefined };
  const pacer = createPacer(config.source.quota, productClock);
  const run = async (isMaintenance: boolean) => {
    const [summary] = await runTargets({
      ...{ config, store, clock: productClock, isMaintenance },
      connect: (target, signal) => connectTarget(config, target, { pacer, clock: productClock, signal }),
      limitMs: Number.POSITIVE_INFINITY,
      stop: new AbortController().signal,
      log: () => undefined,
      onProgress: () => undefined,
    });
    return summary;
  };
  const tasks = Array.from({ length: 50 }, () => simulator.life.addTask({ everyMs: hourMs }));
  const samples: YearsSample[] = [];
  let failed = 0;
  let rowsWritten = 0;
  let day = noCost;
  const sync = async (): Promise<void> => {
    const before = { ...calls };
    const summary = await run(false);
    failed += summary?.done === true ? 0 : 1;
    rowsWritten += summary?.rowsWritten ?? 0;
    day = {
      requests: Math.max(day.requests, summary?.requests ?? 0),
      storeCalls: Math.max(day.storeCalls, calls.all - before.all),
      listCalls: Math.max(day.listCalls, calls.lists - before.lists),
    };
  };
  const maintain = async (): Promise<void> => {
    failed += (await run(true))?.done === true ? 0 : 1;
    day = noCost;
  };
  try {
    const early = Math.ceil(Math.min(earlyDays, days / 8) * syncsPerDay);
    for (let n = 1, isLast = false; !isLast; n += 1) {
      isLast = n === syncs || (n > early && isOver());
      const fromMs = clock.now();
      clock.advance(everyMs);
      simulator.life.addMany(rowsPerSync, { tasks, fromMs, toMs: clock.now() - minuteMs });
      await sync();
      if (n === early || isLast) {
        samples.push({ syncs: n, ...day, stateBytes: stateBytesOf(memory), heapBytes: heapInUse() });
      }
      if (n % syncsPerDay === 0) {
        await maintain();
      }
    }
    const [first, last] = samples;
    if (first === undefined || last === undefined) {
      throw new Error('too few syncs to compare with');
    }
    return { syncs: last.syncs, failed, executions: last.syncs * rowsPerSync, rowsWritten, samples: [first, last] };
  } finally {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function stateBytesOf({ objects }: MemoryStore): number {
  return stateDocuments.reduce((sum, key) => sum + (objects.get(key)?.bytes.length ?? 0), 0);
}

/** Returns, as text, in what a sync after years costs more than one after days, and if rows are not written once each. */
export function expectBounded({ failed, executions, rowsWritten, samples: [early, late] }: YearsFigures): string[] {
  return [
    ...atMost('runs failed', failed, 0),
    ...(rowsWritten === executions ? [] : [`${rowsWritten} rows written of ${executions} executions`]),
    ...atMost('requests of a sync', late.requests, Math.max(4, early.requests)),
    ...atMost('calls of the store by a sync', late.storeCalls, early.storeCalls),
    ...atMost('listings by a sync', late.listCalls, 0),
    ...atMost('bytes of state', late.stateBytes, 150_000),
    ...atMost('bytes of heap more than after some days', late.heapBytes - early.heapBytes, 150 * 1_048_576),
  ];
}

/** Returns a problem, as text, if `value` exceeds `bound`. */
function atMost(what: string, value: number, bound: number): string[] {
  return value <= bound ? [] : [`${value} ${what}, ${bound} are allowed`];
}

function counted(store: Store, calls: { all: number; lists: number }): Store {
  const call = <T>(result: T): T => {
    calls.all += 1;
    return result;
  };
  const list = <T>(result: T): T => {
    calls.lists += 1;
    return call(result);
  };
  return {
    ...store,
    get: (key) => call(store.get(key)),
    putIfAbsent: (key, bytes) => call(store.putIfAbsent(key, bytes)),
    putIfMatch: (key, bytes, etag) => call(store.putIfMatch(key, bytes, etag)),
    list: (prefix) => list(store.list(prefix)),
    folders: (prefix) => list(store.folders(prefix)),
  };
}
