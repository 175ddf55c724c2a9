import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ConfigError, IncompleteReadError, SourceError } from '../../functions/errors.ts';
import { containsAny, gapsIn, inOrder, lengthOf, spanMs } from '../../functions/intervals.ts';
import type { Execution, Page, PageRequest } from '../../functions/model.ts';
import { readFirst } from '../../functions/reading/read-window.ts';
import {
  anExecution,
  day,
  epochMs,
  executions,
  keysOf,
  longSpan,
  type PagedSourceTraps,
  pagedSource,
  readKeys as read,
  readPartly,
} from '../support/paged-source.ts';

/** Returns 1,234 rows: bursts of 17 in one second, a burst of 333, and rows a second apart. */
const bursty = (index: number): number =>
  index < 500 ? Math.floor(index / 17) * 60_000 : index < 833 ? 7_200_000 : 10_000_000 + index * 1000;

describe('a source whose order and counts hold', () => {
  it.each(['ascending', 'descending'] as const)('is read with about one request per page, %s', async (order) => {
    const source = pagedSource(executions(1230), { order });
    expect(await read(source)).toEqual(keysOf(source.rows));
    // One request calibrates. The window is read in two parts, because no larger count has been seen.
    expect(source.requests).toBeLessThanOrEqual(21);
  });

  it.each<[string, Partial<PagedSourceTraps>]>([
    ['short', { shortRequests: new Set([4]) }],
    ['empty', { emptyRequests: new Set([4]) }],
  ])('costs at most one more request if one reply is %s', async (_how, traps) => {
    const undisturbed = pagedSource(executions(1230));
    await read(undisturbed);
    const source = pagedSource(executions(1230), traps);
    expect(await read(source)).toEqual(keysOf(source.rows));
    expect(source.requests).toBeLessThanOrEqual(undisturbed.requests + 1);
  });

  it.each<[string, number, (index: number) => number]>([
    ['spread evenly', 2.5, (index) => 70_000_000 + index * 1000],
    ['in peaks', 2.8, (index) => 3_600_000 * Math.floor(index / 150) + 1000 * Math.floor((index % 150) / 42)],
  ])(
    'costs less than three requests per page if rows may still appear everywhere, rows %s',
    async (_how, most, atMs) => {
      const source = pagedSource(executions(9_000, atMs), { order: 'descending' });
      const window = { fromMs: epochMs - 5 * 86_400_000, toMs: epochMs + 9 * 86_400_000 };
      const { proven } = await readPartly(source, window, { settledUntilMs: epochMs });
      expect(proven).toEqual([window]);
      expect(source.requests).toBeLessThanOrEqual(most * 90);
    },
  );

  it('costs one request for a window of one page, and two for an empty one', async () => {
    const source = pagedSource(executions(1000));
    await read(source, { fromMs: epochMs - 500, toMs: epochMs + 60_500 });
    expect(source.requests).toBe(2);
    expect(await read(source, { fromMs: epochMs + 80_000_000, toMs: epochMs + 81_000_000 })).toEqual([]);
    expect(source.requests).toBe(4);
  });

  it('is requested one millisecond wider at each end', async () => {
    const source = pagedSource(executions(300));
    await read(source, { fromMs: epochMs + 1000, toMs: epochMs + 2001 });
    expect(source.asked[1]).toMatchObject({
      startTimeMs: epochMs + 999,
      endTimeMs: epochMs + 2001,
      offset: 0,
      limit: 100,
    });
  });

  it('is cut between whole seconds, and never read by offset', async () => {
    const source = pagedSource(
      executions(1230, (index) => Math.floor(index / 42) * 1000),
      { order: 'descending' },
    );
    await read(source, { fromMs: epochMs - 500, toMs: day.toMs - 500 });
    const cuts = source.asked.slice(1).flatMap(({ startTimeMs, endTimeMs }) => [startTimeMs + 1, endTimeMs]);
    expect(cuts.filter((ms) => (ms + 500) % 1000 !== 0)).toEqual([]);
    expect(source.asked.filter(({ offset }) => offset > 0)).toEqual([]);
  });

  it('stops after enough rows, with the newest part proven', async () => {
    const source = pagedSource(executions(1000), { order: 'descending' });
    const outcome = await readPartly(source, day, { isEnough: ({ seen }) => seen.size >= 500 });
    const provenFromMs = Math.min(...outcome.proven.map(({ fromMs }) => fromMs));
    expect(outcome.failure).toBeNull();
    const newest = source.rows.filter(({ startTimeMs }) => startTimeMs >= provenFromMs);
    expect(newest.length).toBeGreaterThan(300);
    expect(newest.length).toBeLessThan(600);
    expect([...outcome.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(newest)));
  });
});

