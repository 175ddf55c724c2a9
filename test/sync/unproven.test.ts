/** A window that cannot be proven is reported and not covered, and does not prevent anything else. */
import { describe, expect, it } from 'vitest';
import { watermarkOf } from '../../functions/checkpoint/coverage.ts';
import { isoTime } from '../../functions/clock.ts';
import { gapsIn } from '../../functions/intervals.ts';
import type { EpochMs } from '../../functions/model.ts';
import { checkpointOf, dayMs, hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

/** Opens a world with more rows in one second than the source allows offsets for, and other rows. */
async function worldWithUnreadable(): Promise<{ world: SyncedSource; ms: EpochMs }> {
  const world = await syncedSource({ traps: { deepestOffset: 300 } });
  const { life } = world.sim;
  const nowMs = world.clock.now();
  const ms = nowMs - dayMs;
  life.addMany(2_000, { fromMs: nowMs - 2 * dayMs, toMs: nowMs - minuteMs });
  life.addMany(1_000, { fromMs: ms, toMs: ms + 1, perMillisecond: 1_000 });
  return { world, ms };
}

async function rowsBesides(world: SyncedSource, ms: EpochMs): Promise<number> {
  const times = (await world.view()).map((row) => Number(row['start_time']));
  return times.filter((startTimeMs) => startTimeMs !== ms).length;
}

describe('a second that cannot be proven', () => {
  it.each(['inclusive', 'exclusive'] as const)(
    'fails the sync with its name, and everything before and after it is in the table (edges %s)',
    async (edge) => {
      const { world, ms } = await worldWithUnreadable();
      Object.assign(world.sim.traps, { startEdge: edge, endEdge: edge });
      const [summary] = await world.sync();
      expect(summary).toMatchObject({ done: false, error: { kind: 'incomplete' } });
      expect(summary?.error?.message).toMatch(
        /cannot be proven complete: the source reports 1000 rows and showed \d+ distinct rows$/,
      );
      const checkpoint = await checkpointOf(world);
      const gaps = gapsIn({ fromMs: ms - dayMs, toMs: world.clock.now() }, checkpoint.coverage);
      expect(gaps).toEqual([{ fromMs: ms - 500, toMs: ms + 500 }]);
      expect(watermarkOf(checkpoint)).toBe(gaps[0]?.fromMs);
      expect(await rowsBesides(world, ms)).toBe(2_000);
    },
  );

  it('is read as soon as it can be proven, and rows after it are not written again', async () => {
    const { world, ms } = await worldWithUnreadable();
    await world.sync();
    const observed = await world.observationCount();
    world.clock.advance(hourMs);
    world.sim.life.addMany(50, { fromMs: world.clock.now() - 30 * minuteMs, toMs: world.clock.now() - minuteMs });
    const [second] = await world.sync();
    expect(second).toMatchObject({ done: false, error: { kind: 'incomplete' } });
    expect(await rowsBesides(world, ms)).toBe(2_050);
    expect(await world.observationCount()).toBe(observed + 50);
    world.sim.traps.deepestOffset = null;
    world.clock.advance(hourMs);
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 1_000, done: true });
    await world.expectTruth();
    expect(watermarkOf(await checkpointOf(world))).toBe(world.clock.now());
  });

  it('fails a run that ends within the second while it waits for its next attempt', async () => {
    const { world, ms } = await worldWithUnreadable();
    await world.sync();
    await world.sync();
    const settleSeconds = (world.clock.now() - ms) / 1000;
    const [summary] = await world.sync({}, { settleSeconds });
    expect(summary).toMatchObject({ done: false, error: { kind: 'incomplete' } });
  });

  it('does not make the checkpoint grow with rows read after it', async () => {
    const { world } = await worldWithUnreadable();
    await world.sync();
    const { recent } = await checkpointOf(world);
    expect(recent.length).toBeLessThan(40);
  });

  it('does not keep other open executions from being re-checked', async () => {
    const { world, ms } = await worldWithUnreadable();
    const { life } = world.sim;
    world.sim.traps.deepestOffset = null;
    const inMs = life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: ms });
    const elsewhere = life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: ms + 10 * hourMs });
    await world.syncWell();
    world.sim.traps.deepestOffset = 300;
    world.clock.advance(hourMs);
    life.finish(inMs.id, 'SUCCESS');
    life.finish(elsewhere.id, 'FAILED');
    life.addMany(10, { fromMs: world.clock.now() - 30 * minuteMs, toMs: world.clock.now() - minuteMs });
    const [summary] = await world.sync();
    expect(summary).toMatchObject({ rowsWritten: 11, openExecutions: 1, error: { kind: 'incomplete' } });
    expect((await world.view()).find((row) => row['id'] === String(elsewhere.id))?.['run_status']).toBe('FAILED');
    world.sim.traps.deepestOffset = null;
    await world.syncWell();
    await world.expectTruth();
  });
});

