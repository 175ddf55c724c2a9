/**
 * A balance of counts while rows come and go: a late row makes the count of what is left larger than it was, just as a row
 * that the page before did not show would make it. Late rows come within the lookback only.
 */
import { describe, expect, it } from 'vitest';
import type { SortOrder } from '../simulator/traps.ts';
import { dayMs, hourMs, minuteMs, type SyncedSource, stoppedAfter, syncedSource } from '../support/synced-source.ts';

/** The first request of a run asks for a month; all that is longer than this is no part of reading a window. */
const longestMs = dayMs;

/**
 * 260 executions, `spacingMs` apart, from `fromMs` on. One of them lies, by its id, behind all others: a page in order of ids
 * does not show it where it belongs. After the `nth` page of a window, the first that the page may have shown is deleted,
 * and another comes late.
 */
function hiddenRow(
  { sim, clock }: SyncedSource,
  options: { readonly fromMs: number; readonly spacingMs: number; readonly order: SortOrder; readonly nth: number },
): { happened: boolean } {
  const { fromMs, spacingMs, order, nth } = options;
  const rows = Array.from({ length: 260 }, (_, index) =>
    sim.life.addExecution({
      startTimeMs: fromMs + index * spacingMs,
      visibleAtMs: clock.now(),
      ...(index === 30 ? { id: order === 'id-desc' ? 1n : 9_000_000_000_000_000_000n } : {}),
    }),
  );
  const gone = order.endsWith('desc') ? rows.at(-1) : rows[0];
  const trap = { happened: false };
  let pages = 0;
  sim.traps.order = order;
  sim.traps.afterPage = ({ query, life }) => {
    pages += (query.endTimeMs ?? 0) - (query.startTimeMs ?? 0) < longestMs ? 1 : 0;
    if (!trap.happened && pages === nth && gone !== undefined) {
      trap.happened = true;
      life.remove(gone.id);
      life.addLate(2 * minuteMs);
    }
  };
  return trap;
}

/** Lets it happen after each page in turn, in a world of its own, until a run has no more pages. Returns the pages. */
async function afterEachPage(
  happen: (world: SyncedSource, nth: number) => Promise<{ readonly happened: boolean }>,
): Promise<number> {
  for (let nth = 1; ; nth += 1) {
    const world = await syncedSource();
    // Others, long ago, so that the counts of a window are below one that was seen to exceed its page.
    world.sim.life.addMany(300, { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() - 10 * dayMs });
    const { happened } = await happen(world, nth);
    world.sim.traps.afterPage = null;
    world.clock.advance(20 * minuteMs);
    await world.syncWell();
    await world.expectTruth();
    if (!happened) {
      return nth - 1;
    }
  }
}

const starts = [
  ['far before', -300_000, 1_000],
  ['just before', -2_000 - 259_000, 1_000],
  ['partly before', -100_000, 1_000],
  ['less than two seconds before', -1_990, 10],
  ['at the beginning of', 0, 500],
  ['in', 10_000, 500],
] as const;
const orders = ['start-asc', 'start-desc', 'id-asc', 'id-desc'] as const;
/** Each start in an order by start time and in one by id, by turns ascending and descending. */
const cases = starts.flatMap(([where, fromLookbackMs, spacingMs], index) =>
  orders
    .filter((order) => order.endsWith('asc') === (index % 2 === 0))
    .map((order) => ({ where, fromLookbackMs, spacingMs, order })),
);

it('rows that appear in covered windows are counted', async () => {
  const world = await syncedSource();
  world.sim.life.addMany(20, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() - 20 * minuteMs });
  await world.syncWell();
  world.clock.advance(minuteMs);
  world.sim.life.addLate(5 * minuteMs);
  world.sim.life.addLate(6 * minuteMs);
  expect(await world.syncWell()).toMatchObject({ lateRows: 2, rowsWritten: 2 });
  expect(await world.syncWell()).toMatchObject({ lateRows: 0, rowsWritten: 0 });
});

describe('a late row that the run to look for it does not come to', () => {
  it.each([...orders, 'unstable'] as const)(
    'is in the table after the next run, wherever that run is stopped, in order %s',
    async (order) => {
      // Before it comes to the late row, among the rows around that, and behind them.
      for (const rows of [100, 400, 700, 1_000]) {
        const world = await syncedSource({ traps: { order } });
        const { life } = world.sim;
        life.addMany(300, { fromMs: world.clock.now() - 20 * dayMs, toMs: world.clock.now() - 10 * dayMs });
        await world.syncWell();
        world.clock.advance(3 * minuteMs);
        life.addLate(13 * minuteMs);
        world.clock.advance(9 * minuteMs);
        life.addMany(600, { fromMs: world.clock.now() - 14 * minuteMs, toMs: world.clock.now() - minuteMs });
        await world.syncWell(stoppedAfter(rows));
        world.clock.advance(20 * minuteMs);
        await world.syncWell();
        await world.expectTruth();
      }
    },
  );
});

describe('a row that a page does not show, while one row goes and another comes late', () => {
  it.each(cases)(
    'is in the table in the end, whenever that happens, where rows start $where the lookback of the next run, in order $order',
    async ({ fromLookbackMs, spacingMs, order }) => {
      const pages = await afterEachPage(async (world, nth) => {
        await world.syncWell();
        const fromMs = world.clock.now() - 3 * minuteMs + fromLookbackMs;
        const trap = hiddenRow(world, { fromMs, spacingMs, order, nth });
        world.clock.advance(12 * minuteMs);
        await world.syncWell();
        return trap;
      });
      expect(pages).toBeGreaterThanOrEqual(3);
    },
  );

  it.each(orders)('of a backfill up to now is in the table after the next sync, in order %s', async (order) => {
    const pages = await afterEachPage(async (world, nth) => {
      const nowMs = world.clock.now();
      const trap = hiddenRow(world, { fromMs: nowMs - 15 * minuteMs - 100_000, spacingMs: 1_000, order, nth });
      await world.backfill({ window: { fromMs: nowMs - hourMs, toMs: nowMs } });
      return trap;
    });
    expect(pages).toBeGreaterThanOrEqual(3);
  });
});
