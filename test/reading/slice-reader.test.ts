/** Slices read in parallel. Each case would lose rows without one of the rules of the reading. */
import { describe, expect, it } from 'vitest';
import { IncompleteReadError } from '../../functions/errors.ts';
import { containsAny } from '../../functions/intervals.ts';
import { type Execution, executionKey, type Page, type Window } from '../../functions/model.ts';
import type { Reply } from '../../functions/reading/page-source.ts';
import { readFirst, readWindow } from '../../functions/reading/read-window.ts';
import { LookbackGate } from '../../functions/sync/lookback-gate.ts';
import { type ReadSlice, SliceReader, type SliceReading } from '../../functions/sync/slice-reader.ts';
import {
  anExecution,
  day,
  epochMs,
  executions,
  keysOf,
  longSpan,
  type PagedSource,
  type PagedSourceTraps,
  pagedSource,
  readPartly,
} from '../support/paged-source.ts';

/** Returns the span of rows `from` to `to`, which are a second apart. */
const rowsSpan = (from: number, to: number): Window => ({
  fromMs: epochMs + from * 1000 - 500,
  toMs: epochMs + to * 1000 - 500,
});

/** Makes a reader with one slice per span, after a first reply over a long span. */
async function slicesOf(source: PagedSource, spans: readonly Window[], change: Partial<SliceReading> = {}) {
  const { collected: shown } = await readFirst(source.source, longSpan);
  return new SliceReader({
    source: source.source,
    spans,
    barrierMs: null,
    settledUntilMs: () => Number.POSITIVE_INFINITY,
    rereadFromMs: Number.POSITIVE_INFINITY,
    shown,
    rowsPerMs: 1e-9,
    rowsInTimeLeft: () => Number.POSITIVE_INFINITY,
    now: () => epochMs,
    ...change,
  });
}

/** Delays the reply to the nth request by a number of microtask turns. */
function delayed(inMemory: PagedSource, turns: readonly number[]): PagedSource {
  const fetchPage: PagedSource['fetchPage'] = async (request) => {
    const reply = inMemory.fetchPage(request);
    const n = inMemory.requests;
    const page = await reply;
    for (let turn = 0; turn < (turns[n] ?? 0); turn += 1) {
      await Promise.resolve();
    }
    return page;
  };
  return { ...inMemory, source: { ...inMemory.source, fetchPage } };
}

/** Reads to the end as a run does, again after a revocation. Returns the final slices and all keys handed on. */
async function readAll(
  slices: SliceReader,
  spans: readonly Window[],
): Promise<{ keys: Set<string>; left: ReadSlice[] }> {
  const keys = new Set<string>();
  let left: ReadSlice[] = [];
  for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
    left.push(slice);
    for (const key of slice.collected.seen.keys()) {
      keys.add(key);
    }
    if (slices.takeRevocation()) {
      left = [];
      slices.keepOnly(spans);
    }
  }
  return { keys, left };
}

const short = (page: Page, rows: number, count: number): Page => ({
  ...page,
  executions: page.executions.slice(0, rows),
  count,
});