describe('a page that the source never delivers', () => {
  /** Opens a world with 2,000 rows in two days, and returns the start of the nth newest. */
  async function worldWithBroken(nth: number): Promise<{ world: SyncedSource; ms: EpochMs }> {
    const world = await syncedSource();
    const nowMs = world.clock.now();
    world.sim.life.addMany(2_000, { fromMs: nowMs - 2 * dayMs, toMs: nowMs - minuteMs });
    const starts = world.sim.truth().executions.map(({ startTimeMs }) => startTimeMs);
    const ms = starts.toSorted((a, b) => b - a)[nth] ?? 0;
    world.sim.traps.brokenSpan = { fromMs: ms, toMs: ms + 1 };
    return { world, ms };
  }

  it.each([
    ['the newest row', 0],
    ['a row of the first page', 50],
    ['a row in the middle', 1_000],
    ['the oldest row', 1_999],
  ])('fails the sync with its name, and everything before and after it is in the table: %s', async (_which, nth) => {
    const { world, ms } = await worldWithBroken(nth);
    const [summary] = await world.sync();
    expect(summary).toMatchObject({ done: false, error: { kind: 'incomplete', code: 'DQC.5001' } });
    expect(summary?.error?.message).toMatch(/cannot be proven complete: the source refused .* a row cannot be read$/);
    const others = world.sim.truth().executions.filter(({ startTimeMs }) => startTimeMs !== ms);
    expect(await world.view()).toHaveLength(others.length);
    const { coverage } = await checkpointOf(world);
    const gaps = gapsIn({ fromMs: ms - dayMs, toMs: world.clock.now() }, coverage);
    expect(gaps).toEqual([{ fromMs: ms - 500, toMs: ms + 500 }]);
    world.sim.traps.brokenSpan = null;
    world.clock.advance(dayMs);
    await world.syncWell();
    await world.expectTruth();
  });

  it('is not replaced by rows that the sync does not read, which the source shows in reply to other requests', async () => {
    const { world, ms } = await worldWithBroken(50);
    const initialFromMs = world.clock.now() - 6 * hourMs;
    await world.sync({}, { initialFrom: isoTime(initialFromMs) });
    const written = async () => (await world.observations()).map((row) => Number(row['start_time']));
    expect((await written()).filter((startMs) => startMs < initialFromMs - minuteMs)).toEqual([]);
    world.sim.traps.brokenSpan = null;
    world.clock.advance(hourMs);
    await world.syncWell({}, { initialFrom: isoTime(initialFromMs) });
    const before = await written();
    world.clock.advance(2 * hourMs);
    const lateMs = world.clock.now() - hourMs;
    world.sim.life.addMany(20, { fromMs: lateMs, toMs: lateMs + minuteMs });
    world.sim.traps.brokenSpan = { fromMs: lateMs, toMs: lateMs + 1000 };
    await world.sync({}, { initialFrom: isoTime(initialFromMs) });
    expect((await written()).filter((startMs) => startMs < lateMs)).toEqual(before);
    expect(ms).toBeGreaterThan(initialFromMs);
  });

  it('makes a re-check write no execution from before the start of coverage', async () => {
    const world = await syncedSource();
    const { life, traps } = world.sim;
    const nowMs = world.clock.now();
    const initialFrom = isoTime(nowMs - 5 * dayMs);
    life.addExecution({ runStatus: 'RUNNING', startTimeMs: nowMs - 20 * dayMs });
    life.addExecution({ runStatus: 'RUNNING', startTimeMs: nowMs - 2 * dayMs });
    await world.syncWell({}, { initialFrom });
    world.clock.advance(hourMs);
    traps.brokenSpan = { fromMs: nowMs - 2 * dayMs, toMs: nowMs };
    await world.sync({}, { initialFrom });
    expect((await world.view()).map((row) => Number(row['start_time']))).toEqual([nowMs - 2 * dayMs]);
  });

  it('hides no row that appears late in a time that was covered before: a later sync reads that time again', async () => {
    const world = await syncedSource();
    const { life, traps } = world.sim;
    const coveredMs = world.clock.now();
    const span = { fromMs: coveredMs - 10 * minuteMs, toMs: coveredMs - minuteMs };
    life.addMany(3, span);
    await world.syncWell();
    life.addExecution({ startTimeMs: coveredMs - 5 * minuteMs, visibleAtMs: coveredMs + 10 * minuteMs });
    world.clock.advance(hourMs);
    life.addMany(20, { fromMs: coveredMs, toMs: world.clock.now() });
    traps.brokenSpan = span;
    for (let n = 0; n < 2; n += 1) {
      const [summary] = await world.sync();
      expect(summary).toMatchObject({ error: { kind: 'incomplete' } });
      expect(watermarkOf(await checkpointOf(world))).toBe(world.clock.now());
      world.clock.advance(hourMs);
    }
    traps.brokenSpan = null;
    await world.syncWell();
    await world.expectTruth();
    expect((await checkpointOf(world)).unproven).toEqual([]);
    expect(await world.syncWell()).toMatchObject({ rowsWritten: 0 });
  });

  it('costs later syncs nothing until its next attempt', async () => {
    const { world } = await worldWithBroken(1_000);
    await world.sync();
    await world.sync();
    const [summary] = await world.sync();
    expect(summary).toMatchObject({ error: { kind: 'incomplete' } });
    expect(summary?.requests).toBeLessThanOrEqual(4);
  });

  it('does not keep the audit from other days, nor a re-check from other executions', async () => {
    const world = await syncedSource();
    const { life, traps } = world.sim;
    await world.syncWell();
    world.clock.advance(dayMs);
    const nowMs = world.clock.now();
    const ms = nowMs - 6 * hourMs;
    life.addMany(500, { fromMs: nowMs - 12 * hourMs, toMs: ms - minuteMs });
    life.addExecution({ startTimeMs: ms });
    const open = life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs: ms + 2_000 });
    await world.syncWell();
    traps.brokenSpan = { fromMs: ms, toMs: ms + 1 };
    life.finish(open.id, 'FAILED');
    world.clock.advance(hourMs);
    await world.syncWell();
    expect((await world.view()).find((row) => row['id'] === String(open.id))?.['run_status']).toBe('FAILED');
    const late = life.addExecution({ startTimeMs: ms - 2 * dayMs });
    const [summary] = await world.sync({ isMaintenance: true });
    expect(summary).toMatchObject({ lateRows: 1, error: { kind: 'incomplete', code: 'DQC.5001' } });
    expect((await world.view()).some((row) => row['id'] === String(late.id))).toBe(true);
  });

  it('lets new rows be read, however many open executions cannot be delivered, and those expire', async () => {
    const world = await syncedSource({}, { maxOpenDays: 2 });
    const { life, traps } = world.sim;
    const startMs = world.clock.now();
    for (let index = 0; index < 7; index += 1) {
      const startTimeMs = startMs - 6 * hourMs + index * 30 * minuteMs;
      life.addExecution({ runStatus: 'RUNNING', endTimeMs: null, startTimeMs });
    }
    await world.syncWell();
    traps.brokenSpan = { fromMs: startMs - 6 * hourMs, toMs: startMs };
    const open = [];
    for (let run = 0; run < 4; run += 1) {
      world.clock.advance(18 * hourMs);
      life.addMany(50, { fromMs: world.clock.now() - 17 * hourMs, toMs: world.clock.now() - hourMs });
      const [summary] = await world.sync();
      expect(summary).toMatchObject({ rowsWritten: 50 });
      open.push(summary?.openExecutions);
    }
    expect(open).toEqual([7, 7, 0, 0]);
  });

  it('does not keep the first sync from finding that the source selects by the ends of executions', async () => {
    const { world } = await worldWithBroken(0);
    world.sim.traps.filtersByEnd = true;
    const [summary] = await world.sync();
    expect(summary).toMatchObject({ rowsWritten: 0, error: { kind: 'source' } });
    expect(summary?.error?.message).toMatch(/does not select by start time/);
  });

  it('fails the first sync of a target if the source delivers no row at all', async () => {
    const { world } = await worldWithBroken(0);
    world.sim.traps.brokenSpan = { fromMs: 0, toMs: world.clock.now() };
    const [summary] = await world.sync();
    expect(summary).toMatchObject({ rowsWritten: 0, error: { kind: 'source', code: 'DQC.5001' } });
    expect((await checkpointOf(world)).coverage).toEqual([]);
  });

  it('is a source error, and covers nothing, if no page is delivered', async () => {
    const { world } = await worldWithBroken(0);
    world.sim.traps.faults = [{ kind: 'status', status: 503, when: { from: 1 } }];
    const [summary] = await world.sync();
    expect(summary).toMatchObject({ error: { kind: 'source' }, rowsWritten: 0, requests: 10 });
  });
});
