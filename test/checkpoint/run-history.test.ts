/** The history of runs: its records, its failures, and concurrent updates. */
import { describe, expect, it } from 'vitest';
import { loadRuns, type RunRecord, recordRun } from '../../functions/checkpoint/run-history.ts';
import { systemClock } from '../../functions/clock.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { failingStore, type StoreFate } from '../support/failing-store.ts';
import { dayMs, hourMs, syncedSource } from '../support/synced-source.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';

const key = 'state/sales/runs.json';
const target = { name: 'sales', projectId: 'p', workspace: 'w', filter: {} };

function aRun(n: number, fields: Partial<RunRecord> = {}): RunRecord {
  return {
    ...{ runId: `run-${n}`, mode: 'incremental', outcome: 'done', startedAt: '2026-01-01T00:00:00.000Z' },
    ...{ endedAt: '2026-01-01T00:00:01.000Z', from: null, to: null, rowsRead: n, rowsWritten: n, requests: 1 },
    ...{ error: null, ...fields },
  };
}

function recording(store: Store, warnings: string[] = []) {
  const log = (level: string, message: string): void => {
    if (level === 'warn') {
      warnings.push(message);
    }
  };
  return (record: RunRecord) => recordRun({ store, target, log, clock: systemClock }, record);
}

const january = { from: '2026-01-01T00:00:00.000Z', to: '2026-02-01T00:00:00.000Z', mode: 'backfill' };

describe('the history of runs', () => {
  it('keeps the last 180 runs', async () => {
    const store = await tempWarehouse();
    const record = recording(store);
    for (let n = 0; n < 210; n += 1) {
      await record(aRun(n));
    }
    const runs = await loadRuns(store, 'sales');
    expect(runs).toHaveLength(180);
    expect([runs[0]?.runId, runs.at(-1)?.runId]).toEqual(['run-30', 'run-209']);
  });

  it('replaces the record of a run, and keeps unknown counters', async () => {
    const store = await tempWarehouse();
    await recording(store)(aRun(1, { ...january, outcome: 'stopped' }));
    await recording(store)(aRun(1, { ...january, lateRows: 3 }));
    expect(await loadRuns(store, 'sales')).toEqual([aRun(1, { ...january, lateRows: 3 })]);
  });

  it('keeps the records of concurrent runs', async () => {
    const store = await tempWarehouse();
    await Promise.all([1, 2, 3].map((n) => recording(store)(aRun(n))));
    const runs = await loadRuns(store, 'sales');
    expect(runs.map(({ runId }) => runId).sort()).toEqual(['run-1', 'run-2', 'run-3']);
  });

  it.each<[string, (n: number) => StoreFate, number]>([
    ['a reply is lost', (n) => (n === 2 ? 'lose-reply' : 'ok'), 0],
    ['all replies are lost', (n) => (n > 1 ? 'lose-reply' : 'ok'), 1],
    ['the history cannot be read', () => 'die-before', 1],
  ])('never throws, and warns if a record is not written: %s', async (_, fate, warningCount) => {
    const store = await tempWarehouse();
    const warnings: string[] = [];
    await recording(
      failingStore(store, ({ n }) => fate(n)),
      warnings,
    )(aRun(1));
    expect(warnings).toHaveLength(warningCount);
  });

  it('does not warn of a missing record if the run itself failed, usually for the same reason', async () => {
    const warnings: string[] = [];
    const store = failingStore(await tempWarehouse(), () => 'die-before');
    await recording(store, warnings)(aRun(1, { outcome: 'failed', error: 'disk full' }));
    expect(warnings).toEqual([]);
  });

  it.each(['', '{', 'null', '{"format":"other"}', '{"format":"dqsync.runs","runs":[1,{"runId":"x"}]}'])(
    'starts over if the document cannot be parsed: %s',
    async (text) => {
      const store = await tempWarehouse();
      await store.putIfAbsent(key, new TextEncoder().encode(text));
      expect(await loadRuns(store, 'sales')).toEqual([]);
      await recording(store)(aRun(1));
      expect(await loadRuns(store, 'sales')).toEqual([aRun(1)]);
    },
  );
});

describe('a run', () => {
  it('records the rule results that were fetched after it', async () => {
    const world = await syncedSource({ history: { days: 2 } });
    const { results } = await world.syncWell({ results: 'spare' });
    expect(results).toBeGreaterThan(0);
    expect(await loadRuns(world.store, 'sales')).toMatchObject([{ outcome: 'done', results }]);
  });

  it('records its outcome, and the requested range of a backfill', async () => {
    const world = await syncedSource({ history: { days: 2 } });
    const window = { fromMs: world.clock.now() - 40 * dayMs, toMs: world.clock.now() - 35 * dayMs };
    await world.syncWell();
    world.clock.advance(hourMs);
    const targets = [{ name: 'sales', projectId: 'x', workspace: 'w', credentials: 'file:/no/such/secret' }];
    await world.sync({}, { targets });
    await world.sync({ backfill: { window, again: false } });
    const runs = await loadRuns(world.store, 'sales');
    expect(runs).toMatchObject([
      { mode: 'incremental', outcome: 'done', error: null, lateRows: 0, quarantined: 0 },
      { mode: 'incremental', outcome: 'failed', error: expect.any(String), rowsWritten: 0 },
      { mode: 'backfill', outcome: 'done', from: new Date(window.fromMs).toISOString() },
    ]);
    expect(runs[0]?.rowsRead).toBeGreaterThan(0);
  });
});
