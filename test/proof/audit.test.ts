/** The daily audit finds late rows by the source's counts, and reads their days again. */
import { describe, expect, it } from 'vitest';
import { auditKind } from '../../functions/checkpoint/audit-record.ts';
import { loadDocument } from '../../functions/checkpoint/state-document.ts';
import { isoTime } from '../../functions/clock.ts';
import type { Run } from '../../functions/sync/run.ts';
import { auditKey } from '../../functions/warehouse/layout.ts';
import type { Traps } from '../simulator/traps.ts';
import { simTarget } from '../support/sim-config.ts';
import {
  checkpointOf,
  dayMs,
  hourMs,
  minuteMs,
  type SyncedSource,
  syncedSource,
  warnings,
} from '../support/synced-source.ts';

/**
 * Starts an execution of one of 60 tasks every minute of `days` days, and syncs every three hours. `areSomeLate`: one
 * in a hundred is listed three hours late, so that syncs miss it.
 */
async function syncedDays(world: SyncedSource, days: number, areSomeLate = false): Promise<void> {
  const fromMs = world.clock.now();
  const stepMs = 3 * hourMs;
  const tasks = Array.from({ length: 60 }, () => world.sim.life.addTask());
  for (let minute = 0; minute < days * 1440; minute += 1) {
    const startTimeMs = fromMs + minute * minuteMs;
    const isLate = areSomeLate && minute % 100 === 0;
    world.sim.life.addExecution({
      task: tasks[minute % 60]!,
      startTimeMs,
      visibleAtMs: startTimeMs + (isLate ? stepMs : 1_000),
    });
  }
  while (world.clock.now() < fromMs + days * dayMs) {
    world.clock.advance(stepMs);
    await world.syncWell();
  }
}

async function missingOf({ sim, view }: SyncedSource): Promise<number> {
  const shown = new Set((await view()).map((row) => `${row['id']}@${row['start_time']}`));
  return sim.truth().executions.filter(({ id, startTimeMs }) => !shown.has(`${id}@${startTimeMs}`)).length;
}

describe('an audit of a source that hides one row in a hundred from list and count for three hours', () => {
  it.each<[string, Partial<Traps>]>([
    ['newest first', {}],
    ['in unstable order', { order: 'unstable' }],
    ['with counts of the page', { count: 'page' }],
    ['with capped counts', { count: { cappedAt: 500 } }],
    ['without counts', { count: 'missing' }],
  ])('adds the missing rows to the table, %s', async (_what, traps) => {
    const world = await syncedSource({ traps });
    await syncedDays(world, 1, true);
    world.clock.advance(30 * minuteMs);
    expect(await missingOf(world)).toBeGreaterThan(5);
    const audited = await world.maintain();
    expect(audited).toMatchObject({ mode: 'maintain', done: true });
    expect(audited.lateRows).toBeGreaterThan(5);
    expect(audited.rowsWritten).toBeGreaterThan(audited.lateRows);
    await world.syncWell();
    await world.expectTruth();
    const again = await world.maintain();
    expect(again).toMatchObject({ lateRows: 0, rowsWritten: 0, done: true });
  });
});

describe('an audit after runs that overlapped', () => {
  it.each([1, 2, 3])('finds hidden rows beside late ones, although %i concurrent syncs saw those', async (syncs) => {
    const world = await syncedSource();
    await syncedDays(world, 1);
    const { life } = world.sim;
    for (let row = 0; row < 3; row += 1) {
      life.addLate((5 + row) * minuteMs);
    }
    world.clock.advance(hourMs);
    await Promise.all(Array.from({ length: syncs }, () => world.syncWell()));
    life.addLate(80 * minuteMs);
    expect((await world.maintain()).lateRows).toBeGreaterThan(0);
    await world.syncWell();
    await world.expectTruth();
    expect(await world.maintain()).toMatchObject({ lateRows: 0, rowsWritten: 0 });
  });
});

