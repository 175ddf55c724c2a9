/**
 * Tests reading over random schedules: several slices in parallel, from sources with all kinds of traps. At any
 * request, a reply may be wrong, a row may leave or appear late, replies overtake each other, and the page size
 * changes. Pages have 3 to 6 rows, which makes rare coincidences likely.
 *
 * A part that is reported as proven must contain each settled row that was listed all the time, and each row that any
 * reply has shown.
 */
import fc from 'fast-check';
import { SourceError } from '../../../functions/errors.ts';
import { containsAny, cutAt, lengthOf, spanMs, unionOf } from '../../../functions/intervals.ts';
import { type Execution, executionKey, type FetchPage, type Page, type Window } from '../../../functions/model.ts';
import { readFirst } from '../../../functions/reading/read-window.ts';
import { type ReadSlice, SliceReader } from '../../../functions/sync/slice-reader.ts';
import {
  anExecution,
  epochMs,
  longSpan,
  type PagedSource,
  type PagedSourceTraps,
  pagedSource,
} from '../../support/paged-source.ts';

/** Figures of a series of reads. */
export interface ReadingResult {
  readonly reads: number;
  /** Reads that proved their whole window. */
  readonly proven: number;
  readonly rows: number;
  /** The failing schedule with its seed, as JSON; null if there is none. */
  readonly counterexample: string | null;
}

const windowSeconds = 41;
const firstId = 7_000_000_000_000_000_000n;
const window = { fromMs: epochMs - 500, toMs: epochMs + windowSeconds * 1000 - 500 };
/** Most schedules take a few dozen requests, so later events would have no effect. */
const lastRequest = 40;
/** A density at which each span is one slice. */
const lowDensity = 1e-9;

const request = fc.integer({ min: 1, max: lastRequest });

/** A wrong reply (PROOF.md, A4). */
const glitch = fc.record({
  at: request,
  kind: fc.constantFrom('empty', 'short', 'twice'),
  count: fc.constantFrom('true', 'zero', 'old'),
  row: fc.nat(5),
  inPlaceOf: fc.nat(5),
});

const change = fc.record({ at: request, kind: fc.constantFrom('leaves', 'leaves', 'appears'), pick: fc.nat(999) });

const schedule = fc.record({
  /** Start times, in seconds after the start of the window. Ids rise with the index, except for instances run again. */
  seconds: fc.array(fc.nat(windowSeconds - 1), { minLength: 0, maxLength: 40, size: 'max' }),
  /** A second, and a number of further rows in it. */
  dense: fc.option(fc.tuple(fc.nat(windowSeconds - 1), fc.integer({ min: 2, max: 20 })), { nil: null, freq: 2 }),
  oddMs: fc.option(fc.tuple(fc.nat(999), fc.constantFrom(1, 499, 500, 501, 999)), { nil: null, freq: 5 }),
  rerun: fc.array(fc.tuple(fc.nat(999), fc.nat(windowSeconds - 1)), { maxLength: 3 }),
  order: fc.constantFrom<PagedSourceTraps['order']>(
    'descending',
    'descending',
    'ascending',
    'id',
    'id-descending',
    'none',
  ),
  shuffleTies: fc.boolean(),
  startInclusive: fc.boolean(),
  endInclusive: fc.boolean(),
  count: fc.constantFrom<PagedSourceTraps['count'] | 'capped'>('total', 'total', 'page', 'none', 'capped'),
  cap: fc.integer({ min: 2, max: 30 }),
  pageCap: fc.constantFrom(6, 6, 5, 4, 3),
  isListCapped: fc.boolean(),
  offsetUnit: fc.constantFrom('row' as const, 'row' as const, 'page' as const),
  deepestOffset: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 9),
  filterSkewMs: fc.constantFrom(0, 0, 0, 0, 3000, -3000),
  /** Rows that the source filters by a time a few seconds off the one they show. */
  deviations: fc.oneof(
    { weight: 5, arbitrary: fc.constant([]) },
    fc.array(fc.tuple(fc.nat(99), fc.integer({ min: -9, max: 9 })), { minLength: 1, maxLength: 4 }),
  ),
  /** Seconds whose rows the source fails to deliver. */
  broken: fc.oneof(
    { weight: 4, arbitrary: fc.constant([]) },
    fc.array(fc.nat(windowSeconds - 1), { minLength: 1, maxLength: 3 }),
  ),
  /** A change of the page size at some request. */
  growth: fc.option(fc.record({ at: request, rows: fc.integer({ min: -2, max: 4 }) }), { nil: null, freq: 3 }),
  /** Seconds at which the window is cut into spans, which are read in parallel. */
  cuts: fc.uniqueArray(fc.integer({ min: 1, max: windowSeconds - 2 }), { maxLength: 3, size: 'max' }),
  inFlight: fc.integer({ min: 1, max: 4 }),
  /** Turns of the event loop by which replies are delayed, used cyclically. */
  delays: fc.array(fc.nat(6), { minLength: 1, maxLength: 5 }),
  youngFrom: fc.integer({ min: windowSeconds - 12, max: windowSeconds }),
  glitches: fc.array(glitch, { maxLength: 8, size: 'max' }),
  changes: fc.array(change, { maxLength: 5 }),
});