describe('slices read while trust in counts or balances is revoked', () => {
  it('are read again, including one that had ended when another slice showed a larger page', async () => {
    // The first reply is short, so counts of pages seem to be totals, as does that of a short reply, until a full page
    // arrives.
    const spans = [rowsSpan(0, 3), rowsSpan(10, 13), rowsSpan(20, 26)];
    const rows = executions(40).filter((_, index) => index < 3 || (index >= 10 && index < 13) || index >= 20);
    const distort: PagedSourceTraps['distort'] = (page, n) =>
      n === 1 ? short(page, 3, 6) : n === 3 ? short(page, 2, 2) : page;
    const source = pagedSource(rows, { count: 'page', pageCap: 6, distort });
    // The first slice waits longest, so the second one has ended when the third one shows the full page.
    const slices = await slicesOf(delayed(source, [0, 0, 200, 0, 100]), spans);
    const { keys, left } = await readAll(slices, spans);
    expect([...keys]).toEqual(expect.arrayContaining(keysOf(rows.slice(0, 12))));
    expect(left.flatMap(({ proven }) => proven)).toEqual(spans);
  });

  it('return all rows that replies have shown, even if they left before the second read', async () => {
    const spans = [rowsSpan(0, 3), rowsSpan(20, 26)];
    const rows = executions(40).filter((_, index) => index < 3 || index >= 20);
    const source = pagedSource(rows, {
      count: 'page',
      pageCap: 6,
      distort: (page, n) => (n === 1 ? short(page, 0, 0) : n === 2 ? short(page, 3, 6) : page),
      beforeRequest: (n, self) => {
        self.rows = n > 4 ? self.rows.filter((row) => row !== rows[1]) : self.rows;
      },
    });
    const { keys } = await readAll(await slicesOf(source, spans, { shown: undefined }), spans);
    expect([...keys]).toEqual(expect.arrayContaining(keysOf(rows.slice(0, 9))));
  });

  it('are read again if a row outside the requested span appears after a balance that it falsified', async () => {
    // Row 25 is filtered as if it had started 20 s before. A page that is in order by accident shows it, and not row
    // 26.
    const rows = executions(60);
    const spans = [rowsSpan(0, 40)];
    const first = [...rows.slice(24, 26), ...rows.slice(27, 40)].toReversed();
    const second = rows.slice(9, 24).toReversed();
    const source = pagedSource(rows, {
      order: 'descending',
      pageCap: 15,
      deviationMs: (row) => (row === rows[25] ? -20_000 : 0),
      distort: (page, n) =>
        n === 2 ? { ...page, executions: first } : n === 3 ? { ...page, executions: second } : page,
    });
    const { keys } = await readAll(await slicesOf(source, spans, { shown: undefined }), spans);
    expect([...keys].sort()).toEqual(keysOf(rows.slice(0, 40)));
  });
});

describe('pages that grow during a run', () => {
  it('do not make a page that was cut off before look short', async () => {
    // Second 18 has a row more than a page. If another slice shows a larger page between two looks at it and their
    // judgment, both looks have fewer rows than the largest page.
    const seconds = [0, 16, 16, 16, 16, 16, 16.001, 17, 18, 18, 18, 18, 18, 18, 18];
    const rows = [-3600, -3599, ...seconds, 3600, 3601, 3602].map((second, index) =>
      anExecution({ id: BigInt(index), startTimeMs: epochMs + second * 1000 }),
    );
    const spans = [rowsSpan(0, 18), rowsSpan(18, 19), rowsSpan(19, 41)];
    const repeated = (page: Page): Page => ({
      ...page,
      executions: page.executions.map((row, index) => page.executions[Math.max(1, index)] ?? row),
    });
    for (let at = 3; at <= 20; at += 1) {
      const source = pagedSource(rows, {
        startInclusive: false,
        endInclusive: false,
        count: 'page',
        pageCap: (n) => (n < at ? 6 : 7),
        distort: (page, n) => (n === 3 ? repeated(page) : page),
      });
      const { keys, left } = await readAll(await slicesOf(source, spans), spans);
      expect([...keys]).toEqual(expect.arrayContaining(keysOf(rows.slice(2, -3))));
      expect(left.flatMap(({ proven }) => proven)).toEqual(spans);
    }
  });
});

