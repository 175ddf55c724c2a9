/** A source in memory, behind `fetchPage`, with switches for every trap of paging. For tests of `reading`. */
import { SourceError } from '../../functions/errors.ts';
import { lengthOf, spanMs } from '../../functions/intervals.ts';
import {
  type Execution,
  executionKey,
  type FetchPage,
  type Page,
  type PageRequest,
  type Window,
} from '../../functions/model.ts';
import type { Collected } from '../../functions/reading/collected.ts';
import type { PageSource } from '../../functions/reading/page-source.ts';
import {
  readFirst,
  readWindow as readPart,
  type WindowRead,
  type WindowTask,
} from '../../functions/reading/read-window.ts';
import { SourceProfile } from '../../functions/reading/source-profile.ts';

/** The switches of the source. */
export interface PagedSourceTraps {
  order: 'ascending' | 'descending' | 'id' | 'id-descending' | 'none';
  /** Whether the order among rows of one start time changes with every request. */
  shuffleTies: boolean;
  startInclusive: boolean;
  endInclusive: boolean;
  count: 'total' | 'page' | 'none' | { cappedAt: number };
  /** Maximum rows of a page; a function of the request's number if it changes. */
  pageCap: number | ((n: number) => number);
  /** Whether a page has `pageCap` rows even if fewer are asked for. */
  ignoresLimit: boolean;
  offsetUnit: 'row' | 'page';
  /** Larger offsets are refused with 400. */
  deepestOffset: number;
  /** Numbers (from 1) of requests that get an empty page. */
  emptyRequests: ReadonlySet<number>;
  /** Numbers (from 1) of requests that get half a page. */
  shortRequests: ReadonlySet<number>;
  /** The count of a reply of `emptyRequests`. */
  glitchCount: 'zero' | 'total';
  /** Every list ends after this number of rows. */
  listCappedAt: number;
  /** The time that the source filters by, less the start time that it shows. */
  filterSkewMs: number;
  /** Like `filterSkewMs`, for single rows, in addition to it. */
  deviationMs: (row: Execution) => number;
  /** Returns the text of a row that cannot be read; null for a readable one. */
  unreadableText: (row: Execution) => string | null;
  /** Returns the nth reply instead of the correct one. */
  distort: (page: Page, n: number, request: PageRequest) => Page;
  /** Called before the nth request is answered, to change the rows. */
  beforeRequest: (n: number, source: PagedSource) => void;
}

const noTraps: PagedSourceTraps = {
  order: 'ascending',
  shuffleTies: false,
  startInclusive: true,
  endInclusive: true,
  count: 'total',
  pageCap: 100,
  ignoresLimit: false,
  offsetUnit: 'row',
  deepestOffset: Number.POSITIVE_INFINITY,
  emptyRequests: new Set(),
  shortRequests: new Set(),
  glitchCount: 'zero',
  listCappedAt: Number.POSITIVE_INFINITY,
  filterSkewMs: 0,
  deviationMs: () => 0,
  unreadableText: () => null,
  distort: (page) => page,
  beforeRequest: () => undefined,
};

export interface PagedSource {
  rows: Execution[];
  requests: number;
  readonly asked: PageRequest[];
  readonly fetchPage: FetchPage;
  /** The source as the functions of `reading` take it. */
  readonly source: PageSource;
}

/** Returns an execution with defaults. */
export function anExecution(change: Partial<Execution> & { id: bigint; startTimeMs: number }): Execution {
  return {
    name: 'order amount is not null',
    taskId: 1_000_000_000_000_000_001n,
    taskType: 'QUALITY_TASK',
    runStatus: 'SUCCESS',
    notifyStatus: 'NOT_TRIGGERED',
    endTimeMs: change.startTimeMs + 1000,
    extra: null,
    ...change,
  };
}

/** Instant 0 of the tests' windows. */
export const epochMs = 1_760_000_000_000;
/** The window that most tests read. */
export const day = { fromMs: epochMs, toMs: epochMs + 86_400_000 };

/** Returns `count` executions. `startOf` returns the start time for an index, in ms after `epochMs`. */
export function executions(count: number, startOf: (index: number) => number = (index) => index * 1000): Execution[] {
  return Array.from({ length: count }, (_, index) =>
    anExecution({ id: 7_000_000_000_000_000_000n + BigInt(index), startTimeMs: epochMs + startOf(index) }),
  );
}

/** Starts an in-memory source. */
export function pagedSource(rows: Execution[], traps: Partial<PagedSourceTraps> = {}): PagedSource {
  const all = { ...noTraps, ...traps };
  let random = 12_345;
  const nextRandom = (): number => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
    return random;
  };
  const source: PagedSource = {
    rows,
    requests: 0,
    asked: [],
    fetchPage: async (request) => {
      source.requests += 1;
      source.asked.push(request);
      all.beforeRequest(source.requests, source);
      const n = source.requests;
      await Promise.resolve();
      return all.distort(answer(n, source.rows, all, request, nextRandom), n, request);
    },
    source: {
      fetchPage: (request) => source.fetchPage(request),
      filter: {},
      profile: new SourceProfile(),
      inFlight: () => 4,
      onReply: () => undefined,
    },
  };
  return source;
}