describe('an audit that compares the last run of each task with the newest execution recorded', () => {
  it('adds a run that appeared late in place of another, unless the configuration leaves tasks out', async () => {
    const world = await syncedSource();
    await syncedDays(world, 2);
    const oldMs = world.clock.now() - dayMs;
    const { life } = world.sim;
    const [leaving] = world.sim.truth().executions.filter(({ startTimeMs }) => startTimeMs > oldMs + hourMs);
    life.remove(leaving!.id);
    life.addExecution({ task: life.addTask({ name: 'runs rarely' }), startTimeMs: oldMs });
    expect(await world.maintain({}, { tasks: false })).toMatchObject({ lateRows: 0, done: true });
    expect(await missingOf(world)).toBe(1);
    expect(await world.maintain()).toMatchObject({ lateRows: 1, done: true });
    await world.expectTruth();
    expect(await world.maintain()).toMatchObject({ lateRows: 0, rowsWritten: 0 });
  });

  it.each([{ name: 'orders' }, { taskType: 'QUALITY_TASK' }])(
    'does not warn of runs that the filter %o leaves out',
    async (filter) => {
      const world = await syncedSource();
      const { life } = world.sim;
      const task = life.addTask({ name: 'other', taskType: 'CONSISTENCY_TASK' });
      life.addExecution({ task, startTimeMs: world.clock.now() - 2 * hourMs });
      life.addExecution({ name: 'orders', startTimeMs: world.clock.now() - 3 * hourMs });
      const targets = [simTarget(world.credentials, { filter })];
      const { log, messages } = warnings();
      expect(await world.syncWell({}, { targets })).toMatchObject({ rowsWritten: 1 });
      expect(await world.maintain({ log }, { targets })).toMatchObject({ lateRows: 0, done: true });
      expect(messages).toEqual([]);
    },
  );

  it.each([
    [-7_000, 0],
    [7_000, 1],
    [4 * dayMs, 0],
  ])(
    'writes nothing if last runs are %i ms off, at a bounded cost, with %i warnings',
    async (lastRunSkewMs, expected) => {
      const world = await syncedSource({ history: { days: 3, tasks: 300, rerunShare: 0 }, traps: { lastRunSkewMs } });
      await world.syncWell();
      world.clock.advance(hourMs);
      await world.syncWell();
      const { log, messages } = warnings();
      const summary = await world.maintain({ log });
      expect(summary).toMatchObject({ lateRows: 0, rowsWritten: 0, done: true });
      expect(summary.requests).toBeLessThan(250);
      expect(messages).toHaveLength(expected);
    },
  );
});