describe('rows that have left', () => {
  it("are returned with the part in which the run's first reply showed them", async () => {
    const rows = executions(30);
    const spans = [rowsSpan(0, 15), rowsSpan(15, 30)];
    const source = pagedSource(rows, {
      order: 'descending',
      beforeRequest: (n, self) => {
        self.rows = n > 1 ? rows.slice(0, -1) : rows;
      },
    });
    const { left } = await readAll(await slicesOf(source, spans), spans);
    const inLast = left.find(({ window }) => window.fromMs === spans[1]!.fromMs)?.collected.seen;
    expect([...(inLast?.keys() ?? [])]).toEqual(expect.arrayContaining(keysOf(rows.slice(-1))));
  });

  it('are returned even if only a request for the next part has shown them, 1 ms before it begins', async () => {
    const rows = [
      ...executions(3),
      anExecution({ id: 1n, startTimeMs: epochMs + 9_499 }),
      ...executions(3, (index) => 3_600_000 + index * 1000).map((row) => ({ ...row, id: row.id + 100n })),
    ];
    const spans = [rowsSpan(0, 10), rowsSpan(10, 20)];
    const source = pagedSource(rows, {
      pageCap: 6,
      distort: (page, n) => (n === 2 ? { ...page, executions: [] } : page),
      beforeRequest: (n, self) => {
        self.rows = n > 3 ? self.rows.filter(({ id }) => id !== 1n) : self.rows;
      },
    });
    const { keys } = await readAll(await slicesOf(source, spans, { shown: undefined }), spans);
    expect([...keys]).toEqual(expect.arrayContaining(keysOf(rows.slice(0, 4))));
  });

  it('are returned with the part that covers their time if the part that showed them is not proven', async () => {
    const rows = executions(600);
    const spans = [rowsSpan(0, 600)];
    let isGone = false;
    const source = pagedSource(rows, {
      order: 'descending',
      beforeRequest: (_n, self) => {
        self.rows = isGone ? self.rows.filter((row) => row !== rows[370]) : self.rows;
      },
    });
    const slices = await slicesOf(source, spans, { shown: undefined, rowsPerMs: 0.5, rowsInTimeLeft: () => 100 });
    const keys = new Set<string>();
    for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
      const provenFromMs = Math.min(...slice.proven.map(({ fromMs }) => fromMs));
      for (const [key, { execution }] of slice.collected.seen) {
        expect(execution.startTimeMs).toBeGreaterThanOrEqual(provenFromMs - 1);
        keys.add(key);
      }
      isGone = true;
    }
    expect(keys.size).toBe(600);
  });
});

it('the barrier delays requests after it until everything before it is read', async () => {
  const source = pagedSource(executions(300));
  const spans = [rowsSpan(0, 300)];
  const barrierMs = epochMs + 200_000 - 500;
  const slices = await slicesOf(source, spans, { barrierMs });
  await readAll(slices, spans);
  const asked = source.asked.slice(1).map(({ startTimeMs }) => startTimeMs + 1 >= barrierMs);
  expect(asked).toEqual([...asked].sort());
  expect(new Set(asked).size).toBe(2);
  const crossing = source.asked.slice(1).filter((ask) => ask.startTimeMs < barrierMs - 1 && ask.endTimeMs > barrierMs);
  expect(crossing).toEqual([]);
});

describe('the lookback gate', () => {
  const slice = (window: Window, isProven: boolean): ReadSlice => ({
    window,
    proven: isProven ? [window] : [],
    unproven: isProven ? [] : [new IncompleteReadError(window, 3, 2)],
    collected: { seen: new Map(), unreadable: new Map() },
    begunAtMs: epochMs,
    settledUntilMs: epochMs,
  });
  const [lookback, later] = [rowsSpan(0, 10), rowsSpan(10, 20)];

  it('releases slices after a lookback once it is read, even if it cannot be proven', () => {
    const gate = new LookbackGate([lookback]);
    expect(gate.release(slice(later, true))).toEqual([]);
    const passed = gate.release(slice(lookback, false));
    expect(passed.map(({ window }) => window)).toEqual([lookback, later]);
  });
});

describe('the first request of a run', () => {
  it('is repeated if its reply is empty', async () => {
    const source = pagedSource(executions(300), { emptyRequests: new Set([1]) });
    const { reply } = await readFirst(source.source, longSpan);
    expect([reply.rows, source.source.profile.largestCount, source.requests]).toEqual([100, 300, 2]);
  });

  it('is made twice if the source is empty', async () => {
    const source = pagedSource([]);
    const { reply }: { reply: Reply } = await readFirst(source.source, longSpan);
    expect([reply.rows, source.requests]).toEqual([0, 2]);
  });
});