/** Returns the maximum number of rows on the nth page. */
function pageLength(n: number, { limit }: PageRequest, { pageCap, ignoresLimit }: PagedSourceTraps): number {
  const cap = typeof pageCap === 'number' ? pageCap : pageCap(n);
  return ignoresLimit ? cap : Math.min(limit, cap);
}

function answer(
  n: number,
  rows: readonly Execution[],
  traps: PagedSourceTraps,
  request: PageRequest,
  random: () => number,
): Page {
  if (request.offset > traps.deepestOffset) {
    throw new SourceError('offset too large', { remedy: '-', httpStatus: 400, code: 'DQC.0001' });
  }
  const filteredMs = (row: Execution): number => row.startTimeMs + traps.filterSkewMs + traps.deviationMs(row);
  const isShuffled = traps.shuffleTies || traps.order === 'none';
  const matched = rows
    .filter(
      (row) =>
        isFrom(filteredMs(row), request.startTimeMs, traps.startInclusive) &&
        isFrom(request.endTimeMs, filteredMs(row), traps.endInclusive) &&
        (request.filter.runStatus === undefined || row.runStatus === request.filter.runStatus),
    )
    .map((row) => ({ row, tie: isShuffled ? random() : tieOf(row) }))
    .sort((a, b) => byOrder(traps.order, a.row, b.row) || a.tie - b.tie)
    .map(({ row }) => row);
  const limit = pageLength(n, request, traps);
  const from = traps.offsetUnit === 'row' ? request.offset : request.offset * limit;
  const glitch = traps.emptyRequests.has(n);
  const take = glitch ? 0 : traps.shortRequests.has(n) ? Math.ceil(limit / 2) : limit;
  const page = matched.slice(0, traps.listCappedAt).slice(from, from + take);
  const total =
    traps.count === 'total'
      ? matched.length
      : traps.count === 'page'
        ? page.length
        : traps.count === 'none'
          ? null
          : Math.min(matched.length, traps.count.cappedAt);
  return {
    count: glitch && traps.glitchCount === 'zero' ? 0 : total,
    executions: page.filter((row) => traps.unreadableText(row) === null),
    unreadable: page.flatMap((row) => {
      const rawText = traps.unreadableText(row);
      return rawText === null ? [] : [{ rawText, reason: 'id is not an integer', startTimeMs: row.startTimeMs }];
    }),
    receivedAtMs: epochMs + n,
  };
}

const ties = new WeakMap<Execution, number>();

/** Returns the place of a row among those of its start time, in any stable order. */
function tieOf(row: Execution): number {
  const tie = ties.get(row) ?? Number(row.id % 1_000_003n);
  ties.set(row, tie);
  return tie;
}

function isFrom(ms: number, limitMs: number, isInclusive: boolean): boolean {
  return isInclusive ? ms >= limitMs : ms > limitMs;
}

function byOrder(order: PagedSourceTraps['order'], a: Execution, b: Execution): number {
  switch (order) {
    case 'ascending':
      return a.startTimeMs - b.startTimeMs;
    case 'descending':
      return b.startTimeMs - a.startTimeMs;
    case 'id':
      return a.id < b.id ? -1 : 1;
    case 'id-descending':
      return a.id < b.id ? 1 : -1;
    case 'none':
      return 0;
  }
}

/** The span of a run's first request, far longer than any window of the tests. */
export const longSpan = { fromMs: epochMs - 10 * 86_400_000, toMs: epochMs + 20 * 86_400_000 };

const calibrated = new WeakSet<SourceProfile>();

/**
 * Reads a window (default: a day) as a run does, after a first request over a long span. By default, no part of it is
 * young.
 */
export async function readPartly(
  { source }: Pick<PagedSource, 'source'>,
  window: Window = day,
  task: Partial<WindowTask> = {},
): Promise<WindowRead> {
  if (!calibrated.has(source.profile)) {
    calibrated.add(source.profile);
    await readFirst(source, longSpan);
  }
  return await readPart(source, {
    window,
    settledUntilMs: Number.POSITIVE_INFINITY,
    rereadFromMs: Number.POSITIVE_INFINITY,
    isEnough: () => false,
    ...task,
  });
}

/** Reads a window. Throws the error that ended the reading, or the reason why a part could not be proven. */
export async function readWindow(source: PagedSource, window: Window = day): Promise<Collected> {
  const read = await readPartly(source, window);
  if (read.failure !== null || lengthOf(read.proven) < spanMs(window)) {
    throw read.failure ?? read.unproven[0] ?? new Error('the reading stopped by itself');
  }
  return read.collected;
}

/** Reads a window, and returns the keys of its executions. */
export async function readKeys(source: PagedSource, window: Window = day): Promise<string[]> {
  const { seen } = await readWindow(source, window);
  return keysOf([...seen.values()].map(({ execution }) => execution));
}

/** Returns the sorted keys of executions. */
export function keysOf(rows: Iterable<Execution>): string[] {
  return [...rows].map(executionKey).sort();
}
