/** Every trap of the source, over several runs, while the source changes between and during them. */
import { describe, expect, it } from 'vitest';
import { SourceError } from '../../functions/errors.ts';
import { type PageHook, sampleExtraFields, type Traps } from '../simulator/traps.ts';
import { checkpointOf, dayMs, hourMs, minuteMs, syncedSource, withSource } from '../support/synced-source.ts';

const traps: Record<string, Partial<Traps>> = {
  'pages of at most 12 rows': { pageCap: 12 },
  'count of the page only': { count: 'page' },
  'no count': { count: 'missing' },
  'count capped at 200': { count: { cappedAt: 200 } },
  'ascending order': { order: 'start-asc' },
  'full pages': { pageCap: null },
  'order by id': { order: 'id-asc' },
  'unstable ties': { order: 'unstable-ties' },
  'no order at all': { order: 'unstable' },
  'exclusive start': { startEdge: 'exclusive' },
  'exclusive end': { endEdge: 'exclusive' },
  'both edges exclusive': { startEdge: 'exclusive', endEdge: 'exclusive' },
  'deep offsets refused': { deepestOffset: 280 },
  'the newer spelling': { notifySpelling: 'notify' },
  'both spellings': { notifySpelling: 'both' },
  'undocumented fields': { extraFields: sampleExtraFields },
  'one empty page': { faults: [{ kind: 'empty-page', when: { nth: 4 } }] },
  'an empty first page': { faults: [{ kind: 'empty-page', when: { nth: 1 } }] },
  'one short page': { faults: [{ kind: 'short-page', rows: 17, when: { nth: 3 } }] },
  'every ninth page empty': { faults: [{ kind: 'empty-page', when: { every: 9 } }] },
  // Three slices are read in parallel, so the fault affects either all requests of a slice or none.
  'every third page empty': { faults: [{ kind: 'empty-page', when: { every: 3 } }] },
  'every third page short': { faults: [{ kind: 'short-page', rows: 8, when: { every: 3 } }] },
  'a row repeated on every third page': { faults: [{ kind: 'repeated-row', when: { every: 3 } }] },
  'a row repeated on every fourth page, pages of at most 8': {
    pageCap: 8,
    faults: [{ kind: 'repeated-row', when: { every: 4 } }],
  },
  'errors 500 and resets': {
    faults: [
      { kind: 'status', status: 503, when: { every: 11 } },
      { kind: 'reset', when: { every: 13 } },
    ],
  },
  'truncated and garbled bodies': {
    faults: [
      { kind: 'truncate', when: { every: 7 } },
      { kind: 'bad-json', when: { every: 17 } },
    ],
  },
  'tokens revoked again and again': { faults: [{ kind: 'revoke-tokens', when: { every: 15 } }] },
  're-runs while paging': { rerunEveryNthRequest: 5 },
  'deletions while paging': { deleteEveryNthRequest: 6 },
  'late rows while paging': { afterPage: lateRowAfterEvery(7) },
  'everything moving, unstable ties': {
    order: 'unstable-ties',
    rerunEveryNthRequest: 11,
    deleteEveryNthRequest: 13,
    afterPage: lateRowAfterEvery(5),
  },
  'page cap, unstable ties, exclusive edges, capped count': {
    pageCap: 16,
    order: 'unstable-ties',
    startEdge: 'exclusive',
    endEdge: 'exclusive',
    count: { cappedAt: 400 },
  },
};

const orders: Record<string, Traps['order']> = {
  'the usual': 'start-desc',
  unstable: 'unstable-ties',
};