describe('a single wrong reply', () => {
  it('a single wrong reply with a row twice does not prove its window by its count', async () => {
    const rows = executions(300);
    const source = pagedSource(rows, {
      distort: (page, n) =>
        n === 2 ? { ...page, executions: page.executions.map((row) => (row === rows[9] ? rows[8]! : row)) } : page,
    });
    const read = await readPartly(source, rowsSpan(0, 30));
    expect([...read.collected.seen.keys()].sort()).toEqual(keysOf(rows.slice(0, 30)));
  });

  it('a single wrong reply that is short, with a matching count, does not prove its window after a failed balance', async () => {
    const rows = executions(300);
    const source = pagedSource(rows, {
      order: 'descending',
      distort: (page, n) => (n === 3 ? short(page, 20, 20) : page),
    });
    const read = await readPartly(source, rowsSpan(100, 280));
    expect([...read.collected.seen.keys()].sort()).toEqual(keysOf(rows.slice(100, 280)));
  });

  it('a single wrong reply that is short does not prove its window because two rows leave before the next', async () => {
    const rows = executions(300);
    const source = pagedSource(rows, {
      count: 'none',
      beforeRequest: (n, self) => {
        self.rows = n > 2 ? rows.filter((row) => row !== rows[12] && row !== rows[13]) : rows;
      },
      distort: (page, n) => (n === 2 ? { ...page, executions: page.executions.slice(1) } : page),
    });
    const read = await readPartly(source, rowsSpan(10, 16));
    expect([...read.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(rows.slice(10, 12))));
    expect(read.proven).toEqual([rowsSpan(10, 16)]);
    expect(source.requests).toBeGreaterThan(3);
  });

  it('a single wrong reply with a row outside its span proves nothing by its own balance', async () => {
    const rows = executions(200);
    // Row 150 is filtered as if it had started 130 s before, and the first page shows it, but not row 151.
    const page = rows.slice(79, 180).filter((row) => row !== rows[151]);
    const source = pagedSource(rows, {
      order: 'descending',
      deviationMs: (row) => (row === rows[150] ? -130_000 : 0),
      distort: (reply, n) => (n === 2 ? { ...reply, executions: page.toReversed() } : reply),
    });
    const read = await readPartly(source, rowsSpan(0, 180));
    expect([...read.collected.seen.keys()].sort()).toEqual(keysOf(rows.slice(0, 180)));
  });
});

describe('a balance', () => {
  it('does not prove a settled part by a remainder in which rows may still appear', async () => {
    // The page is in order by accident and lacks row 50. A late row after it compensates for that in the second count.
    const rows = executions(300);
    const page = rows.slice(0, 101).filter((row) => row !== rows[50]);
    const settledUntilMs = epochMs + 150_000 - 500;
    const source = pagedSource(rows, {
      beforeRequest: (n, self) => {
        self.rows = n >= 3 ? [...rows, anExecution({ id: 1n, startTimeMs: epochMs + 160_000 })] : rows;
      },
      distort: (reply, n) => (n === 2 ? { ...reply, executions: page } : reply),
    });
    const read = await readPartly(source, rowsSpan(0, 180), { settledUntilMs, rereadFromMs: settledUntilMs });
    expect([...read.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(rows.slice(0, 150))));
  });

  /** The first page of a window of 130 rows lacks row 80. */
  const firstPage = (rows: readonly Execution[]) => rows.slice(29, 130).filter((row) => row !== rows[80]);

  it.each([
    ['a reply that may be wrong, because enough rows were shown', [3], 129],
    ['one of many replies that may be wrong, because rows leave before each look', [3, 5, 7], 1000],
  ])('does not use the count of %s', async (_which, wrong, enoughRows) => {
    const rows = executions(300);
    const leftBefore = (n: number): number => 3 * [4, 6, 8].filter((at) => n >= at).length;
    const source = pagedSource(rows, {
      order: 'descending',
      beforeRequest: (n, self) => {
        self.rows = rows.slice(leftBefore(n));
      },
      distort: (page, n) => {
        const old = { ...page, count: 31, executions: page.executions.slice(1) };
        return n === 2 ? { ...page, executions: firstPage(rows).toReversed() } : wrong.includes(n) ? old : page;
      },
    });
    const read = await readPartly(source, rowsSpan(0, 130), { isEnough: ({ seen }) => seen.size >= enoughRows });
    const isProven = containsAny(read.proven, rows[80]!.startTimeMs);
    expect(read.collected.seen.has(executionKey(rows[80]!))).toBe(isProven);
  });

  it('counts no row twice if the last of three replies shows one in place of another', async () => {
    const rows = executions(300);
    const twice = (page: Page, hidden: number): Page => ({
      ...page,
      executions: page.executions.map((row) => (row === rows[hidden] ? rows[100]! : row)),
    });
    const source = pagedSource(rows, {
      order: 'descending',
      // Three rows leave before the last look, so its page reaches further back than those before it.
      beforeRequest: (n, self) => {
        self.rows = n >= 5 ? rows.filter((_, index) => index < 177 || index >= 180) : rows;
      },
      distort: (page, n) => (n === 2 ? twice(page, 120) : n === 5 ? twice(page, 78) : page),
    });
    await readFirst(source.source, longSpan);
    const task = { settledUntilMs: Number.POSITIVE_INFINITY, rereadFromMs: Number.POSITIVE_INFINITY };
    const others = { isEnough: () => false };
    const [read] = await Promise.all([
      readWindow(source.source, { ...task, ...others, window: rowsSpan(0, 180) }),
      readWindow(source.source, { ...task, ...others, window: rowsSpan(200, 230) }),
    ]);
    expect([...read.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(rows.slice(0, 177))));
  });
});

