/** Rule results: which are fetched, and when they are fetched again, without a disadvantage for executions. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pendingResultsKind, type ResultsWindow } from '../../functions/checkpoint/results-document.ts';
import { listedExecutions } from '../../functions/checkpoint/results-windows.ts';
import { loadDocument } from '../../functions/checkpoint/state-document.ts';
import { isoTime } from '../../functions/clock.ts';
import { parseConfig } from '../../functions/config.ts';
import { openConnections } from '../../functions/connect.ts';
import { SourceError, StoppedError } from '../../functions/errors.ts';
import { contains } from '../../functions/intervals.ts';
import type { TaskSource } from '../../functions/source/task-calls.ts';
import type { ResultPage } from '../../functions/source/task-wire.ts';
import type { Run } from '../../functions/sync/run.ts';
import { resultsKey, tableName } from '../../functions/warehouse/layout.ts';
import { type Store, waitedForUntil } from '../../functions/warehouse/store.ts';
import type { Fault } from '../simulator/faults.ts';
import type { Traps } from '../simulator/traps.ts';
import { resultsView } from '../support/results-view.ts';
import { simTarget } from '../support/sim-config.ts';
import {
  dayMs,
  hourMs,
  minuteMs,
  type SyncedSource,
  syncedSource,
  warnings,
  withSource,
} from '../support/synced-source.ts';
import { opened } from '../support/warehouse-sql.ts';

const withResults: Partial<Run> = { results: 'spare' };

/** Fails unless the table has the results of exactly these executions, with the values of the source. */
async function expectResults(world: SyncedSource, statuses = ['FAILED', 'ALARMING']): Promise<void> {
  const wanted = world.sim.truth().executions.filter(({ runStatus }) => statuses.includes(String(runStatus)));
  const expected = wanted.flatMap(({ id, startTimeMs }) =>
    world.sim.results(id).map((one) => `${id}@${startTimeMs} ${Object.values(one).join(' ')}`),
  );
  const columns = ['rule_id', 'rule_instance_id', 'alarmed', 'object_name', 'abnormal_table_status'];
  const found = (await resultsView(world.folder))
    .filter((row) => row['rule_id'] !== null)
    .map((row) => `${row['instance_id']}@${row['start_time']} ${columns.map((name) => row[name]).join(' ')}`);
  expect(found.sort()).toEqual(expected.sort());
}

/** Fails unless the view of failures has each result once that is not known to be without an alarm. */
async function expectFailures(world: SyncedSource): Promise<void> {
  const failed = world.sim.truth().executions.filter(({ runStatus }) => /FAILED|ALARMING/.test(String(runStatus)));
  const expected = failed.flatMap(({ id, startTimeMs }) =>
    world.sim
      .results(id)
      .filter(({ alarmed }) => alarmed !== false)
      .map(({ ruleId, objectName }) => `${id}@${startTimeMs} ${ruleId} ${objectName}`),
  );
  const view = `SELECT concat(instance_id, '@', epoch_ms(start_time), ' ', rule_id, ' ', coalesce(object_name, 'null')) FROM quality_failures`;
  const { rows } = await (await opened(world.store)).run(view);
  expect(rows.map(String).sort()).toEqual(expected.sort());
}

/** Returns a run that fetches results, with `fetchResults` in place of the source's own call, which it may use. */
function resultsBy(
  world: SyncedSource,
  fetchResults: (own: TaskSource, ...args: Parameters<TaskSource['fetchResults']>) => Promise<ResultPage | null>,
): Partial<Run> {
  const ofSource = withSource(world, ({ tasks }) => ({
    tasks: { ...tasks, fetchResults: (id, offset) => fetchResults(tasks, id, offset) },
  }));
  return { ...withResults, ...ofSource };
}

/** Returns a run whose results come without HTTP, for tests of thousands of executions. Adds their ids to `requested`. */
function resultsInMemory(world: SyncedSource, requested: bigint[] = []): Partial<Run> {
  return resultsBy(world, async (_, id) => {
    requested.push(id);
    const results = world.sim.results(id).map((one) => ({ ...one, metrics: null, extra: null }));
    return { count: results.length, rows: results.length, rules: results.map((one) => [one]) };
  });
}

/** Replaces the executions of the backlog that start in a window by the window. */
async function moveToWindow(
  { store }: SyncedSource,
  moved: Pick<ResultsWindow, 'fromMs' | 'toMs' | 'executions'>,
): Promise<void> {
  const window = { ...moved, tries: 0, notBeforeMs: 0 };
  const { value, etag } = await loadDocument(store, pendingResultsKind('sales'));
  const pending = value.pending.filter(({ startTimeMs }) => !contains(window, startTimeMs));
  const text = pendingResultsKind('sales').encode({ ...value, pending, windows: [window] });
  await store.putIfMatch(resultsKey('sales'), Buffer.from(text), etag!);
}

/** Runs an instance again, which ends a minute later. */
function rerunTo({ sim, clock }: SyncedSource, id: bigint, runStatus: 'ALARMING' | 'SUCCESS'): void {
  sim.life.rerun(id);
  clock.advance(minuteMs);
  sim.life.finish(id, runStatus);
}

/** Syncs several times, with pauses after each. */
async function syncs(world: SyncedSource, times: number, pauseMs = hourMs): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    await world.syncWell(withResults);
    world.clock.advance(pauseMs);
  }
}

