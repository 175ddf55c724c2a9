import { describe, expect, it } from 'vitest';
import { ConfigError, IncompleteReadError, SourceError } from '../../functions/errors.ts';
import { readVerified } from '../../functions/reading/verified.ts';
import {
  anExecution,
  day,
  epochMs,
  executions,
  keysOf,
  type PagedSourceTraps,
  pagedSource,
  readKeys as read,
} from '../support/paged-source.ts';

/** 1,234 rows: bursts of 17 in one millisecond, a burst of 333, and rows a second apart. */
const bursty = (index: number): number =>
  index < 500 ? Math.floor(index / 17) * 60_000 : index < 833 ? 7_200_000 : 10_000_000 + index * 1000;

describe('a well-behaved source', () => {
  it('is read with one request a page', async () => {
    const source = pagedSource(executions(1230));
    expect(await read(source)).toEqual(keysOf(source.rows));
    expect(source.requests).toBe(13);
  });

  it.each<[string, Partial<PagedSourceTraps>]>([
    ['short', { shortRequests: new Set([4]) }],
    ['empty', { emptyRequests: new Set([4]) }],
  ])(
    'is read with three requests more where one page comes back %s: the rest of it, and twice what comes after all',
    async (_how, traps) => {
      const source = pagedSource(executions(1230), traps);
      expect(await read(source)).toEqual(keysOf(source.rows));
      expect(source.requests).toBe(13 + 3);
    },
  );

  it('costs at most two requests where there is nothing or little', async () => {
    const empty = pagedSource([]);
    expect(await read(empty)).toEqual([]);
    expect(empty.requests).toBe(2);
    const few = pagedSource(executions(12));
    expect(await read(few)).toHaveLength(12);
    expect(few.requests).toBe(2);
  });

  it('is asked for a window one millisecond wider at each end', async () => {
    const source = pagedSource(executions(3));
    await read(source, { fromMs: epochMs + 1000, toMs: epochMs + 2001 });
    expect(source.asked[0]).toMatchObject({
      startTimeMs: epochMs + 999,
      endTimeMs: epochMs + 2001,
      offset: 0,
      limit: 100,
    });
  });

  it('is reported as too large instead of being read, with its density and the rows seen by then', async () => {
    const source = pagedSource(executions(1000));
    const outcome = await readVerified(source.reader, day, 500);
    expect(outcome).toMatchObject({ kind: 'tooLarge', rowsPerMs: 1000 / 86_400_000 });
    expect(outcome.collected.seen.size).toBe(100);
    expect(source.requests).toBe(1);
  });
});