describe('a dense second', () => {
  const second = { fromMs: epochMs + 4_500, toMs: epochMs + 5_500 };
  const elsewhere = [-3_600_000, -3_500_000, 3_500_000, 3_600_000].flatMap((ms, at) =>
    Array.from({ length: 10 }, (_, index) =>
      anExecution({ id: BigInt(100 * at + index + 1), startTimeMs: epochMs + ms + index * 1000 }),
    ),
  );
  const dense = (count: number) => executions(count, () => 5_000);

  it('is not proven by the first scan that finds its end, because a row left and another shifted', async () => {
    const rows = dense(12);
    for (let at = 2; at <= 12; at += 1) {
      const source = pagedSource([...elsewhere, ...rows], {
        pageCap: 6,
        count: 'none',
        beforeRequest: (n, self) => {
          self.rows = n >= at ? [...elsewhere, ...rows.slice(1)] : self.rows;
        },
      });
      const read = await readPartly(source, second);
      expect([...read.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(rows.slice(1))));
      expect(read.proven).toEqual([second]);
    }
  });

  it('does not conclude from one short reply to offset 1 that offsets count pages', async () => {
    const rows = dense(6);
    for (let at = 2; at <= 12; at += 1) {
      const source = pagedSource([...elsewhere, ...rows], {
        pageCap: 6,
        count: 'none',
        distort: (page, n) => (n === at ? { ...page, executions: page.executions.slice(0, 3) } : page),
      });
      const read = await readPartly(source, second);
      expect([...read.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(rows)));
      expect(read.proven).toEqual([second]);
    }
  });

  it('requests a short page again if offsets count pages, because its rows are on no later page', async () => {
    const rows = dense(17);
    for (let at = 2; at <= 24; at += 1) {
      const source = pagedSource([...elsewhere, ...rows], {
        pageCap: 6,
        count: 'none',
        offsetUnit: 'page',
        // Two scans would show the same page if nothing was requested again.
        distort: (page, n) => (n === at || n === at + 5 ? { ...page, executions: page.executions.slice(0, 3) } : page),
      });
      const read = await readPartly(source, second);
      expect([...read.collected.seen.keys()]).toEqual(expect.arrayContaining(keysOf(rows)));
      expect(read.proven).toEqual([second]);
    }
  });
});

it('reads a day in slices of the size that the time left allows', async () => {
  const source = pagedSource(executions(800));
  const slices = await slicesOf(source, [day], { rowsPerMs: 0.001, rowsInTimeLeft: () => 150 });
  const { keys, left } = await readAll(slices, [day]);
  expect([keys.size, left.length > 2]).toEqual([800, true]);
});