describe('the audit', () => {
  it('makes one request per day, and writes nothing, if the source matches the recorded coverage', async () => {
    const world = await syncedSource();
    await syncedDays(world, 3);
    const before = (await world.observations()).length;
    const summary = await world.maintain();
    expect(summary).toMatchObject({ lateRows: 0, rowsWritten: 0, done: true });
    expect(summary.requests).toBeLessThanOrEqual(6);
    expect(await world.observations()).toHaveLength(before);
    const { value: record } = await loadDocument(world.store, auditKind('sales'));
    expect(record).toMatchObject({ done: true, lateRows: 0, repaired: 0, failed: 0 });
  });

  it('ignores executions that left, and finds one that appears in their place', async () => {
    const world = await syncedSource();
    await syncedDays(world, 2);
    const old = world.sim.truth().executions.filter(({ startTimeMs }) => startTimeMs < world.clock.now() - dayMs);
    for (const { id } of old.slice(0, 5)) {
      world.sim.life.remove(id);
    }
    expect(await world.maintain()).toMatchObject({ lateRows: 0, rowsWritten: 0 });
    world.sim.life.addLate(30 * hourMs);
    expect(await world.maintain()).toMatchObject({ lateRows: 1 });
    await world.expectTruth();
  });

  it('finds a hidden row of a day that an instance has left, if the instance was run again on two days', async () => {
    const world = await syncedSource();
    const { life } = world.sim;
    const { id } = life.addExecution({ startTimeMs: world.clock.now() - minuteMs });
    await syncedDays(world, 1);
    life.rerun(id);
    const hiddenMs = world.clock.now() + hourMs;
    life.addExecution({ startTimeMs: hiddenMs, visibleAtMs: hiddenMs + 3 * hourMs });
    await syncedDays(world, 1);
    life.rerun(id);
    await syncedDays(world, 1);
    expect(await missingOf(world)).toBe(1);
    // By counts alone: the last run of its task would show it too.
    expect(await world.maintain({}, { tasks: false })).toMatchObject({ lateRows: 1 });
    expect(await missingOf(world)).toBe(0);
  });

  it('finds a hidden row of a day that only a backfill has read, and that an instance has left', async () => {
    const world = await syncedSource();
    const { life } = world.sim;
    const fromMs = world.clock.now() - 3 * dayMs;
    const { id } = life.addExecution({ startTimeMs: fromMs + hourMs });
    await world.backfill({ window: { fromMs, toMs: fromMs + dayMs } });
    life.rerun(id);
    world.clock.advance(hourMs);
    await world.syncWell({}, { initialFrom: isoTime(fromMs + dayMs) });
    life.addExecution({ startTimeMs: fromMs + 2 * hourMs });
    expect(await world.maintain({}, { tasks: false })).toMatchObject({ lateRows: 1 });
    expect(await missingOf(world)).toBe(0);
  });

  it('finds a hidden row of a day that an instance has left, if its next start appeared in a covered window', async () => {
    const world = await syncedSource();
    const { life } = world.sim;
    const { id, startTimeMs } = life.addExecution({ startTimeMs: world.clock.now() - minuteMs });
    await syncedDays(world, 1);
    world.clock.advance(700);
    await world.sync({}, { settleSeconds: 0 });
    life.rerun(id);
    world.clock.advance(minuteMs);
    await world.sync({}, { settleSeconds: 0 });
    life.addExecution({ startTimeMs: startTimeMs - minuteMs });
    expect(await world.maintain({}, { tasks: false })).toMatchObject({ lateRows: 1 });
    expect(await missingOf(world)).toBe(0);
  });

  it('fails, and counts the day, if the day can be neither counted nor read', async () => {
    const world = await syncedSource();
    const atMs = world.clock.now() - dayMs;
    world.sim.life.addMany(1_000, { fromMs: atMs, toMs: atMs + 1, perMillisecond: 1_000 });
    await world.syncWell();
    world.clock.advance(hourMs);
    Object.assign(world.sim.traps, { count: 'missing', deepestOffset: 300 });
    const failures: number[] = [];
    const onTargetDone: Run['onTargetDone'] = ({ counters }) => failures.push(counters.auditFailures);
    const [audited] = await world.sync({ isMaintenance: true, onTargetDone }, { tasks: false });
    expect(audited).toMatchObject({ done: false, error: { kind: 'incomplete' } });
    expect(failures).toEqual([1]);
  });

  it('works if the record of the last audit cannot be parsed', async () => {
    const world = await syncedSource();
    await syncedDays(world, 1, true);
    await world.store.putIfAbsent(auditKey('sales'), new TextEncoder().encode('{"format":"dqsync.audit","version":9}'));
    world.clock.advance(30 * minuteMs);
    await world.syncWell();
    await world.maintain();
    await world.expectTruth();
    expect(await loadDocument(world.store, auditKind('sales'))).toMatchObject({ value: { done: true } });
  });

  it('does not count as an incremental run: coverage and watermark do not change', async () => {
    const world = await syncedSource();
    await syncedDays(world, 1, true);
    const before = await checkpointOf(world);
    world.clock.advance(30 * minuteMs);
    await world.maintain();
    const after = await checkpointOf(world);
    expect(after.coverage).toEqual(before.coverage.map((window) => ({ ...window, rows: expect.any(Number) })));
    expect(after.incremental).toEqual(before.incremental);
    expect(after.lastRun).toMatchObject({ mode: 'maintain', outcome: 'done' });
  });
});