describe('every single trap, and all pairs of them', () => {
  const traps: Record<string, Partial<PagedSourceTraps>> = {
    'descending order': { order: 'descending' },
    'order by id': { order: 'id' },
    'unstable ties': { shuffleTies: true },
    'exclusive start': { startInclusive: false },
    'exclusive end': { endInclusive: false },
    'count of the page only': { count: 'page' },
    'no count': { count: 'none' },
    'count capped at 300': { count: { cappedAt: 300 } },
    'pages of at most 50': { pageCap: 50 },
    'pages of at most 7': { pageCap: 7 },
    'deep offsets refused': { deepestOffset: 350 },
    'one empty page that says count 0': { emptyRequests: new Set([4]) },
    'an empty first page': { emptyRequests: new Set([1]) },
    'one empty page that says the total': { emptyRequests: new Set([4]), glitchCount: 'total' },
    'one short page': { shortRequests: new Set([3]) },
    'a short first page': { shortRequests: new Set([1]) },
  };
  const names = Object.keys(traps);
  const pairs = names.flatMap((a, index) => names.slice(index).map((b) => [a, b] as const));
  it.each(pairs)('reads all of it, each once: %s with %s', async (a, b) => {
    const source = pagedSource(executions(1234, bursty), { ...traps[a], ...traps[b] });
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('reads more rows in one millisecond than a page holds, in unstable order', async () => {
    const source = pagedSource(
      executions(730, () => 5),
      { shuffleTies: true },
    );
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('mends unstable ties by reading only the milliseconds that showed a row twice', async () => {
    const source = pagedSource(
      executions(5000, (index) => Math.floor(index / 3) * 1000),
      { shuffleTies: true },
    );
    expect(await read(source)).toEqual(keysOf(source.rows));
    expect(source.requests).toBeLessThan(110);
  });
});

describe('sources that were once believed too soon', () => {
  it('refuses deeper offsets just where its count is capped', async () => {
    const source = pagedSource(executions(4000), { count: { cappedAt: 1000 }, deepestOffset: 999 });
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('caps its count at one page, and shows an empty page right after it', async () => {
    const source = pagedSource(executions(1500), {
      count: { cappedAt: 100 },
      emptyRequests: new Set([2]),
      glitchCount: 'total',
    });
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('has small pages and bursts in unstable order', async () => {
    const source = pagedSource(
      executions(1500, (index) => Math.floor(index / 250) * 60_000),
      { pageCap: 10, shuffleTies: true },
    );
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('caps its count far below what bursts in unstable order and small pages hold', async () => {
    const source = pagedSource(
      executions(3000, (index) => Math.floor(index / 250) * 60_000),
      { pageCap: 10, shuffleTies: true, count: { cappedAt: 200 } },
    );
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('counts pages, shows short ones again and again, and shuffles a busy millisecond', async () => {
    const source = pagedSource(
      executions(108, () => 5),
      {
        pageCap: 10,
        shuffleTies: true,
        count: 'none',
        offsetUnit: 'page',
        shortRequests: new Set(Array.from({ length: 400 }, (_, index) => index * 29 + 3)),
      },
      'page',
    );
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('lets all but one of two rows go between two looks at its offset', async () => {
    const source = pagedSource(executions(2), {
      count: 'page',
      beforeRequest: (n, self) => {
        self.rows = n > 4 ? self.rows.slice(0, 1) : self.rows;
      },
    });
    expect(await read(source)).toEqual(expect.arrayContaining(keysOf(source.rows)));
  });

  it('shuffles so many rows of one millisecond that two pages rarely share one', async () => {
    const source = pagedSource(
      executions(3000, () => 7),
      { shuffleTies: true },
    );
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it('caps its count just where it refuses deeper offsets, and shows by a window read meanwhile that it counts all', async () => {
    const first = { fromMs: epochMs, toMs: epochMs + 62_000 };
    const source = pagedSource(executions(298), { count: { cappedAt: 100 }, deepestOffset: 90 });
    const [, found] = await Promise.all([read(source, first), read(source, { fromMs: first.toMs, toMs: day.toMs })]);
    expect(found).toEqual(expect.arrayContaining(keysOf(source.rows.slice(62))));
  });

  it('tells when one reply held all of a window', async () => {
    const atomic = await readVerified(pagedSource(executions(90)).reader, day, 100);
    expect(atomic).toMatchObject({ kind: 'complete', isAtomic: true });
    const paged = await readVerified(pagedSource(executions(90), { pageCap: 50 }).reader, day, 100);
    expect(paged).toMatchObject({ kind: 'complete', isAtomic: false });
    const inParts = await readVerified(pagedSource(executions(700), { count: { cappedAt: 300 } }).reader, day, 1000);
    expect(inParts).toMatchObject({ kind: 'complete', isAtomic: false });
  });
});

describe('rows that move while pages are read', () => {
  it.each([3, 5, 9])('misses none when a row leaves the window before request %i', async (at) => {
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
    'misses none when a row leaves before every seventh request, %s',
    async (order) => {
      const source = pagedSource(executions(3000), {
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

  it('misses none when one leaves and another comes, and the count is again as it was on the last page', async () => {
    const source = pagedSource(executions(251), {
      beforeRequest: (n, self) => {
        if (n === 2) {
          self.rows = self.rows.slice(1);
        } else if (n === 3) {
          self.rows = [...self.rows, anExecution({ id: 1n, startTimeMs: epochMs + 300_000 })];
        }
      },
    });
    const oneByOne = { ...source, reader: { ...source.reader, inFlight: () => 1 } };
    expect(await read(oneByOne)).toEqual(expect.arrayContaining(keysOf(source.rows)));
  });

  it('misses none when late rows come in before every fifth request', async () => {
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

describe('what cannot be proven', () => {
  it('fails naming the window and the numbers when count never fits', async () => {
    const source = pagedSource(executions(30));
    const reader = {
      ...source.reader,
      fetchPage: async (request: Parameters<typeof source.fetchPage>[0]) => {
        const page = await source.fetchPage(request);
        return { ...page, count: (page.count ?? 0) + 1 };
      },
    };
    const failure = await readVerified(reader, day, 1000).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(IncompleteReadError);
    expect((failure as IncompleteReadError).message).toMatch(/count \d+ and showed \d+ distinct rows/);
    expect(source.requests).toBeLessThan(1200);
  });

  it.each(['none', 'page'] as const)(
    'says that the source counts offset in pages also after a window of one page, which did not tell (count: %s)',
    async (count) => {
      const source = pagedSource(executions(700), { offsetUnit: 'page', count });
      const small = { fromMs: epochMs, toMs: epochMs + 12_000 };
      expect(await readVerified(source.reader, small, 1000)).toMatchObject({ kind: 'complete' });
      await expect(readVerified(source.reader, day, 1000)).rejects.toThrow(/counts offset in pages/);
    },
  );

  it('says that the source counts offset in pages', async () => {
    const source = pagedSource(executions(700), { offsetUnit: 'page' });
    await expect(read(source)).rejects.toThrow(/counts offset in pages.*source\.offsetUnit is "row"/);
    await expect(read(source)).rejects.toBeInstanceOf(ConfigError);
  });

  it.each(['page', 'none'] as const)('says so also where count is no total (%s)', async (count) => {
    const source = pagedSource(executions(700), { offsetUnit: 'page', count });
    await expect(read(source)).rejects.toThrow(/counts offset in pages/);
  });

  it('says that the source counts offset in rows', async () => {
    const source = pagedSource(executions(700), {}, 'page');
    await expect(read(source)).rejects.toThrow(/counts offset in rows.*source\.offsetUnit is "page"/);
  });

  it.each([
    {},
    { pageCap: 40 },
    { count: 'page' as const },
    { shortRequests: new Set([3]) },
    { emptyRequests: new Set([1]) },
    { shortRequests: new Set([1]) },
    { count: { cappedAt: 250 } },
    { count: { cappedAt: 300 } },
  ])('reads a source that counts pages, configured so: %o', async (traps) => {
    const source = pagedSource(executions(1234, bursty), { offsetUnit: 'page', ...traps }, 'page');
    expect(await read(source)).toEqual(keysOf(source.rows));
  });

  it.each([
    ['any error', new Error('broken')],
    ['one of the source that refuses no offset', new SourceError('broken', { remedy: '-', httpStatus: 503 })],
  ])('passes on an error of the source, with no request left under way: %s', async (_what, error) => {
    const source = pagedSource(executions(1234));
    let underWay = 0;
    const reader = {
      ...source.reader,
      fetchPage: async (request: Parameters<typeof source.fetchPage>[0]) => {
        underWay += 1;
        try {
          const page = await source.fetchPage(request);
          if (source.requests === 5) {
            throw error;
          }
          return page;
        } finally {
          underWay -= 1;
        }
      },
    };
    await expect(readVerified(reader, day, 10_000)).rejects.toThrow('broken');
    expect(underWay).toBe(0);
  });
});
