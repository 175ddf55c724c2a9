/** A source in memory, behind `fetchPage`, with every misbehaviour of paging switchable. For tests of `reading`. */
import { SourceError } from '../../functions/errors.ts';
import {
  type Execution,
  executionKey,
  type FetchPage,
  type Page,
  type PageRequest,
  type Window,
} from '../../functions/model.ts';
import type { Collected } from '../../functions/reading/collected.ts';
import type { Reader } from '../../functions/reading/reader.ts';
import { noTraits } from '../../functions/reading/traits.ts';
import { readVerified } from '../../functions/reading/verified.ts';

/** What the source does wrong, or just otherwise. */
export interface PagedSourceTraps {
  order: 'ascending' | 'descending' | 'id';
  /** Order among rows of one millisecond changes with every request. */
  shuffleTies: boolean;
  startInclusive: boolean;
  endInclusive: boolean;
  count: 'total' | 'page' | 'none' | { cappedAt: number };
  pageCap: number;
  offsetUnit: 'row' | 'page';
  /** Offsets from here on are refused with 400. */
  deepestOffset: number;
  /** The nth request (from 1) is answered empty, resp. with half its rows. */
  emptyRequests: ReadonlySet<number>;
  shortRequests: ReadonlySet<number>;
  /** What count an empty glitch tells. */
  glitchCount: 'zero' | 'total';
  /** The list ends here, wherever the rows end. */
  listCappedAt: number;
  /** The text of a row that cannot be read; null for one that can. */
  unreadableText: (row: Execution) => string | null;
  /** What the nth reply says instead of what it should. */
  distort: (page: Page, n: number, request: PageRequest) => Page;
  /** Called before the nth request is answered: change the rows here. */
  beforeRequest: (n: number, source: PagedSource) => void;
}

const harmless: PagedSourceTraps = {
  order: 'ascending',
  shuffleTies: false,
  startInclusive: true,
  endInclusive: true,
  count: 'total',
  pageCap: 100,
  offsetUnit: 'row',
  deepestOffset: Number.POSITIVE_INFINITY,
  emptyRequests: new Set(),
  shortRequests: new Set(),
  glitchCount: 'zero',
  listCappedAt: Number.POSITIVE_INFINITY,
  unreadableText: () => null,
  distort: (page) => page,
  beforeRequest: () => undefined,
};

export interface PagedSource {
  rows: Execution[];
  requests: number;
  readonly asked: PageRequest[];
  readonly fetchPage: FetchPage;
  readonly reader: Reader;
}

/** An execution with defaults. */
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

/** `count` executions, the start time of each given by its index, in ms after `epochMs`. */
export function executions(count: number, startOf: (index: number) => number = (index) => index * 1000): Execution[] {
  return Array.from({ length: count }, (_, index) =>
    anExecution({ id: 7_000_000_000_000_000_000n + BigInt(index), startTimeMs: epochMs + startOf(index) }),
  );
}

/** Starts an in-memory source. `reader` reads it with an `offsetUnit` as given (rows by default). */
export function pagedSource(
  rows: Execution[],
  traps: Partial<PagedSourceTraps> = {},
  configuredUnit: 'row' | 'page' = 'row',
): PagedSource {
  const all = { ...harmless, ...traps };
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
    reader: {
      fetchPage: (request) => source.fetchPage(request),
      filter: {},
      offsetUnit: configuredUnit,
      traits: noTraits(),
      inFlight: () => 4,
      onRows: () => undefined,
    },
  };
  return source;
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
  const tieBreak = new Map(rows.map((row) => [row, traps.shuffleTies ? random() : Number(row.id % 1_000_003n)]));
  const matched = rows
    .filter(
      (row) =>
        (traps.startInclusive ? row.startTimeMs >= request.startTimeMs : row.startTimeMs > request.startTimeMs) &&
        (traps.endInclusive ? row.startTimeMs <= request.endTimeMs : row.startTimeMs < request.endTimeMs) &&
        (request.filter.runStatus === undefined || row.runStatus === request.filter.runStatus),
    )
    .sort((a, b) => {
      const byTime = traps.order === 'id' ? 0 : a.startTimeMs - b.startTimeMs;
      const signed = traps.order === 'descending' ? -byTime : byTime;
      return signed !== 0 ? signed : (tieBreak.get(a) ?? 0) - (tieBreak.get(b) ?? 0);
    });
  const limit = Math.min(request.limit, traps.pageCap);
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
      return rawText === null ? [] : [{ rawText, reason: 'id is not an integer' }];
    }),
    receivedAtMs: epochMs + n,
  };
}

/** What reading a window (of a day, by default) shows; fails if it is called too large. */
export async function readWindow(source: PagedSource, window: Window = day): Promise<Collected> {
  const outcome = await readVerified(source.reader, window, 1_000_000);
  if (outcome.kind !== 'complete') {
    throw new Error('reported too large');
  }
  return outcome.collected;
}

/** Like `readWindow`, the keys of the executions alone. */
export async function readKeys(source: PagedSource, window: Window = day): Promise<string[]> {
  const { seen } = await readWindow(source, window);
  return keysOf([...seen.values()].map(({ execution }) => execution));
}

/** Keys of executions, sorted, to compare. */
export function keysOf(rows: Iterable<Execution>): string[] {
  return [...rows].map(executionKey).sort();
}
