/**
 * Rows that come late, within the lookback, just while others go: the count stays the same, and a row in between slips
 * through from one page to the one before.
 */
import { describe, expect, it } from 'vitest';
import { hourMs, minuteMs, type SyncedSource, syncedSource } from '../support/synced-source.ts';

/** 130 executions; once a full first page of them was shown, of a window from `askedFromMs` on, the first is deleted, and another comes late. */
function slippingRows(
  { sim, clock }: SyncedSource,
  fromMs: number,
  spacingMs: number,
  askedFromMs = 0,
): { happened: boolean } {
  const [first] = Array.from({ length: 130 }, (_, index) =>
    sim.life.addExecution({ startTimeMs: fromMs + index * spacingMs, visibleAtMs: clock.now() }),
  );
  const trap = { happened: false };
  sim.traps.order = 'start-asc';
  sim.traps.afterPage = ({ query, rows, life }) => {
    const isAsked = query.offset === 0 && (query.startTimeMs ?? 0) >= askedFromMs;
    if (!trap.happened && isAsked && rows === 100 && first !== undefined) {
      trap.happened = true;
      life.remove(first.id);
      life.addLate(2 * minuteMs);
    }
  };
  return trap;
}

/** A sync in which the row slips, and the next one, after which the table is the truth. */
async function expectFoundInTheEnd(world: SyncedSource, trap: { readonly happened: boolean }): Promise<void> {
  world.clock.advance(12 * minuteMs);
  await world.syncWell();
  expect(trap.happened).toBe(true);
  world.sim.traps.afterPage = null;
  world.clock.advance(20 * minuteMs);
  await world.syncWell();
  await world.expectTruth();
}

describe('I16: a row that slips from one page to the one before, while another comes late', () => {
  it.each([
    ['far before', -200_000],
    ['just before', -2_000 - 99_500],
    ['less than two seconds before', -1_990],
    ['at the beginning of', 0],
    ['in', 10_000],
  ])('is in the table in the end, where it starts %s the lookback of the next run', async (_, fromLookbackMs) => {
    const world = await syncedSource();
    await world.syncWell();
    const lookbackMs = world.clock.now() - 3 * minuteMs;
    const fromMs = lookbackMs + fromLookbackMs;
    const spacingMs = fromLookbackMs < -2_000 ? 1_000 : 10;
    const trap = slippingRows(world, fromMs, spacingMs);
    await expectFoundInTheEnd(world, trap);
  });

  it('is in the table in the end, where it slips in the very slice that may get late rows, before the lookback', async () => {
    const world = await syncedSource();
    await world.syncWell();
    const lookbackMs = world.clock.now() - 3 * minuteMs;
    const trap = slippingRows(world, lookbackMs - 1_990, 10, lookbackMs - 2_001);
    await expectFoundInTheEnd(world, trap);
  });

  it('of a backfill up to now is in the table after the next sync', async () => {
    const world = await syncedSource();
    const fromMs = world.clock.now() - 15 * minuteMs - 1_990;
    const trap = slippingRows(world, fromMs, 10);
    await world.backfill({ window: { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() } });
    expect(trap.happened).toBe(true);
    world.sim.traps.afterPage = null;
    world.clock.advance(20 * minuteMs);
    await world.syncWell();
    await world.expectTruth();
  });
});