describe('rule results', () => {
  it('rule results of failed executions are in the table once, with exact ids, for one request each', async () => {
    const world = await syncedSource({ history: { days: 2, tasks: 20 } });
    const summary = await world.syncWell(withResults);
    const settled = world.sim.truth().executions.filter(({ runStatus }) => /FAILED|ALARMING/.test(String(runStatus)));
    expect(summary.results).toBe(settled.length);
    expect(world.sim.counters.results).toBe(settled.length);
    expect(settled.length).toBeGreaterThan(20);
    world.sim.counters.reset();
    await world.syncWell(withResults);
    expect(world.sim.counters.results).toBe(0);
    await expectResults(world);
    await world.expectTruth();
  });

  it('rule results of executions whose end a backfill saw before a sync could are fetched by that sync', async () => {
    const world = await syncedSource();
    const { clock, sim } = world;
    const openMs = clock.now() - 5 * hourMs;
    const { id } = sim.life.addExecution({ runStatus: 'RUNNING', startTimeMs: openMs });
    await world.syncWell(withResults);
    const syncedMs = clock.now();
    clock.advance(2 * hourMs);
    sim.life.addMany(60, { fromMs: syncedMs, toMs: clock.now() - hourMs });
    await world.backfill({ window: { fromMs: syncedMs, toMs: clock.now() - hourMs } });
    sim.life.finish(id, 'FAILED');
    await world.backfill({ window: { fromMs: openMs - hourMs, toMs: openMs + hourMs }, again: true });
    const lateMs = syncedMs - dayMs;
    sim.life.addExecution({ runStatus: 'ALARMING', startTimeMs: lateMs, visibleAtMs: clock.now() });
    const window = { fromMs: lateMs - hourMs, toMs: lateMs + hourMs };
    await world.backfill({ window, again: true }, { results: 'note' });
    expect(await resultsView(world.folder)).toEqual([]);
    await world.syncWell(withResults);
    await expectResults(world);
  });

  it.each([
    ['immediately', 0],
    ['days later', 3 * dayMs],
  ])('rule results that are lost are fetched again by a backfill %s', async (_, laterMs) => {
    const world = await settledWorld();
    await world.syncWell(withResults);
    await rm(join(world.folder, 'warehouse', 'quality_rule_results'), { recursive: true });
    world.clock.advance(laterMs);
    const window = { fromMs: world.clock.now() - 30 * dayMs, toMs: world.clock.now() };
    await world.backfill({ window, again: true });
    // As "dqsync verify --repair" does, which does not ask for results.
    await world.backfill({ window, again: true }, { results: 'note' });
    await world.syncWell(withResults);
    expect(await resultsView(world.folder)).toEqual([]);
    await world.backfill({ window, again: true }, withResults);
    await expectResults(world);
  });

  it('rule results of a task of 1,000 rules are fetched page by page, each rule once', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 1_000 });
    world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - minuteMs });
    world.clock.advance(minuteMs);
    await syncs(world, 1);
    expect(await resultsView(world.folder)).toHaveLength(1_000);
    // A count may be capped, so a full page is followed by another request.
    expect(world.sim.counters.results).toBe(11);
    await expectResults(world);
  });

  it.each<[string, Partial<Traps>]>([
    ['labels change from reply to reply', { resultLabels: 'changing' }],
    ['they come three hours late', { resultDelayMs: 3 * hourMs }],
    ['abnormal rows are exported for two hours', { abnormalDelayMs: 2 * hourMs, resultLabels: 'changing' }],
    ['pages have 50 rows', { pageCap: 50 }],
    ['pages have 50 rows, and their count is of the page', { pageCap: 50, count: 'page' }],
    ['pages have 10 rows, without a count', { pageCap: 10, count: 'missing' }],
    ['a count ends at 200', { count: { cappedAt: 200 } }],
    ['offsets count pages', { offsetUnit: 'page' }],
    ['pages come back empty once', { faults: [{ kind: 'empty-page', when: { every: 3 }, on: 'results' }] }],
    [
      'pages come back empty, with a count of 0',
      { faults: [{ kind: 'empty-page', count: 0, when: { every: 9 }, on: 'results' }] },
    ],
    ['pages come back short once', { faults: [{ kind: 'short-page', rows: 1, when: { every: 3 }, on: 'results' }] }],
    ['every other request fails', { faults: [{ kind: 'status', status: 500, when: { every: 2 }, on: 'results' }] }],
  ])('rule results of few and of many rules, recent and old, are complete if %s', async (_, traps) => {
    const world = await syncedSource({ traps });
    for (const [rules, agoMs, runStatus] of [
      [1, minuteMs, 'FAILED'],
      [10, hourMs, 'ALARMING'],
      [100, 20 * dayMs, 'FAILED'],
      [210, 2 * hourMs, 'ALARMING'],
    ] as const) {
      const task = world.sim.life.addTask({ rules });
      world.sim.life.addExecution({ task, runStatus, startTimeMs: world.clock.now() - agoMs });
    }
    await syncs(world, 2);
    await syncs(world, 3, 3 * hourMs);
    await expectResults(world);
    await expectFailures(world);
  });

  it.each([
    ['a rule is deleted', (rules: unknown[]) => void rules.splice(10, 1)],
    ['a rule moves to the end', (rules: unknown[]) => void rules.push(...rules.splice(10, 1))],
  ])('are complete and written once if between two pages %s', async (_, change) => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 250 });
    world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - hourMs });
    const changing = resultsBy(world, async (own, id, offset) => {
      const page = await own.fetchResults(id, offset);
      if (offset === 0) {
        change(task.rules);
      }
      return page;
    });
    await world.syncWell(changing);
    world.clock.advance(hourMs);
    await syncs(world, 2);
    const shown = (await resultsView(world.folder)).map((row) => row['rule_id']);
    expect(shown).toEqual(
      task.rules
        .flat()
        .map(({ idText }) => idText)
        .sort(),
    );
  });

  it('have both entries of a rule that the source lists twice', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 20 });
    task.rules.push(task.rules[5]!);
    world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - hourMs });
    expect(await world.syncWell(withResults)).toMatchObject({ results: 1 });
    expect(world.sim.counters.results).toBe(1);
    expect(await resultsView(world.folder)).toHaveLength(21);
    await expectResults(world);
  });

  it('are complete if rules on several pages have no ids', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 210 });
    world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - hourMs });
    const withoutIds = resultsBy(world, async (own, id, offset) => {
      const page = await own.fetchResults(id, offset);
      const noIds = { ruleId: null, ruleInstanceId: null };
      return page && { ...page, rules: page.rules.map((rule) => rule.map((result) => ({ ...result, ...noIds }))) };
    });
    expect(await world.syncWell(withoutIds)).toMatchObject({ results: 1 });
    expect(await resultsView(world.folder)).toHaveLength(210);
  });

  it('are not doubled by a source that shows its first page for each offset', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 20 });
    world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - hourMs });
    const first = resultsBy(world, (own, id) => own.fetchResults(id, 0));
    expect(await world.syncWell(first)).toMatchObject({ results: 1 });
    await expectResults(world);
  });

  it('keep the name of a rule that is deleted after its run', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 3 });
    const { id } = world.sim.life.addExecution({
      task,
      runStatus: 'ALARMING',
      startTimeMs: world.clock.now() - hourMs,
    });
    const shown = async (): Promise<unknown> =>
      (await (await opened(world.store)).run('SELECT rule_id, rule_name, columns FROM quality_failures ORDER BY 1'))
        .rows;
    await world.syncWell({ ...withResults, tasks: true });
    const before = await shown();
    const alarms = world.sim.results(id).filter(({ alarmed }) => alarmed);
    expect(before).toEqual(alarms.map(({ ruleId }) => [ruleId, expect.any(String), expect.any(String)]));
    task.rules.splice(0, 3);
    world.clock.advance(8 * dayMs);
    await world.syncWell({ ...withResults, tasks: true });
    expect(await shown()).toEqual(before);
  });

  it('are all written after an hour of refusals, which delays no sync', async () => {
    const world = await settledWorld();
    world.sim.traps.faults = [{ kind: 'status', status: 403, when: { from: 1 }, on: 'results' }];
    for (let n = 0; n < 6; n += 1) {
      world.sim.life.addExecution({ runStatus: 'FAILED', startTimeMs: world.clock.now() - minuteMs });
      expect(await world.syncWell(withResults)).toMatchObject({ done: true, results: 0 });
      await world.expectTruth();
      world.clock.advance(10 * minuteMs);
    }
    // Eight are in flight, and two more are sent before the third refusal stops it.
    expect(world.sim.counters.results).toBeLessThanOrEqual(6 * 10);
    world.sim.traps.faults = [];
    await syncs(world, 1);
    await expectResults(world);
  });

  it('rule results that never appear lead to one row that records it', async () => {
    const world = await syncedSource({ traps: { resultDelayMs: 99 * dayMs } });
    world.sim.life.addExecution({ runStatus: 'FAILED', startTimeMs: world.clock.now() - minuteMs });
    world.clock.advance(minuteMs);
    // The pauses grow, so the last of five requests is hours after the fourth.
    await syncs(world, 6);
    expect(await resultsView(world.folder)).toEqual([]);
    await syncs(world, 9, 6 * hourMs);
    const rows = await resultsView(world.folder);
    expect(rows).toMatchObject([{ rule_id: null, extra: expect.stringContaining('"no_results":"none"') }]);
    expect(world.sim.counters.results).toBe(5);
  });

  it('rule results of a deleted instance lead to one row that records it', async () => {
    const world = await syncedSource();
    const { id } = world.sim.life.addExecution({ runStatus: 'ALARMING', startTimeMs: world.clock.now() - minuteMs });
    world.clock.advance(minuteMs);
    await world.syncWell({ ...withResults, limitMs: 0 });
    world.sim.traps.faults = [{ kind: 'status', status: 403, when: { first: 1 }, on: 'results' }];
    await syncs(world, 1);
    world.sim.life.remove(id);
    await syncs(world, 1);
    expect(await resultsView(world.folder)).toMatchObject([
      { instance_id: String(id), rule_id: null, extra: expect.stringContaining('"no_results":"deleted"') },
    ]);
  });

  it.each([
    ['before they were fetched', 1],
    ['between reading the executions and fetching their results', 0],
  ])('are never those of another execution if the instance starts again %s', async (_, refusals) => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 2 });
    const { id, startTimeMs } = world.sim.life.addExecution({
      ...{ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - 5 * minuteMs },
    });
    world.clock.advance(minuteMs);
    if (refusals > 0) {
      world.sim.traps.faults = [{ kind: 'status', status: 403, when: { first: refusals }, on: 'results' }];
      await world.syncWell(withResults);
      world.sim.life.rerun(id);
    } else {
      world.sim.traps.afterPage = () => {
        world.sim.traps.afterPage = null;
        world.clock.advance(2_000);
        world.sim.life.rerun(id);
        world.sim.life.finish(id, 'ALARMING');
      };
      await world.syncWell(withResults);
    }
    world.clock.advance(minuteMs);
    world.sim.life.finish(id, 'ALARMING');
    await syncs(world, 4);
    const rows = await resultsView(world.folder);
    const first = rows.filter((row) => Number(row['start_time']) === startTimeMs);
    expect(first.map((row) => row['rule_id'])).toEqual([null]);
    expect(first[0]?.['extra']).toMatch(/"no_results":"(rerun|gone)"/);
    expect(rows.filter((row) => Number(row['start_time']) > startTimeMs)).toHaveLength(2);
  });

  it.each<[string, (world: SyncedSource, id: bigint) => Promise<unknown>]>([
    [
      'twice before the next run, at first between reading the executions and fetching their results',
      async (world, id) => {
        world.sim.traps.afterPage = () => {
          world.sim.traps.afterPage = null;
          world.clock.advance(2_000);
          rerunTo(world, id, 'ALARMING');
        };
        await world.syncWell(withResults);
        world.clock.advance(hourMs);
        rerunTo(world, id, 'SUCCESS');
      },
    ],
    [
      'in a time in which the config wants none',
      async (world, id) => {
        await world.syncWell({ results: 'note' });
        rerunTo(world, id, 'SUCCESS');
        await world.syncWell(withResults, { results: 'none' });
      },
    ],
    [
      'because the run that fetched them was stopped before it could check that',
      async (world, id) => {
        const stop = new AbortController();
        const stopped = resultsBy(world, async (own, ...args) => {
          rerunTo(world, id, 'ALARMING');
          const page = await own.fetchResults(...args);
          stop.abort(new StoppedError('interrupted', { remedy: 'Run again.' }));
          return page;
        });
        await world.syncWell({ ...stopped, stop: stop.signal });
        expect(stop.signal.aborted).toBe(true);
        world.clock.advance(hourMs);
        rerunTo(world, id, 'SUCCESS');
      },
    ],
    [
      'and a faster run has committed that before',
      async (world, id) => {
        const plainStore = waitedForUntil(world.store, new AbortController().signal);
        let isOvertaken = false;
        const putIfAbsent: Store['putIfAbsent'] = async (key, bytes) => {
          if (key.startsWith(tableName) && !isOvertaken) {
            isOvertaken = true;
            rerunTo(world, id, 'SUCCESS');
            await world.syncWell(withResults);
          }
          return await world.store.putIfAbsent(key, bytes);
        };
        await world.syncWell({ ...withResults, store: { ...plainStore, putIfAbsent } });
        expect(isOvertaken).toBe(true);
      },
    ],
  ])(
    'are never those of another execution although no run notes that its instance has started again: %s',
    async (_, rerun) => {
      const world = await syncedSource();
      const task = world.sim.life.addTask({ rules: 2 });
      const startTimeMs = world.clock.now() - 5 * minuteMs;
      const { id } = world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs });
      await rerun(world, id);
      await syncs(world, 3);
      const first = (await resultsView(world.folder)).filter((row) => Number(row['start_time']) === startTimeMs);
      expect(first).toMatchObject([{ rule_id: null, extra: expect.stringMatching(/"no_results":"(rerun|gone)"/) }]);
      await expectResults(world);
    },
  );

  it.each<[string, (world: SyncedSource, id: bigint) => Promise<unknown>]>([
    [
      'starts again before they are fetched',
      async (world, id) => {
        rerunTo(world, id, 'SUCCESS');
      },
    ],
    [
      'starts again while they are fetched',
      async (world, id) => {
        const fetching = resultsBy(world, async (own, ...args) => {
          rerunTo(world, id, 'SUCCESS');
          return await own.fetchResults(...args);
        });
        await world.syncWell(fetching);
      },
    ],
    [
      'is deleted while they are fetched',
      async (world, id) => {
        const fetching = resultsBy(world, async (own, ...args) => {
          const page = await own.fetchResults(...args);
          world.sim.life.remove(id);
          return page;
        });
        await world.syncWell(fetching);
      },
    ],
    [
      'starts again after they were fetched once more',
      async (world, id) => {
        await world.syncWell(withResults);
        world.clock.advance(hourMs);
        rerunTo(world, id, 'ALARMING');
      },
    ],
  ])(
    'rule results stay in the table if a backfill fetches them again a day later and their instance %s',
    async (_, disturb) => {
      const world = await syncedSource();
      const task = world.sim.life.addTask({ rules: 2 });
      const startTimeMs = world.clock.now() - 5 * hourMs;
      const { id } = world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs });
      await world.syncWell(withResults);
      const select = `SELECT rule_id FROM quality_results WHERE epoch_ms(start_time) = ${startTimeMs} ORDER BY rule_id`;
      const { rows: before } = await (await opened(world.store)).run(select);
      expect(before).toHaveLength(2);
      world.clock.advance(30 * hourMs);
      await world.syncWell(withResults);
      const window = { fromMs: startTimeMs, toMs: startTimeMs + minuteMs };
      const refused = new SourceError('HTTP 403', { httpStatus: 403, remedy: 'Ask support.' });
      await world.backfill(
        { window, again: true },
        resultsBy(world, () => Promise.reject(refused)),
      );
      await disturb(world, id);
      await syncs(world, 3);
      expect((await (await opened(world.store)).run(select)).rows).toEqual(before);
    },
  );

  it('rule results that are in the table stay there if the instance starts again before they are fetched again', async () => {
    const world = await syncedSource({ traps: { abnormalDelayMs: 90 * minuteMs } });
    const task = world.sim.life.addTask({ rules: 2 });
    const { id, startTimeMs } = world.sim.life.addExecution({
      ...{ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - 5 * minuteMs },
    });
    await syncs(world, 1);
    world.sim.life.rerun(id);
    world.clock.advance(minuteMs);
    world.sim.life.finish(id, 'ALARMING');
    await syncs(world, 4);
    const rows = (await resultsView(world.folder)).filter((row) => Number(row['start_time']) === startTimeMs);
    expect(rows.map((row) => row['rule_id'])).toEqual([expect.any(String), expect.any(String)]);
  });

  it('rule results stay in the view if a machine whose clock is ahead fetched them before their instance starts again', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 2 });
    const startTimeMs = world.clock.now() - 5 * minuteMs;
    const { id } = world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs });
    const clock = { now: () => world.clock.now() + hourMs, sleep: async () => undefined };
    const { connect } = await openConnections(world.config, () => undefined, {}, clock);
    await world.syncWell({ ...withResults, clock, connect });
    world.clock.advance(10 * minuteMs);
    rerunTo(world, id, 'ALARMING');
    await syncs(world, 3);
    const first = (await resultsView(world.folder)).filter((row) => Number(row['start_time']) === startTimeMs);
    expect(first.map((row) => row['rule_id'])).toEqual([expect.any(String), expect.any(String)]);
  });

  it('rule results that are fetched again replace the first ones even if the clock of the source was set back in between', async () => {
    const world = await syncedSource({ traps: { abnormalDelayMs: 30 * minuteMs } });
    const task = world.sim.life.addTask({ rules: 1 });
    world.sim.life.addExecution({ task, runStatus: 'ALARMING', startTimeMs: world.clock.now() - 5 * minuteMs });
    await syncs(world, 1);
    world.sim.traps.dateSkewMs = -12 * hourMs;
    await syncs(world, 4);
    const rows = await resultsView(world.folder);
    expect(rows.map((row) => row['abnormal_table_status'])).toEqual(['SUCCESS']);
  });

  it('are requested once each if more executions wait than the backlog lists', async () => {
    const world = await syncedSource();
    const toMs = world.clock.now() - hourMs;
    world.sim.life.addMany(2_600, { fromMs: toMs - 20 * dayMs, toMs });
    const requested: bigint[] = [];
    const run = resultsInMemory(world, requested);
    const first = await world.syncWell(run, { results: 'all' });
    expect(first.results).toBe(100);
    const second = await world.syncWell(run, { results: 'all' });
    expect(second.results).toBe(2_500);
    expect(requested).toHaveLength(2_600);
    // A request for 100 executions lists them again: 600 because they are in windows, and each once more after its results
    // are there.
    expect(second.requests).toBeLessThan(120);
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });

  it('are requested once each, with some requests to list and check them, for many executions of a few seconds', async () => {
    const world = await syncedSource();
    const fromMs = world.clock.now() - dayMs;
    world.sim.life.addMany(750, { fromMs, toMs: fromMs + hourMs, perSecond: 250 });
    await world.syncWell({ results: 'note' }, { results: 'all' });
    await moveToWindow(world, { fromMs, toMs: fromMs + hourMs, executions: 750 });
    const requested: bigint[] = [];
    const { requests } = await world.syncWell(resultsInMemory(world, requested), { results: 'all' });
    expect(requested).toHaveLength(750);
    expect(requests).toBeLessThan(90);
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });

  it('are fetched for executions that waited while the config selected all, with few requests for those of one second', async () => {
    const world = await syncedSource();
    world.sim.life.addMany(90, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() - hourMs + 1 });
    await world.syncWell({ results: 'note' }, { results: 'all' });
    const { requests } = await world.syncWell(withResults);
    expect(requests).toBeLessThan(90 + 15);
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });

  it('are fetched for executions that failed days apart, with a few requests to check all of them', async () => {
    const world = await syncedSource();
    const task = world.sim.life.addTask({ rules: 2 });
    for (let days = 1; days <= 28; days += 1) {
      const runStatus = days % 2 === 0 ? 'FAILED' : 'ALARMING';
      world.sim.life.addExecution({ task, runStatus, startTimeMs: world.clock.now() - days * dayMs });
    }
    await world.syncWell({ results: 'note' });
    const requestsBefore = world.sim.counters.instances;
    await world.syncWell(withResults);
    expect(world.sim.counters.instances - requestsBefore).toBeLessThan(20);
    await expectResults(world);
  });

  it('are fetched for the newest first, even if older executions are listed and newer ones are not', async () => {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    for (const startMs of [nowMs - 9 * dayMs, nowMs - 2 * dayMs]) {
      world.sim.life.addMany(20, { fromMs: startMs, toMs: startMs + hourMs });
    }
    await world.syncWell({ results: 'note' }, { results: 'all' });
    const window = { fromMs: nowMs - 2 * dayMs, toMs: nowMs - dayMs, executions: 20 };
    await moveToWindow(world, window);
    const stop = new AbortController();
    const paces: number[] = [];
    const onProgress: Run['onProgress'] = ({ unit, rowsRead, paceMs = 0 }) => {
      if (unit === 'executions') {
        paces.push(paceMs / rowsRead);
        stop.abort(new StoppedError('interrupted', { remedy: 'Run again.' }));
      }
    };
    const requested: bigint[] = [];
    const recording = resultsBy(world, (own, id, offset) => {
      requested.push(id);
      return own.fetchResults(id, offset);
    });
    await world.syncWell({ ...recording, onProgress, stop: stop.signal }, { results: 'all' });
    // The time left is that at the quota, which allows a million requests a second here.
    expect(new Set(paces)).toEqual(new Set([0.001]));
    const { executions } = world.sim.truth();
    const starts = executions.filter(({ id }) => requested.includes(id)).map(({ startTimeMs }) => startTimeMs);
    expect(starts.length).toBeGreaterThan(0);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(window.fromMs);
    await world.syncWell(withResults, { results: 'all' });
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });

  it('are fetched later for all seconds of a window but the first few that the source does not show completely', async () => {
    const world = await syncedSource();
    const fromMs = world.clock.now() - 2 * dayMs;
    for (let minute = 0; minute < 8; minute += 1) {
      world.sim.life.addMany(25, { fromMs: fromMs + minute * minuteMs, toMs: fromMs + minute * minuteMs + 1 });
    }
    world.sim.traps.pageCap = 20;
    await world.syncWell({ results: 'note' }, { results: 'all' });
    await moveToWindow(world, { fromMs, toMs: fromMs + 8 * minuteMs, executions: 8 * 25 });
    world.sim.traps.deepestOffset = 0;
    const { log, messages } = warnings();
    await world.syncWell({ ...withResults, log }, { results: 'all' });
    expect(messages).toEqual(Array.from({ length: 5 }, () => expect.stringMatching(/may be missing.* backfill /)));
    world.sim.traps.deepestOffset = null;
    await world.syncWell(withResults, { results: 'all' });
    const found = new Set((await resultsView(world.folder)).map((row) => row['instance_id']));
    // A page of the 25 executions was shown in each.
    expect(found.size).toBe(3 * 25 + 5 * 20);
  });

  it('rule results of an execution are not those of its re-run, which another run notes during the request', async () => {
    const world = await syncedSource();
    const { clock, sim } = world;
    const { id } = sim.life.addExecution({ runStatus: 'FAILED', startTimeMs: clock.now() - minuteMs });
    await world.syncWell({ results: 'note' });
    let isFirst = true;
    const slow = resultsBy(world, async (own, instance, offset) => {
      if (isFirst) {
        isFirst = false;
        sim.life.rerun(id);
        clock.advance(minuteMs);
        sim.life.finish(id, 'FAILED');
        await world.syncWell(withResults);
        clock.advance(1_000);
      }
      return await own.fetchResults(instance, offset);
    });
    await world.syncWell(slow);
    expect(isFirst).toBe(false);
    await expectResults(world);
  });

  it('are written if a run has less time than they take, because it keeps some of it to check them', async () => {
    const world = await settledWorld();
    await world.syncWell({ results: 'note' }, { results: 'all' });
    const connect: Run['connect'] = (target, signal, timeLeftMs = () => 0) => {
      const { tasks, ...source } = world.connect(target, signal);
      const inTime = async <T>(request: Promise<T>, tookMs: number): Promise<T> => {
        world.clock.advance(tookMs);
        if (timeLeftMs() <= 0) {
          throw new StoppedError('the time is over', { remedy: 'Run again.' });
        }
        return await request;
      };
      return {
        ...source,
        fetchPage: (request) => inTime(source.fetchPage(request), 100),
        tasks: { ...tasks, fetchResults: (...args) => inTime(tasks.fetchResults(...args), 1_000) },
      };
    };
    const { results } = await world.syncWell({ ...withResults, connect, limitMs: minuteMs }, { results: 'all' });
    expect(results).toBeGreaterThan(30);
    await world.syncWell(withResults, { results: 'all' });
    expect(world.sim.counters.results).toBeLessThanOrEqual(120 + results);
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });

  it('are all written after two concurrent runs, one of them interrupted, have processed a long backlog', async () => {
    const world = await syncedSource();
    const toMs = world.clock.now() - hourMs;
    world.sim.life.addMany(900, { fromMs: toMs - 20 * dayMs, toMs });
    await world.syncWell({ results: 'note' }, { results: 'all' });
    await moveToWindow(world, { fromMs: toMs - 20 * dayMs, toMs: toMs - 2 * dayMs, executions: 810 });
    const stop = new AbortController();
    const onProgress: Run['onProgress'] = ({ rowsRead }) =>
      rowsRead > 500 ? stop.abort(new StoppedError('interrupted', { remedy: 'Run again.' })) : undefined;
    const run = resultsInMemory(world);
    await Promise.all([
      world.sync({ ...run, onProgress, stop: stop.signal }, { results: 'all' }),
      world.sync(run, { results: 'all' }),
    ]);
    await world.syncWell(withResults, { results: 'all' });
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });
});

