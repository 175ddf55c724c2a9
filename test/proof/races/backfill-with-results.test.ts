/**
 * A backfill of 30,000 executions with rule results, beside the scheduled sync, with one quota for both, in virtual
 * time.
 */
import { expect, it, onTestFinished } from 'vitest';
import { decodeAnyCheckpoint } from '../../../functions/checkpoint/codec.ts';
import { watermarkOf } from '../../../functions/checkpoint/coverage.ts';
import { waitingCount } from '../../../functions/checkpoint/pending-results.ts';
import { pendingResultsKind } from '../../../functions/checkpoint/results-document.ts';
import { loadDocument } from '../../../functions/checkpoint/state-document.ts';
import { isoTime } from '../../../functions/clock.ts';
import { parseConfig } from '../../../functions/config.ts';
import { openConnections } from '../../../functions/connect.ts';
import { type Run, runTargets } from '../../../functions/sync/run.ts';
import type { Summary } from '../../../functions/sync/summary.ts';
import { checkpointKey } from '../../../functions/warehouse/layout.ts';
import { resultTable } from '../../../functions/warehouse/result-table.ts';
import { frozenClock } from '../../simulator/movable-clock.ts';
import { startSimulator } from '../../simulator/server.ts';
import { simTarget, writeSecret } from '../../support/sim-config.ts';
import { tempFolder } from '../../support/temp-warehouse.ts';
import { MemoryStore } from '../memory-store.ts';
import { dayMs, hourMs, minuteMs } from '../proof-world.ts';
import { resultProblems } from '../results-check.ts';
import { jumpingClock, whileTimeJumps } from './jumping-time.ts';

const startMs = Date.parse('2026-06-01T12:00:00Z');
const intervalMs = 2 * minuteMs;
const settleMs = minuteMs;
/** A deployment refuses a run that may take longer than the interval. */
const syncLimitMs = intervalMs - 30_000;
/** A backfill takes several of these, and more than ten intervals. */
const backfillLimitMs = 5 * minuteMs;
/** Fewer executions that wait for results are no backlog: a few start and fail within an interval. */
const fewResults = 50;
/** Twice as many syncs as it takes to fetch all results. */
const mostSyncs = 30;

it('a backfill of 30,000 executions with results never keeps the watermark back for more than an interval', async () => {
  const source = frozenClock(startMs);
  const clock = jumpingClock(source);
  const simulator = await startSimulator({ clock: source, quota: { requests: 40, perSeconds: 10 } });
  const folder = await tempFolder();
  onTestFinished(() => simulator.close());
  const window = { fromMs: startMs - 60 * dayMs, toMs: startMs - 2 * hourMs };
  simulator.life.addMany(30_000, { ...window, tasks: 500 });
  simulator.life.addMany(2_000, { fromMs: window.toMs, toMs: startMs + 6 * hourMs });
  const config = parseConfig(
    {
      warehouse: 'file:unused',
      source: { endpoint: simulator.url, iamEndpoint: simulator.iamUrl },
      targets: [simTarget(await writeSecret(folder))],
      initialFrom: isoTime(window.toMs),
      settleSeconds: settleMs / 1000,
      results: 'failed',
    },
    'config',
  );
  const store = new MemoryStore(async () => undefined);
  const watermarkMs = (): number => {
    const object = store.objects.get(checkpointKey('sales'));
    return (object && watermarkOf(decodeAnyCheckpoint(object.bytes, 'sales', 'the checkpoint'))) ?? clock.now();
  };
  /** Runs as a function on AWS does, with pacers of its own. */
  const invoker = async (options: Pick<Run, 'backfill' | 'results' | 'limitMs'>): Promise<() => Promise<Summary>> => {
    const { connect, connectYielding } = await openConnections(config, () => undefined, {}, clock);
    const ignored = { log: () => undefined, onProgress: () => undefined, stop: new AbortController().signal };
    const run = { ...options, ...ignored, config, clock, connect, connectYielding, store: store.handle('run') };
    return async () => (await runTargets(run))[0]!;
  };
  const waitingResults = async (): Promise<number> => {
    const { value } = await loadDocument(store.handle('test'), pendingResultsKind('sales'));
    return waitingCount(value);
  };
  const behindMs: number[] = [];
  const summaries: Summary[] = [];
  let backfilledAtMs = Number.POSITIVE_INFINITY;
  const schedule = async (): Promise<void> => {
    const sync = await invoker({ results: 'spare', limitMs: syncLimitMs });
    const hasMore = async (): Promise<boolean> =>
      clock.now() < backfilledAtMs || (summaries.length < mostSyncs && (await waitingResults()) >= fewResults);
    for (let dueMs = startMs; await hasMore(); dueMs += intervalMs) {
      await clock.sleep(Math.max(0, dueMs - clock.now()));
      behindMs.push(clock.now() - watermarkMs());
      summaries.push(await sync());
    }
  };
  const backfill = async (): Promise<void> => {
    const limitMs = backfillLimitMs;
    const invoke = await invoker({ backfill: { window, again: false }, results: 'all', limitMs });
    await clock.sleep(minuteMs);
    for (let isDone = false; !isDone; ) {
      isDone = (await invoke()).done;
    }
    backfilledAtMs = clock.now();
  };

  await whileTimeJumps(source, clock, () => Promise.all([schedule(), backfill()]));

  expect(summaries.filter(({ done }) => !done)).toEqual([]);
  expect(summaries.length).toBeGreaterThan(10);
  expect(Math.max(...behindMs)).toBeLessThanOrEqual(intervalMs + settleMs);
  const prefix = `${resultTable.name}/`;
  const files = [...store.objects].flatMap(([key, { bytes }]) => (key.startsWith(prefix) ? [bytes] : []));
  const isShown = (key: string): boolean => Number(key.split('@')[1]) < watermarkMs();
  expect(await resultProblems(files, simulator, 'failed', isShown)).toEqual([]);
});
