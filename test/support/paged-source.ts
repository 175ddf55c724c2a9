/** A source in memory, behind `fetchPage`, with every misbehaviour of paging switchable. For tests of `reading`. */
import { SourceError } from '../../functions/errors.ts';
import { type Execution, executionKey, type FetchPage, type Page, type PageRequest } from '../../functions/model.ts';
import type { Reader } from '../../functions/reading/reader.ts';
import { noTraits } from '../../functions/reading/traits.ts';

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
      await Promise.resolve();
      return answer(source, all, request, nextRandom);
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

function answer(source: PagedSource, traps: PagedSourceTraps, request: PageRequest, random: () => number): Page {
  const n = source.requests;
  if (request.offset > traps.deepestOffset) {
    throw new SourceError('offset too large', { remedy: '-', httpStatus: 400, code: 'DQC.0001' });
  }
  const tieBreak = new Map(source.rows.map((row) => [row, traps.shuffleTies ? random() : Number(row.id % 1_000_003n)]));
  const matched = source.rows
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
  const page = matched.slice(from, from + take);
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
    executions: page,
    unreadable: [],
    receivedAtMs: epochMs + n,
  };
}

/** Keys of executions, sorted, to compare. */
export function keysOf(rows: Iterable<Execution>): string[] {
  return [...rows].map(executionKey).sort();
}
