/**
 * Balances of counts (PROOF.md, R2) while rows appear and leave. A late row raises the count of the remaining window
 * just as a row does that the previous page did not show. Late rows appear only within the lookback.
 */
import { describe, expect, it } from 'vitest';
import type { SortOrder } from '../simulator/traps.ts';
import { dayMs, hourMs, minuteMs, type SyncedSource, stoppedAfter, syncedSource } from '../support/synced-source.ts';

/** Requests for a longer span, such as a run's first one for a month, are not part of reading a window. */
const longestMs = dayMs;

/** Older executions, of one day, make the largest count exceed its page, so that smaller counts of a window are believed. */
function addOlder({ sim, clock }: SyncedSource): void {
  sim.life.addMany(300, { fromMs: clock.now() - 10 * dayMs - hourMs, toMs: clock.now() - 10 * dayMs });
}

/**
 * Adds 260 executions, `spacingMs` apart, beginning at `fromMs`. The id of one of them sorts it after all others, so a
 * page in order of ids does not show it where its start time belongs. After the `nth` page of a window, the first
 * execution that the page may have shown is deleted, and another one appears late.
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

/** Calls `happen` for each page in turn, in a new world each time, until a run has no such page. Returns the pages. */
async function afterEachPage(
  happen: (world: SyncedSource, nth: number) => Promise<{ readonly happened: boolean }>,
): Promise<number> {
  for (let nth = 1; ; nth += 1) {
    const world = await syncedSource();
    addOlder(world);
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
/** Each start with one order by start time and one by id, alternately ascending and descending. */
const cases = starts.flatMap(([where, fromLookbackMs, spacingMs], index) =>
  orders
    .filter((order) => order.endsWith('asc') === (index % 2 === 0))
    .map((order) => ({ where, fromLookbackMs, spacingMs, order })),
);

it('the summary counts rows that appear late in covered windows', async () => {
  const world = await syncedSource();
  world.sim.life.addMany(20, { fromMs: world.clock.now() - hourMs, toMs: world.clock.now() - 20 * minuteMs });
  await world.syncWell();
  world.clock.advance(minuteMs);
  world.sim.life.addLate(5 * minuteMs);
  world.sim.life.addLate(6 * minuteMs);
  expect(await world.syncWell()).toMatchObject({ lateRows: 2, rowsWritten: 2 });
  expect(await world.syncWell()).toMatchObject({ lateRows: 0, rowsWritten: 0 });
});

describe('a late row that the next run does not reach', () => {
  it.each([...orders, 'unstable'] as const)(
    'is in the table after the run that follows, wherever the first one is stopped, in order %s',
    async (order) => {
      // Stops before the late row, among the rows around it, and after them.
      for (const rows of [100, 400, 700, 1_000]) {
        const world = await syncedSource({ traps: { order } });
        const { life } = world.sim;
        addOlder(world);
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

describe('a row that a page does not show while another row leaves and a third one appears late', () => {
  it.each(cases)(
    'is in the table in the end, at any page, if rows start $where the lookback of the next run, in order $order',
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

  it.each(orders)(
    'a row that a backfill up to now misses is in the table after the next sync, in order %s',
    async (order) => {
      const pages = await afterEachPage(async (world, nth) => {
        const nowMs = world.clock.now();
        const trap = hiddenRow(world, { fromMs: nowMs - 15 * minuteMs - 100_000, spacingMs: 1_000, order, nth });
        await world.backfill({ window: { fromMs: nowMs - hourMs, toMs: nowMs } });
        return trap;
      });
      expect(pages).toBeGreaterThanOrEqual(3);
    },
  );
});
