/** Reads several pages of the instance list as one. Pure over `fetchPage`. */
import { SourceError } from '../../errors.ts';
import {
  compareExecutions,
  type EpochMs,
  type Execution,
  executionKey,
  type FetchPage,
  maxPageRows,
  type Page,
  type PageFilter,
  type PageRequest,
  type UnreadableRow,
} from '../../model.ts';

/** The rows to list. */
interface ListRequest {
  readonly startTimeMs: number;
  readonly endTimeMs: number;
  /** A row is listed if one of these filters matches. */
  readonly filters: readonly PageFilter[];
  readonly limit: number;
  /** Rows to skip. */
  readonly offset: number;
}

/** The listed rows. */
export interface Listed {
  /** The last count of the source, whose meaning is undocumented. */
  readonly count: number | null;
  readonly executions: readonly Execution[];
  readonly unreadable: readonly UnreadableRow[];
}

/** Limits on the span of a request, in days, that similar APIs have. */
const spanLimits = [90, 30, 7, 1] as const;

/**
 * Lists a span; its latest part if the source refuses it, because it may limit the length of spans.
 *
 * @returns the rows, and where the part begins; null if the whole span was listed
 */
export async function listLatest(
  fetchPage: FetchPage,
  nowMs: EpochMs,
  request: ListRequest,
): Promise<{ readonly listed: Listed; readonly listedFromMs: number | null }> {
  const endTimeMs = Math.min(request.endTimeMs, nowMs);
  // The whole span up to now may be short enough. A minute less than each limit, because it may count its ends.
  const starts = [request.startTimeMs, ...spanLimits.map((days) => endTimeMs - days * 86_400_000 + 60_000)];
  const shorter = starts
    .filter((startTimeMs) => startTimeMs >= request.startTimeMs && startTimeMs < endTimeMs)
    .map((startTimeMs) => ({ ...request, startTimeMs, endTimeMs }));
  let refusal: SourceError | null = null;
  for (const part of [request, ...shorter]) {
    try {
      const listed = await listPages(fetchPage, part);
      return { listed, listedFromMs: part.startTimeMs > request.startTimeMs ? part.startTimeMs : null };
    } catch (thrown) {
      if (!isRefusal(thrown)) {
        throw thrown;
      }
      refusal ??= thrown;
    }
  }
  throw refusal;
}

/**
 * Requests as many pages as `limit` needs. Rows that move between two pages may be listed twice or not at all, because
 * this is not a proven read.
 *
 * The source accepts one value per filter. With several filters, each is requested, and the results are merged, newest
 * first.
 */
async function listPages(fetchPage: FetchPage, request: ListRequest): Promise<Listed> {
  const { filters, limit, offset } = request;
  const [filter, ...others] = filters;
  if (filter !== undefined && others.length === 0) {
    return await listOne(fetchPage, request, filter);
  }
  const listings: Listed[] = [];
  for (const each of filters) {
    listings.push(await listOne(fetchPage, { ...request, limit: offset + limit, offset: 0 }, each));
  }
  return merged(listings, offset, limit);
}

async function listOne(fetchPage: FetchPage, request: ListRequest, filter: PageFilter): Promise<Listed> {
  const { startTimeMs, endTimeMs } = request;
  const executions: Execution[] = [];
  const unreadable: UnreadableRow[] = [];
  let { offset } = request;
  for (;;) {
    const missing = request.limit - executions.length - unreadable.length;
    const limit = Math.min(missing, maxPageRows);
    const { count, ...page } = await fetchAt(fetchPage, { startTimeMs, endTimeMs, filter, limit, offset });
    const rows = page.executions.length + page.unreadable.length;
    executions.push(...page.executions.slice(0, missing));
    unreadable.push(...page.unreadable.slice(0, Math.max(0, missing - page.executions.length)));
    if (rows === 0 || rows >= missing) {
      return { count, executions, unreadable };
    }
    offset += rows;
  }
}

function merged(listings: readonly Listed[], offset: number, limit: number): Listed {
  const byKey = new Map(listings.flatMap(({ executions }) => executions).map((each) => [executionKey(each), each]));
  const byText = new Map(listings.flatMap(({ unreadable }) => unreadable).map((row) => [row.rawText, row]));
  const newestFirst = [...byKey.values()].sort((a, b) => compareExecutions(b, a));
  const counts = listings.map(({ count }) => count);
  return {
    count: counts.reduce<number | null>((sum, count) => (sum === null || count === null ? null : sum + count), 0),
    executions: newestFirst.slice(offset, offset + limit),
    unreadable: [...byText.values()],
  };
}

/** Requests a page. @throws SourceError without `httpStatus` if the source refuses its offset */
async function fetchAt(fetchPage: FetchPage, request: PageRequest): Promise<Page> {
  try {
    return await fetchNonEmpty(fetchPage, request);
  } catch (thrown) {
    if (!isRefusal(thrown) || request.offset === 0) {
      throw thrown;
    }
    // Refused as well if the source refuses the span.
    await fetchPage({ ...request, limit: 1, offset: 0 });
    throw new SourceError(`${thrown.message} (offset ${request.offset})`, {
      ...thrown,
      httpStatus: undefined,
      retryable: false,
      remedy:
        'The source accepts this list without an offset. List a shorter span with --from and --to, or fewer rows with --limit and --offset.',
    });
  }
}

/** Requests a page, and requests it again if it is empty, because a single empty page proves nothing. */
async function fetchNonEmpty(fetchPage: FetchPage, request: PageRequest): Promise<Page> {
  const page = await fetchPage(request);
  return page.executions.length + page.unreadable.length > 0 ? page : fetchPage(request);
}

function isRefusal(thrown: unknown): thrown is SourceError {
  return thrown instanceof SourceError && thrown.httpStatus === 400;
}