describe('a limit on spans', () => {
  const refusing = (limitDays: number) => (source: ReturnType<typeof pagedSource>) => {
    const fetchPage: typeof source.fetchPage = async (request) => {
      if (request.endTimeMs - request.startTimeMs > limitDays * 86_400_000) {
        source.requests += 1;
        throw new SourceError('the time range is too long', { remedy: '-', httpStatus: 400, code: 'DQC.0001' });
      }
      return await source.fetchPage(request);
    };
    return { ...source, source: { ...source.source, fetchPage } };
  };

  it.each([90, 30, 7, 1])('a limit on spans of %i days is learned from refusals', async (days) => {
    const source = refusing(days)(pagedSource(executions(3000, (index) => index * 500_000)));
    const window = { fromMs: longSpan.fromMs, toMs: longSpan.toMs };
    expect(await read(source, window)).toEqual(keysOf(source.rows));
    expect(source.source.profile.hints.maxSpanMs).toBeGreaterThan(
      days === 90 ? 80 * 86_400_000 : (days - 0.1) * 86_400_000,
    );
  });

  it('ends the first request of a run after a month without rows', async () => {
    const empty = pagedSource([]);
    const { source } = refusing(1)(empty);
    const years = { fromMs: epochMs - 5 * 365 * 86_400_000, toMs: epochMs };
    const { reply, unproven } = await readFirst(source, years);
    expect([reply.rows, unproven]).toEqual([0, []]);
    expect(empty.requests).toBeLessThan(80);
  });

  it("shorter than a day is an error with the source's message", async () => {
    const source = refusing(0.5)(pagedSource(executions(300)));
    await expect(read(source)).rejects.toThrow('the time range is too long');
  });
});

describe('a source with any single trap or pair of traps', () => {
  const traps: Record<string, Partial<PagedSourceTraps>> = {
    'descending order': { order: 'descending' },
    'order by id': { order: 'id' },
    'unstable ties': { shuffleTies: true },
    'exclusive start': { startInclusive: false },
    'exclusive end': { endInclusive: false },
    'count of the page only': { count: 'page' },
    'no count': { count: 'none' },
    'count capped at 300': { count: { cappedAt: 300 } },
    'count capped at one page': { count: { cappedAt: 100 } },
    'no order at all': { order: 'none' },
    'order by id, newest first': { order: 'id-descending' },
    'offsets in pages': { offsetUnit: 'page' },
    'pages of at most 50': { pageCap: 50 },
    'pages of at most 7': { pageCap: 7 },
    'pages of 250, more than asked': { pageCap: 250, ignoresLimit: true },
    'deep offsets refused': { deepestOffset: 350 },
    'one empty page that says count 0': { emptyRequests: new Set([4]) },
    'an empty first page': { emptyRequests: new Set([1]) },
    'one empty page that says the total': { emptyRequests: new Set([4]), glitchCount: 'total' },
    'one short page': { shortRequests: new Set([3]) },
    'a short first page': { shortRequests: new Set([1]) },
  };
  const names = Object.keys(traps);
  const pairs = names.flatMap((a, index) => names.slice(index).map((b) => [a, b] as const));
  it.each(pairs)('is read completely, each row once: %s with %s', async (a, b) => {
    const source = pagedSource(executions(1234, bursty), { ...traps[a], ...traps[b] });
    expect(await read(source)).toEqual(keysOf(source.rows));
  });
});