/** Opens a world with 120 executions that do not change any more. */
async function settledWorld(): Promise<SyncedSource> {
  const world = await syncedSource();
  world.sim.life.addMany(120, { fromMs: world.clock.now() - 2 * dayMs, toMs: world.clock.now() - hourMs });
  return world;
}

/** Returns the start time of the oldest of the newest `count` executions. */
function newestFromMs({ sim }: SyncedSource, count: number): number {
  const startsMs = sim.truth().executions.map(({ startTimeMs }) => startTimeMs);
  return startsMs.sort((a, b) => b - a)[count - 1]!;
}

describe('rule results that cannot be fetched', () => {
  const faults: readonly (readonly [string, Fault, RegExp])[] = [
    ['are refused', { kind: 'status', status: 403, when: { from: 1 }, on: 'results' }, /role admin or developer/],
    ['fail', { kind: 'status', status: 500, when: { from: 1 }, on: 'results' }, /support/],
    ['are garbled', { kind: 'bad-json', when: { from: 1 }, on: 'results' }, /run again/i],
    ['are no lists', { kind: 'wrong-shape', when: { from: 1 }, on: 'results' }, /run again/i],
    ['break off', { kind: 'reset', when: { from: 1 }, on: 'results' }, /run again|later/i],
  ];

  it.each(faults)(
    'because they %s do not fail a sync, cause one warning, and are written later',
    async (_, fault, remedy) => {
      const world = await settledWorld();
      world.sim.traps.faults = [fault];
      const { log, messages } = warnings();
      const summary = await world.syncWell({ ...withResults, log });
      expect(summary).toMatchObject({ done: true, results: 0 });
      expect(messages).toEqual([expect.stringMatching(remedy)]);
      expect(messages[0]).toMatch(/executions are still synced/);
      await world.expectTruth();
      world.sim.traps.faults = [];
      world.clock.advance(2 * hourMs);
      await syncs(world, 1);
      await expectResults(world);
    },
  );

  it.each([
    ['forbids', 403],
    ['does not know by a code of its own', 404],
    ['fails for', 500],
  ])('are fetched for all others if the source %s the newest two', async (_, httpStatus) => {
    const world = await settledWorld();
    const executions = world.sim.truth().executions.toSorted((a, b) => b.startTimeMs - a.startTimeMs);
    const ill = new Set(executions.slice(0, 2).map(({ id }) => id));
    const failing = resultsBy(world, async (own, id, offset) => {
      if (ill.has(id)) {
        throw new SourceError(`HTTP ${httpStatus}`, { httpStatus, remedy: 'Ask support.' });
      }
      return await own.fetchResults(id, offset);
    });
    expect(await world.syncWell(failing, { results: 'all' })).toMatchObject({ results: executions.length - 2 });
    const { value } = await loadDocument(world.store, pendingResultsKind('sales'));
    expect(value).toMatchObject({ refused: null, pending: [{ tries: 1 }, { tries: 1 }] });
    world.clock.advance(hourMs);
    await world.syncWell(withResults, { results: 'all' });
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });

  it.each([
    ['listed one by one', (_: SyncedSource) => undefined],
    [
      'in a window',
      (world: SyncedSource) =>
        moveToWindow(world, { fromMs: world.clock.now() - 9 * dayMs, toMs: newestFromMs(world, 20), executions: 100 }),
    ],
  ])('are fetched for executions %s within four runs if the source forbids the newest twenty', async (_, prepare) => {
    const world = await settledWorld();
    const newestMs = newestFromMs(world, 20);
    const executions = world.sim.truth().executions;
    const ill = new Set(executions.filter(({ startTimeMs }) => startTimeMs >= newestMs).map(({ id }) => id));
    const failing = resultsBy(world, async (own, id, offset) => {
      if (ill.has(id)) {
        throw new SourceError('HTTP 403', { httpStatus: 403, remedy: 'Ask support.' });
      }
      return await own.fetchResults(id, offset);
    });
    await world.syncWell({ results: 'note' }, { results: 'all' });
    await prepare(world);
    let results = 0;
    for (let n = 0; n < 4; n += 1) {
      world.clock.advance(hourMs);
      results += (await world.syncWell(failing, { results: 'all' })).results;
    }
    expect(results).toBe(executions.length - ill.size);
    world.clock.advance(hourMs);
    await world.syncWell(withResults, { results: 'all' });
    await expectResults(world, ['FAILED', 'ALARMING', 'SUCCESS']);
  });

  it('are not counted as failed while the source refuses all requests, even if an instance has started again', async () => {
    const world = await settledWorld();
    await world.syncWell({ results: 'note' }, { results: 'all' });
    const newestMs = newestFromMs(world, 1);
    const newest = world.sim.truth().executions.find(({ startTimeMs }) => startTimeMs === newestMs)!;
    rerunTo(world, newest.id, 'ALARMING');
    world.sim.traps.faults = [{ kind: 'status', status: 403, when: { from: 1 }, on: 'results' }];
    expect(await world.syncWell(withResults, { results: 'all' })).toMatchObject({ results: 1 });
    const { value } = await loadDocument(world.store, pendingResultsKind('sales'));
    expect(value.pending.filter(({ tries, state }) => tries > 0 || state === 'rerun')).toEqual([]);
    expect(value).toMatchObject({ refused: { message: expect.stringMatching(/403/) } });
  });

  it('rule results of one instance expire after a week, are counted, and are requested again by a backfill', async () => {
    const world = await settledWorld();
    const ill = world.sim.truth().executions.find(({ runStatus }) => runStatus === 'FAILED')!;
    let requests = 0;
    const failing = resultsBy(world, async (own, id, offset) => {
      if (id === ill.id) {
        requests += 1;
        throw new SourceError('HTTP 500', { httpStatus: 500, remedy: 'Ask support.' });
      }
      return await own.fetchResults(id, offset);
    });
    const told: [string, object][] = [];
    const log: Run['log'] = (level, message, fields) => void (level === 'warn' && told.push([message, fields]));
    for (let day = 0; day < 14; day += 1) {
      await world.syncWell({ ...failing, log });
      world.clock.advance(dayMs);
    }
    expect(requests).toBe(11);
    const at = isoTime(ill.startTimeMs);
    expect(told).toEqual([
      [expect.stringMatching(/--again --results/), { target: 'sales', executions: 1, from: at, to: at }],
    ]);
    const rowsOfIll = async () =>
      (await resultsView(world.folder)).filter((row) => row['instance_id'] === String(ill.id));
    expect(await rowsOfIll()).toMatchObject([{ extra: expect.stringContaining('"no_results":"failed"') }]);
    const loadBacklog = async () => (await loadDocument(world.store, pendingResultsKind('sales'))).value;
    expect(await loadBacklog()).toMatchObject({ pending: [], expired: [{ id: ill.id }] });
    const window = { fromMs: ill.startTimeMs, toMs: ill.startTimeMs + 1000 };
    await world.backfill({ window, again: true }, withResults);
    await expectResults(world);
    expect(await loadBacklog()).toMatchObject({ pending: [], expired: [] });
  });

  it.each([
    ['keep to their own quota', 40, 0],
    ['still come where somebody else uses up half of it', 20, 1],
  ])('%s with a source that allows %i requests in 10 s', async (_, requests, leastThrottled) => {
    const world = await syncedSource({ quota: { requests, perSeconds: 10 } });
    world.sim.life.addMany(600, { fromMs: world.clock.now() - 2 * dayMs, toMs: world.clock.now() - hourMs });
    const source = { endpoint: world.sim.url, iamEndpoint: world.sim.iamUrl };
    const initialFrom = isoTime(world.clock.now() - 9 * dayMs);
    const config = parseConfig(
      { source, targets: [simTarget(world.credentials)], initialFrom, settleSeconds: 0 },
      'config',
    );
    const clock = { now: () => world.clock.now(), sleep: async (ms: number) => world.clock.advance(ms) };
    const connections = await openConnections(config, () => undefined, {}, clock);
    const run: Partial<Run> = { ...withResults, config, clock, connect: connections.connect, limitMs: 840_000 };
    for (let n = 0; n < 3; n += 1) {
      await world.syncWell(run);
      world.clock.advance(hourMs);
    }
    await expectResults(world);
    await world.expectTruth();
    expect(world.sim.counters.throttled).toBeGreaterThanOrEqual(leastThrottled);
    expect(world.sim.counters.throttled === 0).toBe(leastThrottled === 0);
  });

  describe('because the source fails to list a window', () => {
    /** Makes a world with one failed execution in each ten minutes of eight hours, whose results wait in one window. */
    async function waitingWorld() {
      const world = await syncedSource();
      const { life } = world.sim;
      const task = life.addTask({ rules: 1 });
      const fromMs = world.clock.now() - 2 * dayMs;
      const [toMs, lastHourMs] = [fromMs + 8 * hourMs, fromMs + 7 * hourMs];
      for (let startTimeMs = fromMs; startTimeMs < toMs; startTimeMs += 10 * minuteMs) {
        life.addExecution({ task, startTimeMs, endTimeMs: startTimeMs + minuteMs, runStatus: 'FAILED' });
      }
      await world.syncWell({ results: 'note' });
      // As many that the next run lists one hour of them at a time.
      await moveToWindow(world, { fromMs, toMs, executions: 8 * listedExecutions });
      return { world, toMs, lastHourMs };
    }

    it('rule results are fetched if the source lists it again hours later, and those of older windows before that', async () => {
      const { world, toMs, lastHourMs } = await waitingWorld();
      const { log, messages } = warnings();
      world.sim.traps.brokenSpan = { fromMs: lastHourMs, toMs };
      for (let n = 0; n < 12; n += 1) {
        await world.syncWell({ ...withResults, log });
        world.clock.advance(10 * minuteMs);
      }
      const fetched = async () =>
        (await resultsView(world.folder)).filter((row) => Number(row['start_time']) < toMs).length;
      expect(await fetched()).toBe(7 * 6);
      world.sim.traps.brokenSpan = null;
      for (let n = 0; n < 6; n += 1) {
        await world.syncWell({ ...withResults, log });
        world.clock.advance(hourMs);
      }
      await expectResults(world);
      expect(messages).toEqual([]);
    });

    it('rule results of a second that it fails to list for a week are reported as missing once', async () => {
      const { world, lastHourMs } = await waitingWorld();
      const { log, messages } = warnings();
      world.sim.traps.brokenSpan = { fromMs: lastHourMs, toMs: lastHourMs + 1 };
      for (let day = 0; day < 14; day += 1) {
        await world.syncWell({ ...withResults, log });
        world.clock.advance(dayMs);
      }
      expect(messages).toEqual([expect.stringMatching(/may be missing.* backfill /)]);
      const { value } = await loadDocument(world.store, pendingResultsKind('sales'));
      expect(value).toMatchObject({ pending: [], windows: [] });
    });
  });

  it('start over if the backlog cannot be parsed, with a warning about what is lost', async () => {
    const world = await settledWorld();
    await world.store.putIfAbsent('state/sales/results.json', Buffer.from('{"format":"other"}'));
    const { log, messages } = warnings();
    await world.syncWell({ ...withResults, log });
    expect(messages).toEqual([expect.stringMatching(/results\.json cannot be understood.*--again --results/)]);
    await expectResults(world);
  });
});
