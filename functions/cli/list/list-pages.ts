/** Several pages of the instance list as one answer. Pure over `fetchPage`. */
import {
  compareExecutions,
  type Execution,
  executionKey,
  type FetchPage,
  maxPageRows,
  type Page,
  type PageFilter,
  type UnreadableRow,
} from '../../model.ts';

/** What to list. */
export interface ListRequest {
  readonly startTimeMs: number;
  readonly endTimeMs: number;
  /** What is listed lets one of them through. */
  readonly filters: readonly PageFilter[];
  /** Rows wanted. */
  readonly limit: number;
  /** Rows to skip. */
  readonly offset: number;
  /** Is told how many rows have come, and how many there are to come. */
  readonly onRows: (rows: number, total: number) => void;
}

/** What came back. */
export interface Listed {
  /** What the source said last; its meaning is undocumented. */
  readonly count: number | null;
  readonly executions: readonly Execution[];
  readonly unreadable: readonly UnreadableRow[];
}

/**
 * Asks for as many pages as `limit` takes. Rows that move between two pages may be shown twice or not at all: this is the
 * source as it answers, not a proven read.
 *
 * The source takes one value for each filter. Where there are several, each is asked for, and the answers are merged, the
 * newest first.
 */
export async function listPages(fetchPage: FetchPage, request: ListRequest): Promise<Listed> {
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
  const { startTimeMs, endTimeMs, onRows } = request;
  const executions: Execution[] = [];
  const unreadable: UnreadableRow[] = [];
  let { offset } = request;
  for (;;) {
    const missing = request.limit - executions.length - unreadable.length;
    const limit = Math.min(missing, maxPageRows);
    const { count, ...page } = await fetchNonEmpty(fetchPage, { startTimeMs, endTimeMs, filter, limit, offset });
    const rows = page.executions.length + page.unreadable.length;
    executions.push(...page.executions.slice(0, missing));
    unreadable.push(...page.unreadable.slice(0, Math.max(0, missing - page.executions.length)));
    const shown = executions.length + unreadable.length;
    onRows(shown, Math.max(shown, Math.min(request.limit, count ?? request.limit)));
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

/** An empty page proves nothing by itself, so it is asked for twice; but one alone is an answer. */
export async function fetchNonEmpty(fetchPage: FetchPage, request: Parameters<FetchPage>[0]): Promise<Page> {
  const page = await fetchPage(request);
  return page.executions.length + page.unreadable.length > 0 ? page : fetchPage(request);
}