describe('a source that was once trusted wrongly is read completely if it', () => {
  const bursts = (index: number): number => Math.floor(index / 250) * 60_000;

  it.each<[string, Execution[], Partial<PagedSourceTraps>]>([
    [
      'refuses deeper offsets exactly where its count is capped',
      executions(4000),
      { count: { cappedAt: 1000 }, deepestOffset: 999 },
    ],
    [
      'caps its count at one page, and shows an empty page right after it',
      executions(1500),
      { count: { cappedAt: 100 }, emptyRequests: new Set([2]), glitchCount: 'total' },
    ],
    ['has small pages and bursts in unstable order', executions(1500, bursts), { pageCap: 10, shuffleTies: true }],
    [
      'caps its count far below the rows of bursts, with unstable order and small pages',
      executions(1000, bursts),
      { pageCap: 10, shuffleTies: true, count: { cappedAt: 200 } },
    ],
    [
      'counts the rows of the page, repeatedly shows short pages, and shuffles a dense millisecond',
      executions(108, () => 5),
      {
        pageCap: 10,
        shuffleTies: true,
        count: 'none',
        offsetUnit: 'page',
        shortRequests: new Set(Array.from({ length: 400 }, (_, index) => index * 29 + 3)),
      },
    ],
    ['shuffles more rows of one millisecond than a page holds', executions(730, () => 5), { shuffleTies: true }],
    [
      'shuffles so many rows of one millisecond that two pages rarely share one',
      executions(600, () => 7),
      { shuffleTies: true, pageCap: 20 },
    ],
  ])('%s', async (_what, rows, traps) => {
    const source = pagedSource(rows, traps);
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('loses one of two rows between two requests for its offset', async () => {
    const source = pagedSource(executions(2), {
      count: 'page',
      beforeRequest: (n, self) => {
        self.rows = n > 4 ? self.rows.slice(0, 1) : self.rows;
      },
    });
    expect(await read(source)).toEqual(expect.arrayContaining(keysOf(source.rows)));
  });
});

describe('misleading hints', () => {
  it('do not make a page count as ordered if it is in order by accident', async () => {
    // In order of ids, the start times of the first page rise. Its last row was run again, far ahead of rows not shown
    // yet.
    const rows = executions(400, (index) => (index === 99 ? 390_500 : index * 1000)).map((row) => ({ ...row }));
    const source = pagedSource(rows, { order: 'id', count: { cappedAt: 300 } });
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it.each(['inclusive', 'exclusive'] as const)(
    'hide no rows at x.499, x.500 and x.501 s, with %s ends',
    async (ends) => {
      const source = pagedSource(
        executions(900, (index) => Math.floor(index / 3) * 1000 + 499 + (index % 3)),
        { order: 'descending', startInclusive: ends === 'inclusive', endInclusive: ends === 'inclusive' },
      );
      expect(await read(source)).toEqual(keysOf(source.rows));
    },
  );

  it.each([7, 150, 1200])('hide no row with milliseconds that appears after %i rows of whole seconds', async (at) => {
    const source = pagedSource(
      executions(1230, (index) => (index === at ? index * 1000 + 500 : index * 1000)),
      {
        order: 'descending',
      },
    );
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it.each([-3_000, 3_000])(
    'hide no rows of a source that filters by another time than it shows (%i ms off)',
    async (filterSkewMs) => {
      const source = pagedSource(executions(1230), { filterSkewMs, order: 'descending' });
      const found = await read(source, longSpan);
      expect(found).toEqual(keysOf(source.rows));
    },
  );
});

describe('a window that changes while pages are read', () => {
  it.each([3, 5, 9])('is read completely when a row leaves before request %i', async (at) => {
    const source = pagedSource(executions(1234), {
      beforeRequest: (n, self) => {
        if (n === at) {
          self.rows = self.rows.slice(1);
        }
      },
    });
    expect(await read(source)).toEqual(expect.arrayContaining(keysOf(source.rows)));
  });

  it.each(['ascending', 'descending'] as const)(
    'is read completely when a row leaves before every seventh request, %s',
    async (order) => {
      const source = pagedSource(executions(1500), {
        order,
        beforeRequest: (n, self) => {
          if (n % 7 === 0 && n < 200) {
            self.rows = self.rows.filter((_, index) => index !== (n * 37) % self.rows.length);
          }
        },
      });
      expect(await read(source)).toEqual(expect.arrayContaining(keysOf(source.rows)));
    },
  );

  it('is read completely when late rows appear before every fifth request', async () => {
    const late = executions(2000).filter((_, index) => index % 100 === 50);
    const source = pagedSource(
      executions(2000).filter((_, index) => index % 100 !== 50),
      {
        beforeRequest: (n, self) => {
          const row = n % 5 === 0 ? late.pop() : undefined;
          self.rows = row === undefined ? self.rows : [...self.rows, row];
        },
      },
    );
    const before = [...source.rows];
    expect(await read(source)).toEqual(expect.arrayContaining(keysOf(before)));
  });
});

describe('a window that cannot be proven', () => {
  it('is reported with its span and numbers if the count never matches', async () => {
    const source = pagedSource(executions(300), { distort: (page) => ({ ...page, count: (page.count ?? 0) + 1 }) });
    const failure = await read(source).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IncompleteReadError);
    expect((failure as IncompleteReadError).message).toMatch(
      /^2025-10-\S+Z to 2025-10-\S+Z cannot be proven complete: the source reports \d+ rows and showed \d+ distinct rows$/,
    );
    expect(source.requests).toBeLessThan(200);
  });

  it('is only one second, and rows before and after it are read', async () => {
    const source = pagedSource(
      executions(1000, (index) => (index < 500 ? index * 1000 : index < 800 ? 500_000 : index * 1000)),
      {
        order: 'descending',
        deepestOffset: 99,
      },
    );
    const outcome = await readPartly(source);
    expect(outcome).toMatchObject({ failure: null });
    expect(outcome.unproven.map((error) => error.window)).toEqual([
      { fromMs: epochMs + 499_500, toMs: epochMs + 500_500 },
    ]);
    const others = source.rows.filter(({ startTimeMs }) => startTimeMs !== epochMs + 500_000);
    expect([...outcome.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(others)));
  });

  it.each<[string, Error, (n: number) => boolean]>([
    ['any error', new ConfigError('broken', { remedy: '-' }), (n) => n === 6],
    ['a source that no longer answers', new SourceError('-', { remedy: '-', mayBeOfRequest: true }), (n) => n >= 6],
    ['one that no request causes', new SourceError('-', { remedy: '-', httpStatus: 429 }), (n) => n === 6],
  ])("ends with the source's error, and keeps the proven parts: %s", async (_what, error, isFailing) => {
    const source = pagedSource(executions(1234), {
      order: 'descending',
      distort: (page, n) => {
        if (isFailing(n)) {
          throw error;
        }
        return page;
      },
    });
    const outcome = await readPartly(source);
    expect(outcome).toMatchObject({ failure: error, unproven: [] });
    expect(outcome.proven).toHaveLength(1);
    expect(source.requests).toBeLessThanOrEqual(7);
  });
});

describe('a part that the source fails to deliver', () => {
  const failures = {
    'HTTP 500': { httpStatus: 500, retryable: true },
    'a garbled reply': { httpStatus: 200, retryable: true },
    'a connection that breaks': { retryable: true },
    'a reply that is too large': { retryable: false },
  };
  type How = keyof typeof failures;

  /** A source that fails to deliver every page that `isBroken`. */
  function broken(
    rows: Execution[],
    isBroken: (page: Page, request: PageRequest) => boolean,
    traps: Partial<PagedSourceTraps> = {},
    how: How = 'HTTP 500',
  ) {
    return pagedSource(rows, {
      order: 'descending',
      ...traps,
      distort: (page, _n, request) => {
        if (isBroken(page, request)) {
          throw new SourceError(how, {
            remedy: 'Ask the operator.',
            requestId: 'r-1',
            mayBeOfRequest: true,
            ...failures[how],
          });
        }
        return page;
      },
    });
  }

  const holding =
    (...indexes: number[]) =>
    ({ executions: shown }: Page): boolean =>
      shown.some(({ id }) => indexes.includes(Number(id - 7_000_000_000_000_000_000n)));

  /** Reads a day. Expects that everything outside of the unproven windows is proven and shown. */
  async function readAround(source: ReturnType<typeof pagedSource>): Promise<readonly IncompleteReadError[]> {
    const { failure, proven, unproven, collected } = await readPartly(source);
    expect(failure).toBeNull();
    const windows = inOrder([...proven, ...unproven.map(({ window }) => window)]);
    expect(lengthOf(windows)).toBe(spanMs(day));
    expect(gapsIn(day, windows)).toEqual([]);
    const others = source.rows.filter(({ startTimeMs }) => containsAny(proven, startTimeMs));
    expect([...collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(others)));
    return unproven;
  }

  /** Rows of earlier and later days, so that the first request of a run is delivered in any order. */
  const otherDays = Array.from({ length: 400 }, (_, index) =>
    anExecution({
      id: (index < 200 ? 6_000_000_000_000_000_000n : 8_000_000_000_000_000_000n) + BigInt(index),
      startTimeMs: epochMs + (index < 200 ? -9 : 10) * 86_400_000 + (index % 200) * 1000,
    }),
  );

  async function inTurns(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) {
      await nextTurn();
    }
  }

  const secondOf = (ms: number) => ({ fromMs: epochMs + ms - 500, toMs: epochMs + ms + 500 });

  it.each<[string, Partial<PagedSourceTraps>]>([
    ['newest first', {}],
    ['oldest first', { order: 'ascending' }],
    ['by id', { order: 'id' }],
    ['without an order', { order: 'none' }],
    ['without a count', { count: 'none' }],
    ['with a count of the page', { count: 'page' }],
    ['in pages of 10', { pageCap: 10 }],
  ])('is isolated to the second of its row, and everything else is read, %s', async (_how, traps) => {
    for (const index of [1, 617, 1229]) {
      const source = broken([...executions(1230), ...otherDays], holding(index), traps);
      const unproven = await readAround(source);
      expect(unproven.map(({ window }) => window)).toEqual([secondOf(index * 1000)]);
    }
  });

  it.each(Object.keys(failures) as How[])("is named with the source's own words: %s", async (how) => {
    const [error, ...others] = await readAround(broken(executions(1230), holding(617), {}, how));
    expect(others).toEqual([]);
    expect(error).toMatchObject({ kind: 'incomplete', requestId: 'r-1', cause: { message: how } });
    expect(error?.message).toContain(`cannot be proven complete: ${how}`);
    expect(error?.remedy).toContain('Ask the operator.');
  });

  it('is requested with few retries once a longer window has failed', async () => {
    const source = broken(executions(1230), holding(617));
    await readAround(source);
    const failing = source.asked.filter(
      (request) => request.endTimeMs > epochMs + 617_000 && request.startTimeMs < epochMs + 617_000,
    );
    expect(source.asked.findIndex(({ isDoubtful }) => isDoubtful)).toBeGreaterThan(5);
    expect(failing.slice(-8).map(({ isDoubtful }) => isDoubtful)).toEqual(Array.from({ length: 8 }, () => true));
  });

  it('costs few requests more than the pages', async () => {
    const source = broken(executions(1230), holding(617));
    await readAround(source);
    expect(source.requests).toBeLessThan(21 + 3 * 20);
  });

  it('is isolated twice in one window', async () => {
    const unproven = await readAround(broken(executions(1230), holding(300, 900)));
    expect(inOrder(unproven.map(({ window }) => window))).toEqual([secondOf(300_000), secondOf(900_000)]);
  });

  it('is named with its own error if two of them fail in different ways', async () => {
    const source = pagedSource(executions(1230), {
      order: 'descending',
      distort: (page) => {
        const failing = [300, 900].find((index) => holding(index)(page));
        if (failing !== undefined) {
          throw new SourceError(`HTTP 500 for row ${failing}`, { remedy: '-', mayBeOfRequest: true });
        }
        return page;
      },
    });
    const unproven = inOrder((await readAround(source)).map(({ window, cause }) => ({ ...window, cause })));
    expect(unproven).toMatchObject([300, 900].map((row) => ({ cause: { message: `HTTP 500 for row ${row}` } })));
  });

  it('is one window if it is an hour long, and little around it is left out', async () => {
    const rows = executions(2_000, (index) => index * 40_000);
    const source = broken(rows, ({ executions: shown }) =>
      shown.some(({ startTimeMs: ms }) => ms >= epochMs + 30_000_000 && ms < epochMs + 33_600_000),
    );
    const unproven = await readAround(source);
    expect(source.requests).toBeLessThan(250);
    expect(unproven).toHaveLength(1);
    const { fromMs = 0, toMs = 0 } = unproven[0]?.window ?? {};
    expect(fromMs).toBeGreaterThan(epochMs + 30_000_000 - 7_200_000);
    expect(toMs).toBeLessThan(epochMs + 33_600_000 + 7_200_000);
  });

  it('is three milliseconds if start times have milliseconds, because requests are wider by one', async () => {
    const unproven = await readAround(
      broken(
        executions(500, (index) => index * 777),
        holding(200),
      ),
    );
    const ms = epochMs + 200 * 777;
    expect(unproven.map(({ window }) => window)).toEqual([{ fromMs: ms - 1, toMs: ms + 2 }]);
  });

  it('is its second if that is dense and the page is read by offset', async () => {
    const rows = executions(800, (index) => (index < 300 ? 40_000_000 : index * 1000));
    for (const index of [0, 150, 299]) {
      const unproven = await readAround(broken(rows, holding(index)));
      expect(unproven.map(({ window }) => window)).toEqual([secondOf(40_000_000)]);
    }
  });

  it('leaves a dense second unproven if the longer list that would confirm its end is not delivered', async () => {
    const rows = executions(800, (index) => (index < 250 ? 40_000_000 : 36_000_000 - index * 1000));
    const unproven = await readAround(broken(rows, holding(250), { count: 'none' }));
    expect(inOrder(unproven.map(({ window }) => window))).toEqual([secondOf(35_750_000), secondOf(40_000_000)]);
  });

  it('is nothing if only long windows fail', async () => {
    const source = broken(
      executions(1230),
      (_page, { startTimeMs, endTimeMs }) => endTimeMs - startTimeMs < 2 * 86_400_000 && endTimeMs - startTimeMs > 3e6,
    );
    expect(await readAround(source)).toEqual([]);
  });

  it('is not proven empty if requests for another window come between its two requests', async () => {
    const [other, failing] = [secondOf(100_000), secondOf(50_000)];
    const timings = Array.from({ length: 64 }, (_, index) => [index % 2, (index >> 1) % 4, index >> 3] as const);
    for (const [first, ofOther, ofFailing] of timings) {
      const source = broken(executions(300), holding(50));
      await readPartly(source, secondOf(250_000));
      let sent = first;
      const fetchPage = async (request: PageRequest): Promise<Page> => {
        sent += 1;
        const isEmpty = sent % 2 === 0;
        await inTurns(1 + (request.startTimeMs === failing.fromMs - 1 ? ofFailing : ofOther));
        const page = await source.fetchPage(request);
        return isEmpty ? { ...page, executions: [], count: 0 } : page;
      };
      const delayed = { source: { ...source.source, fetchPage } };
      const [, read] = await Promise.all([readPartly(delayed, failing), readPartly(delayed, other)]);
      expect(read.proven.length === 0 || read.collected.seen.size > 0).toBe(true);
    }
  });

  it.each<[string, PagedSourceTraps['order'], number]>([
    ['newest', 'descending', 599],
    ['oldest', 'ascending', 0],
  ])('does not prevent the first request of a run, even if that shows the %s row', async (_which, order, index) => {
    const rows = executions(600, (at) => (at - 200) * 3_600_000);
    const source = broken(rows, holding(index), { order });
    const { reply, unproven } = await readFirst(source.source, longSpan);
    expect(spanMs(reply.window)).toBeLessThan(spanMs(longSpan));
    expect(reply.rows).toBe(100);
    expect(unproven).toEqual([]);
  });

  it('does not prevent the first request of a run that has rows of its last hours only', async () => {
    const rows = executions(600, (at) => 20 * 86_400_000 - 20_000_000 + at * 30_000);
    const { reply } = await readFirst(broken(rows, holding(599)).source, longSpan);
    expect(reply.rows).toBe(100);
  });

  it('leaves the first request of a run without rows if all of them fail', async () => {
    const source = broken(executions(600), ({ executions: shown }) => shown.length > 0);
    const { reply, unproven } = await readFirst(source.source, longSpan);
    expect(reply.rows).toBe(0);
    expect(unproven[0]).toMatchObject({ cause: { message: 'HTTP 500' } });
    expect(source.requests).toBeLessThan(170);
  });

  it('keeps what the first reply of a run has shown if the second look at it fails', async () => {
    const rows = executions(600);
    let requests = 0;
    const source = broken([...rows, ...rows.slice(-1)], () => ++requests > 1);
    const { reply, collected } = await readFirst(source.source, longSpan);
    expect([reply.rows, collected.seen.size]).toEqual([100, 99]);
  });

  it('ends the first request of a run after three windows if the source answers none', async () => {
    const source = broken(executions(100), () => true);
    await expect(readFirst(source.source, longSpan)).rejects.toMatchObject({ kind: 'source', message: 'HTTP 500' });
    expect(source.requests).toBe(3);
  });
});
