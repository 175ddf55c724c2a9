/** Replies whose counts match although rows are missing must not prove a window. */
import { describe, expect, it } from 'vitest';
import { IncompleteReadError } from '../../functions/errors.ts';
import type { Execution, Page } from '../../functions/model.ts';
import {
  anExecution,
  epochMs,
  executions,
  keysOf,
  type PagedSourceTraps,
  pagedSource,
  readKeys,
  readWindow,
} from '../support/paged-source.ts';

const millisecond = { fromMs: epochMs + 5, toMs: epochMs + 6 };

/** Returns the page with `shown` in place of `hidden`, if `hidden` is on it. */
function instead(page: Page, hidden: Execution | undefined, shown: Execution | undefined): Page {
  return { ...page, executions: page.executions.map((row) => (row === hidden ? shown! : row)) };
}

/** Hides a row behind another one, each time behind the next of the other rows, and finally shows it. */
function hidingBehind(hidden: Execution | undefined, others: readonly (Execution | undefined)[]) {
  let times = 0;
  return (page: Page): Page => {
    const shown = page.executions.some((row) => row === hidden) ? others[times++] : undefined;
    return shown === undefined ? page : instead(page, hidden, shown);
  };
}

/** Returns an empty page for the first request with an offset. */
function emptyOnce(offset: number): PagedSourceTraps['distort'] {
  let isDue = true;
  return (page, _n, asked) => {
    const isEmpty = isDue && asked.offset === offset;
    isDue &&= !isEmpty;
    return isEmpty ? { ...page, executions: [] } : page;
  };
}

describe('a row that one reply shows twice', () => {
  it.each([30, 250])('does not count as the missing row, of %i rows', async (rows) => {
    const source = pagedSource(executions(rows), {
      distort: (page, n) => (n === 1 ? instead(page, source.rows[9], source.rows[8]) : page),
    });
    expect(await readKeys(source)).toEqual(keysOf(source.rows));
  });

  it('does not count as the missing row if the next scan shows another one twice', async () => {
    const rows = executions(230);
    const [before, , after] = rows.slice(8);
    const source = pagedSource(rows, { distort: hidingBehind(rows[9], [before, before, after]) });
    expect(await readKeys(source)).toEqual(keysOf(rows));
  });

  it('does not count as the missing row if it was really listed twice until a row left', async () => {
    const rows = executions(230, () => 5);
    const twin = { ...rows[20]! };
    const distort = hidingBehind(rows[9], [rows[8], rows[10], rows[11]]);
    const source = pagedSource([...rows, twin], {
      distort,
      beforeRequest: (n, self) => {
        self.rows = n === 7 ? rows : self.rows;
      },
    });
    expect(await readKeys(source, millisecond)).toEqual(keysOf(rows));
  });

  it('counts as one row, and does not prevent a proof, if the source permanently lists it twice', async () => {
    const twice = executions(30);
    const source = pagedSource([...twice, twice[5]!]);
    expect(await readKeys(source)).toEqual(keysOf(twice));
    expect(source.requests).toBeLessThan(150);
  });

  it('counts as one row even if it cannot be read', async () => {
    const source = pagedSource(executions(30), { unreadableText: ({ id }) => (id % 10n < 2n ? '{"id":"x"}' : null) });
    const { seen, unreadable } = await readWindow(source);
    expect([seen.size, [...unreadable.keys()]]).toEqual([24, ['unreadable {"id":"x"}']]);
    expect(source.requests).toBeLessThan(150);
  });
});

it.each<[string, (page: Page) => Page]>([
  ['a row twice', (page) => instead(page, page.executions[5], page.executions[4])],
  ['no row', (page) => ({ ...page, executions: [], count: 0 })],
  ['half of the rows', (page) => ({ ...page, executions: page.executions.slice(0, 15), count: null })],
])(
  'a fault in every second reply, which shows %s, does not hit every read of one of two parallel windows',
  async (_what, wrong) => {
    const source = pagedSource(executions(400), { distort: (page, n) => (n % 2 === 1 ? wrong(page) : page) });
    await readKeys(source, { fromMs: epochMs + 300_000, toMs: epochMs + 301_000 });
    const windows = [0, 100_000].map((ms) => ({ fromMs: epochMs + ms - 500, toMs: epochMs + ms + 29_500 }));
    const found = await Promise.all(windows.map((window) => readKeys(source, window)));
    expect(found).toEqual([keysOf(source.rows.slice(0, 30)), keysOf(source.rows.slice(100, 130))]);
  },
);

it('rows that cannot be read are all returned, whichever scan has shown them, and are counted like others', async () => {
  const source = pagedSource(executions(430), {
    unreadableText: ({ id }) => (id % 20n === 0n ? `{"id":"${id}"}` : null),
    pageCap: 20,
    beforeRequest: (n, self) => {
      self.rows = n === 5 ? self.rows.filter((_, index) => index !== 1) : self.rows;
    },
  });
  const { seen, unreadable } = await readWindow(source);
  expect(unreadable.size).toBe(22);
  expect(seen.size).toBeGreaterThanOrEqual(407);
  expect(source.requests).toBeLessThan(120);
});