type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never;

/** Schedules near to known mistakes that a uniformly random schedule would hit only once in many thousands. */
const nearMisses: fc.Arbitrary<Partial<Schedule>>[] = [
  // Every second reply is wrong, so it may be the second reply of every two looks (R3).
  fc.record({
    glitches: fc
      .tuple(fc.nat(1), glitch)
      .map(([phase, wrong]) =>
        Array.from({ length: lastRequest }, (_, index) => ({ ...wrong, at: 2 * index + phase })),
      ),
    count: fc.constantFrom('total' as const, 'none' as const),
    order: fc.constantFrom('descending' as const, 'ascending' as const),
    filterSkewMs: fc.constant(0),
  }),
  // Single rows are filtered by another time, and pages are in order only by chance.
  fc.record({
    deviations: fc.array(fc.tuple(fc.nat(99), fc.integer({ min: -30, max: 30 })), { minLength: 1, maxLength: 4 }),
    order: fc.constant('none' as const),
    count: fc.constant('total' as const),
    offsetUnit: fc.constant('row' as const),
    pageCap: fc.constantFrom(3, 4),
    filterSkewMs: fc.constant(0),
    glitches: fc.constant([]),
    changes: fc.constant([]),
  }),
  // Rows leave a dense second while it is read, and no count is usable.
  fc.record({
    dense: fc.tuple(fc.nat(windowSeconds - 13), fc.integer({ min: 6, max: 20 })),
    count: fc.constantFrom('page' as const, 'none' as const),
    pageCap: fc.constantFrom(6, 4),
    filterSkewMs: fc.constant(0),
    seconds: fc.array(fc.nat(windowSeconds - 1), { maxLength: 6 }),
    changes: fc.array(fc.record({ at: request, kind: fc.constant('leaves' as const), pick: fc.nat(999) }), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
];
/** The first reply is short, so pages seem smaller and its count seems a total. The last span has the longer page. */
const shortFirst: fc.Arbitrary<Partial<Schedule>> = fc.record({
  count: fc.constant('page' as const),
  pageCap: fc.constant(6),
  filterSkewMs: fc.constant(0),
  growth: fc.constant(null),
  isListCapped: fc.constant(false),
  glitches: fc.constant(
    [1, 3].map((at) => ({
      at,
      kind: 'short' as const,
      count: at === 1 ? ('old' as const) : ('true' as const),
      row: 0,
      inPlaceOf: 0,
    })),
  ),
  changes: fc.constant([]),
  // A row that was run again would leave the last span, and its page would be no longer than the first reply.
  rerun: fc.constant([]),
  seconds: fc.array(fc.nat(23), { minLength: 2, maxLength: 8 }),
  dense: fc.tuple(fc.integer({ min: 25, max: 35 }), fc.integer({ min: 4, max: 5 })),
  cuts: fc.constant([12, 24]),
  broken: fc.constant([]),
  inFlight: fc.integer({ min: 2, max: 4 }),
});

const withPart = (part: fc.Arbitrary<Partial<Schedule>>): fc.Arbitrary<Schedule> =>
  fc.tuple(schedule, part).map(([whole, near]): Schedule => ({ ...whole, ...near }));
const anySchedule = fc.oneof(
  { weight: 3, arbitrary: schedule.filter(beginsInFull) },
  ...nearMisses.map((part) => ({ weight: 1, arbitrary: withPart(part).filter(beginsInFull) })),
  { weight: 1, arbitrary: withPart(shortFirst) },
);

/**
 * Returns whether the first reply, and the first after pages have grown, shows how long a page is, if counts are those
 * of pages. PROOF.md, "Not closed", names such a reply that is short and has the count of the whole page; `shortFirst`
 * draws those that the reading notices.
 */
function beginsInFull({ count, glitches, growth }: Schedule): boolean {
  const misleading = glitches.filter(({ kind, count: shown }) => kind === 'short' && shown === 'old');
  return count !== 'page' || (growth === null ? misleading.every(({ at }) => at > 2) : misleading.length === 0);
}

/**
 * Returns whether the reading can notice what this source does. PROOF.md, "Not closed", lists what it cannot: where the
 * order is unstable and no count is usable, offsets in pages differ from offsets in rows by rows that are not shown
 * twice. With small pages that fails by chance, and with more rows in one second than a page of pages (10,000 of a real
 * source) it fails always.
 */
function isDistinguishable(chosen: Schedule): boolean {
  const { offsetUnit, shuffleTies, order, pageCap, growth, count, glitches } = chosen;
  // A page size that changes needs counts that are totals; one that only grows needs them where offsets count pages.
  // A count of zero beside rows revokes them.
  const isTotal = count === 'total' && !glitches.some((glitch) => glitch.count === 'zero');
  if (growth !== null && (growth.rows < 0 || offsetUnit === 'page') && !isTotal) {
    return false;
  }
  const times = rowsOf(chosen).map(({ startTimeMs }) => Math.floor(startTimeMs / 1000));
  const busiest = Math.max(...times.map((second) => times.filter((other) => other === second).length));
  const isStable = !(shuffleTies || order === 'none');
  const isCounted = isTotal && pageCap > 3 && busiest < pageCap * (pageCap - 1);
  return hasVisibleFilter(chosen) && (offsetUnit === 'row' || isStable || busiest <= pageCap || isCounted);
}

/**
 * Returns whether replies show it in time if the source filters by another time than it shows. They do not with rows in
 * no order, in lists of two or three rows, or if the row lies 1 ms outside the window, which looks like an inclusive
 * edge.
 */
function hasVisibleFilter(chosen: Schedule): boolean {
  const { filterSkewMs, deviations, order, isListCapped, cap, changes, oddMs } = chosen;
  const isSkewed = filterSkewMs !== 0;
  const isDeviating = deviations.length > 0;
  const isLeaving = changes.some(({ kind }) => kind === 'leaves');
  const isCapTiny = isListCapped && cap < 4;
  return (
    !(isDeviating && (isSkewed || isLeaving || oddMs !== null)) &&
    !(isSkewed && order === 'none') &&
    !(isCapTiny && (isSkewed || isDeviating))
  );
}

/** Reads random sources until one is read wrongly, `reads` are done, or `limitMs` is over. */
export async function readingRounds({
  seed,
  limitMs,
  reads,
}: {
  seed: number;
  limitMs: number;
  reads?: number;
}): Promise<ReadingResult> {
  const figures = { reads: 0, proven: 0, rows: 0 };
  const details = await fc.check(
    fc.asyncProperty(anySchedule.filter(isDistinguishable), async (chosen) => {
      const { lost, isComplete, rows } = await readOnce(chosen);
      figures.reads += 1;
      figures.proven += isComplete ? 1 : 0;
      figures.rows += rows;
      return lost.length === 0;
    }),
    { seed, numRuns: reads ?? 10_000_000, interruptAfterTimeLimit: limitMs, markInterruptAsFailure: false },
  );
  const { counterexample, counterexamplePath: path, errorInstance } = details;
  const failing =
    counterexample === null
      ? null
      : { seed, path, counterexample: fc.stringify(counterexample), thrown: String(errorInstance) };
  return { ...figures, counterexample: failing === null ? null : JSON.stringify(failing, null, 1) };
}

/** The result of reading one schedule. */
export interface ReadOnce {
  /** Keys of rows that are missing although their part is reported as proven. */
  readonly lost: readonly string[];
  readonly isComplete: boolean;
  readonly rows: number;
}

/** Reads one schedule as a run does: calibrates, reads all spans, and reads them again when trust is revoked. */
async function readOnce(chosen: Schedule): Promise<ReadOnce> {
  const settledUntilMs = epochMs + chosen.youngFrom * 1000 - 500;
  const stable = new Set<string>();
  const inMemory = sourceOf(chosen, settledUntilMs, stable);
  for (const row of inMemory.rows) {
    stable.add(executionKey(row));
  }
  const shown = new Map<string, Execution>();
  const source = {
    ...inMemory.source,
    inFlight: () => chosen.inFlight,
    fetchPage: delivering(inMemory, chosen.delays, (row) => shown.set(executionKey(row), row)),
  };
  const spans = cutAt(
    window,
    chosen.cuts.map((second) => epochMs + second * 1000 + 500),
  );
  const shownFirst = await readFirst(source, longSpan).catch(ifBroken);
  const slices = new SliceReader({
    source,
    spans,
    barrierMs: null,
    settledUntilMs: () => settledUntilMs,
    rereadFromMs: settledUntilMs,
    shown: shownFirst?.collected,
    rowsPerMs: lowDensity,
    rowsInTimeLeft: () => Number.POSITIVE_INFINITY,
    now: () => epochMs,
  });
  const read = new Set<string>();
  let proven: Window[] = [];
  const next = async (): Promise<ReadSlice | null> => await slices.next().catch(ifBroken);
  for (let slice = await next(); slice !== null; slice = await next()) {
    for (const key of slice.collected.seen.keys()) {
      read.add(key);
    }
    proven = unionOf([...proven, ...slice.proven]);
    if (slices.takeRevocation()) {
      proven = [];
      slices.keepOnly(spans);
    }
  }
  // A row within 1 ms of an edge may belong to the part beyond it, which shows it if that part is proven.
  const isProven = (ms: number): boolean => [-1, 0, 1].every((edgeMs) => containsAny(proven, ms + edgeMs));
  const isListedIn = (row: Execution): boolean =>
    isProven(row.startTimeMs + chosen.filterSkewMs + deviationOf(chosen, row));
  const settled = inMemory.rows.filter((row) => stable.has(executionKey(row)) && row.startTimeMs < settledUntilMs);
  // A row that has left belongs to the time that it showed: nothing may have told that the source filters by another.
  const shownIn = [...shown.values()].filter(({ startTimeMs }) => isProven(startTimeMs));
  const expected = [...settled, ...shownIn].filter(isListedIn);
  const lost = expected.filter((row) => !read.has(executionKey(row))).map(executionKey);
  return { lost, isComplete: lengthOf(proven) === spanMs(window), rows: read.size };
}

/** A read may end early if the source fails to deliver rows. */
function ifBroken(thrown: unknown): null {
  if (thrown instanceof SourceError) {
    return null;
  }
  throw thrown;
}

/** Delays replies, so that they overtake each other. */
function delivering(inMemory: PagedSource, delays: readonly number[], onRow: (row: Execution) => void): FetchPage {
  return async (request) => {
    const turns = delays[inMemory.requests % delays.length] ?? 0;
    const page = await inMemory.fetchPage(request);
    for (let turn = 0; turn < turns; turn += 1) {
      await Promise.resolve();
    }
    // Reading a dense second also requests a longer list of the source; that reply belongs to no window.
    if (inMemory.requests <= 2 || request.endTimeMs - request.startTimeMs <= spanMs(window) + 2) {
      page.executions.forEach(onRow);
    }
    return page;
  };
}

/** Returns the time that a row is filtered by less the one that it shows, without `filterSkewMs`. */
function deviationOf({ deviations, seconds }: Schedule, { id }: Execution): number {
  const index = Number(id - firstId);
  for (const [pick, bySeconds] of deviations) {
    if (pick % Math.max(1, seconds.length) === index) {
      return bySeconds * 1000;
    }
  }
  return 0;
}

function sourceOf(chosen: Schedule, settledUntilMs: number, stable: Set<string>): PagedSource {
  const { changes, count, cap, isListCapped, glitches, growth, pageCap, broken } = chosen;
  const brokenSeconds = new Set<number>(broken);
  const late = { id: 9_000_000_000_000_000_000n };
  const source = pagedSource(rowsOf(chosen), {
    ...chosen,
    pageCap: (n) => Math.max(2, pageCap + (growth !== null && n >= growth.at ? growth.rows : 0)),
    deviationMs: (row) => deviationOf(chosen, row),
    count: count === 'capped' ? { cappedAt: cap } : count,
    listCappedAt: isListCapped ? cap : Number.POSITIVE_INFINITY,
    beforeRequest: (n, self) => {
      for (const { kind, pick } of changes.filter(({ at }) => at === n)) {
        if (kind === 'leaves') {
          const gone = self.rows[pick % Math.max(1, self.rows.length)];
          self.rows = self.rows.filter((row) => row !== gone);
          if (gone !== undefined) {
            stable.delete(executionKey(gone));
          }
        } else {
          late.id += 1n;
          const lastMs = window.toMs - 500;
          const startTimeMs = Math.min(lastMs, Math.ceil(settledUntilMs / 1000) * 1000 + (pick % 12) * 1000);
          self.rows =
            startTimeMs < settledUntilMs ? self.rows : [...self.rows, anExecution({ id: late.id, startTimeMs })];
        }
      }
    },
    distort: (page, n) => {
      if (page.executions.some(({ startTimeMs }) => brokenSeconds.has(Math.floor((startTimeMs - epochMs) / 1000)))) {
        throw new SourceError('HTTP 500', { remedy: 'None.', mayBeOfRequest: true });
      }
      // Two wrong replies in a row would violate A4.
      const wrong = glitches.find(({ at }) => at === n && !glitches.some((other) => other.at === n - 1));
      const isFresh = changes.some(({ at, kind }) => kind === 'leaves' && (at === n || at === n - 1));
      const before = page.count === null || !isFresh ? page.count : page.count + 1;
      return wrong === undefined ? page : glitched(page, wrong, before, count);
    },
  });
  return source;
}

function rowsOf({ seconds, dense, oddMs, rerun, filterSkewMs }: Schedule): Execution[] {
  const all = [...seconds].sort((a, b) => a - b);
  all.push(...(dense === null ? [] : Array.from({ length: dense[1] }, () => dense[0])));
  const rows = all.map((second, index) =>
    anExecution({ id: firstId + BigInt(index), startTimeMs: epochMs + second * 1000 }),
  );
  for (const [pick, second] of rerun) {
    const index = pick % Math.max(1, rows.length);
    const row = rows[index];
    if (row !== undefined) {
      rows[index] = { ...row, startTimeMs: Math.max(row.startTimeMs, epochMs + second * 1000) };
    }
  }
  const odd = oddMs === null ? undefined : rows[oddMs[0] % Math.max(1, rows.length)];
  if (odd !== undefined && oddMs !== null && filterSkewMs === 0) {
    rows[rows.indexOf(odd)] = { ...odd, startTimeMs: odd.startTimeMs + oddMs[1] };
  }
  // Rows before and after the window, so that the window is not the whole source.
  const outside = [-3_600_000, -3_599_000, 3_600_000, 3_601_000, 3_602_000, 3_603_000, 3_604_000].map((ms, index) =>
    anExecution({ id: 6_000_000_000_000_000_000n + BigInt(index), startTimeMs: epochMs + ms }),
  );
  return [...rows, ...outside];
}

function glitched(
  page: Page,
  { kind, count, row, inPlaceOf }: Schedule['glitches'][number],
  before: number | null,
  meaning: Schedule['count'],
): Page {
  const { executions } = page;
  if (kind === 'twice') {
    const shown = executions[row];
    return shown === undefined || executions.length < 2
      ? page
      : {
          ...page,
          executions: executions.map((other, index) => (index === inPlaceOf % executions.length ? shown : other)),
        };
  }
  const kept = kind === 'empty' ? [] : executions.slice(0, Math.ceil(executions.length / 2));
  const counts = { true: page.count, zero: 0, old: before };
  // If counts are the page's own, a wrong reply counts the rows it shows, or (old) those of the page that it should
  // have been.
  const isOfPage = page.count === executions.length && meaning === 'page';
  const ofPage = count === 'old' ? executions.length : kept.length;
  return { ...page, executions: kept, count: page.count === null ? null : isOfPage ? ofPage : counts[count] };
}