describe('a source that', () => {
  it.each(Object.entries(traps))(
    'has %s is copied completely, correctly and without duplicates',
    async (_name, trap) => {
      // Few executions on short pages take as many requests as many on full ones.
      const world = await syncedSource({
        history: { days: 4, aheadDays: 1, tasks: 8, rerunShare: 0.6 },
        traps: { pageCap: 40, ...trap },
      });
      await world.syncWell();
      for (const pauseMs of [20 * minuteMs, hourMs, 3 * hourMs]) {
        world.clock.advance(pauseMs);
        await world.syncWell();
      }
      quieten(world.sim.traps);
      world.clock.advance(5 * minuteMs);
      await world.syncWell();
      await world.expectTruth();
      expect(world.sim.truth().executions.length).toBeGreaterThan(500);
    },
  );

  it.each(Object.entries(orders))(
    'takes offsets in pages, in %s order, is read without any setting, even a second of 250 rows',
    async (_name, order) => {
      const world = await syncedSource({ history: { days: 2, tasks: 10 }, traps: { offsetUnit: 'page', order } });
      const denseMs = world.clock.now() - 30 * hourMs;
      world.sim.life.addMany(250, { fromMs: denseMs, toMs: denseMs + 1, perMillisecond: 250 });
      await world.syncWell();
      await world.expectTruth();
      expect((await world.view(`start_time = ${denseMs}`)).length).toBeGreaterThanOrEqual(250);
    },
  );

  it.each<[string, RegExp, Partial<Traps>]>([
    ['ignores start_time', /ignores start_time: asked for \S+ to \S+, it listed/, { ignoredEnds: ['start_time'] }],
    ['ignores end_time', /ignores end_time: asked for \S+ to \S+, it listed/, { ignoredEnds: ['end_time'] }],
    ['ignores both ends', /ignores end_time: asked for/, { ignoredEnds: ['start_time', 'end_time'] }],
    [
      'compares ends',
      /it lists instance \d+, which started at \S+, for \S+ to \S+, but neither for \S+ to/,
      { filtersByEnd: true },
    ],
  ])('fails the first sync after a few requests, and covers nothing, if it %s', async (_, message, trap) => {
    for (const rows of [20, 60, 1_000]) {
      const world = await syncedSource({ traps: trap });
      const nowMs = world.clock.now();
      world.sim.life.addMany(rows, { fromMs: nowMs - 20 * dayMs, toMs: nowMs - hourMs });
      const [summary] = await world.sync();
      expect(summary).toMatchObject({ done: false, rowsWritten: 0 });
      expect(summary?.error?.message).toMatch(message);
      expect(summary?.requests).toBeLessThanOrEqual(10);
      Object.assign(world.sim.traps, { ignoredEnds: [], filtersByEnd: false });
      await world.syncWell();
      await world.expectTruth();
    }
  });

  it('refuses times long ago and in the future is read completely', async () => {
    const world = await syncedSource({ history: { days: 4, tasks: 5 } });
    const nowMs = world.clock.now();
    let refused = 0;
    const refusing = withSource(world, ({ fetchPage }) => ({
      fetchPage: async (request) => {
        if (request.endTimeMs < nowMs - 400 * dayMs || request.startTimeMs > nowMs) {
          refused += 1;
          throw new SourceError('HTTP 400', { httpStatus: 400, remedy: 'Ask for other times.' });
        }
        return await fetchPage(request);
      },
    }));
    await world.syncWell(refusing);
    await world.expectTruth();
    expect(refused).toBe(2);
  });

  it('refuses long spans has the longest one it accepts in the checkpoint, and later runs ask for no longer one', async () => {
    const world = await syncedSource({ history: { days: 40, tasks: 5 }, traps: { maxSpanDays: 7 } });
    await world.syncWell();
    const { maxSpanMs } = await checkpointOf(world);
    expect(maxSpanMs ?? Number.POSITIVE_INFINITY).toBeLessThanOrEqual(7 * dayMs);
    const askedMs: number[] = [];
    const watching = withSource(world, ({ fetchPage }) => ({
      fetchPage: async (request) => {
        askedMs.push(request.endTimeMs - request.startTimeMs);
        return await fetchPage(request);
      },
    }));
    await world.syncWell(watching);
    expect(Math.max(...askedMs)).toBeLessThanOrEqual(7 * dayMs);
  });
});

/** Adds a row that appears up to 14 minutes late, within the lookback. */
function lateRowAfterEvery(every: number): PageHook {
  return ({ n, life }) => {
    if (n % every === 0) {
      life.addLate(((n * 7919) % 840) * 1000);
    }
  };
}

/** Stops changes of the source, so that the last run can be compared with it. */
function quieten(now: Traps): void {
  now.rerunEveryNthRequest = null;
  now.deleteEveryNthRequest = null;
  now.afterPage = null;
}