describe('a count that is capped', () => {
  it.each([
    ['at a round number', 300],
    ['at any', 333],
  ])('at the end of a short page is detected: %s', async (_where, cappedAt) => {
    const source = pagedSource(executions(1000), {
      count: { cappedAt },
      distort: (page, n, { offset }) => {
        const endsAt = [cappedAt - 20, cappedAt].find((end) => end > offset && end < offset + page.executions.length);
        return n > 8 || endsAt === undefined
          ? page
          : { ...page, executions: page.executions.slice(0, endsAt - offset) };
      },
    });
    expect(await readKeys(source)).toEqual(keysOf(source.rows));
  });

  it.each<[string, Partial<PagedSourceTraps>]>([
    ['more comes', {}],
    ['deeper offsets are refused', { deepestOffset: 300 }],
    ['an empty page comes first', { distort: emptyOnce(301) }],
  ])('at the end of a full page is detected if after it %s', async (_what, traps) => {
    const source = pagedSource(executions(1000), { count: { cappedAt: 301 }, pageCap: 7, ...traps });
    expect(await readKeys(source)).toEqual(keysOf(source.rows));
  });

  it.each([100, 300, 350, 1000])('together with the list, at %i, is detected', async (cappedAt) => {
    const source = pagedSource(executions(2100), { count: { cappedAt }, listCappedAt: cappedAt });
    expect(await readKeys(source)).toEqual(keysOf(source.rows));
  });

  it('is not assumed if the window has exactly as many rows, one of them in its middle', async () => {
    const source = pagedSource(executions(300, (index) => index * 288_000));
    expect(await readKeys(source)).toEqual(keysOf(source.rows));
    expect(source.requests).toBeLessThanOrEqual(9);
  });
});

it.each([1, 2, 39])(
  'a count of the page only is not mistaken for a total after a window of %i rows that it matched',
  async (rows) => {
    const source = pagedSource(executions(500), { count: 'page', pageCap: 40 });
    const firstRows = { fromMs: epochMs - 5000, toMs: epochMs + rows * 1000 - 500 };
    expect(await readKeys(source, firstRows)).toHaveLength(rows);
    expect(await readKeys(source)).toEqual(keysOf(source.rows));
  },
);

describe('an empty page', () => {
  it.each([
    ['row', 2],
    ['row', 3],
    ['page', 2],
  ] as const)(
    'that repeats the count of the previous page does not end the list, with counts of the %s, as reply %i',
    async (offsetUnit, nth) => {
      const distort: PagedSourceTraps['distort'] = (page, n) =>
        n === nth ? { ...page, executions: [], count: 100 } : page;
      const source = pagedSource(executions(1234), { count: 'page', offsetUnit, distort });
      expect(await readKeys(source)).toEqual(keysOf(source.rows));
    },
  );

  it('an empty page with a count above zero is not the end, even twice', async () => {
    const source = pagedSource(executions(250), { emptyRequests: new Set([1, 2]), glitchCount: 'total' });
    expect(await readKeys(source)).toEqual(keysOf(source.rows));
  });

  it('an empty page with a count above zero fails the read if it is repeated', async () => {
    const source = pagedSource([], { distort: (page) => ({ ...page, count: 7 }) });
    await expect(readKeys(source)).rejects.toThrow(/reports 7 rows and showed 0 distinct rows/);
    await expect(readKeys(source)).rejects.toBeInstanceOf(IncompleteReadError);
  });
});

describe('the end of the list', () => {
  it.each(['page', 'none'] as const)(
    'does not prove the window the first time if a row has left and count (%s) is not a total',
    async (count) => {
      const source = pagedSource(executions(250), {
        count,
        beforeRequest: (n, self) => {
          self.rows = n === 3 ? self.rows.slice(1) : self.rows;
        },
      });
      expect(await readKeys(source)).toEqual(expect.arrayContaining(keysOf(source.rows)));
    },
  );
});

describe('several scans of a dense second', () => {
  it('do not count rows that left before the last scan', async () => {
    const rows = executions(230);
    const source = pagedSource(rows, {
      distort: hidingBehind(rows[9], [rows[8], rows[8], rows[10]]),
      beforeRequest: (n, self) => {
        self.rows = n === 5 ? rows.slice(0, -1) : self.rows;
      },
    });
    expect(await readKeys(source)).toEqual(expect.arrayContaining(keysOf(rows.slice(0, -1))));
  });

  it('start over if one row left and another appeared in a millisecond of unstable order', async () => {
    const rows = executions(250, () => 5);
    const source = pagedSource(rows, {
      shuffleTies: true,
      beforeRequest: (n, self) => {
        self.rows = n === 4 ? [...rows.slice(1), anExecution({ id: 1n, startTimeMs: epochMs + 5 })] : self.rows;
      },
    });
    expect(await readKeys(source, millisecond)).toEqual(expect.arrayContaining(keysOf(source.rows)));
  });

  it('find the new end of a millisecond with fewer rows, without counts', async () => {
    const rows = executions(250, () => 5);
    const source = pagedSource(rows, {
      count: 'none',
      beforeRequest: (n, self) => {
        self.rows = n === 6 ? rows.slice(1) : self.rows;
      },
    });
    expect(await readKeys(source, millisecond)).toEqual(keysOf(rows));
  });
});
