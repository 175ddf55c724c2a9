/** Several pages of the instance list as one answer. Pure over `fetchPage`. */
import {
  type Execution,
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
  readonly filter: PageFilter;
  /** Rows wanted. */
  readonly limit: number;
  /** Rows to skip. */
  readonly offset: number;
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
 */
export async function listPages(fetchPage: FetchPage, request: ListRequest): Promise<Listed> {
  const executions: Execution[] = [];
  const unreadable: UnreadableRow[] = [];
  let count: number | null = null;
  let { offset } = request;
  for (;;) {
    const missing = request.limit - executions.length - unreadable.length;
    const limit = Math.min(missing, maxPageRows);
    const page = await fetchNonEmpty(fetchPage, { ...pageRequestOf(request), limit, offset });
    const rows = page.executions.length + page.unreadable.length;
    executions.push(...page.executions.slice(0, missing));
    unreadable.push(...page.unreadable.slice(0, Math.max(0, missing - page.executions.length)));
    count = page.count;
    if (rows === 0 || rows >= missing) {
      return { count, executions, unreadable };
    }
    offset += rows;
  }
}

function pageRequestOf({ startTimeMs, endTimeMs, filter }: ListRequest) {
  return { startTimeMs, endTimeMs, filter };
}

/** An empty page proves nothing by itself, so it is asked for twice; but one alone is an answer. */
export async function fetchNonEmpty(fetchPage: FetchPage, request: Parameters<FetchPage>[0]): Promise<Page> {
  const page = await fetchPage(request);
  return page.executions.length + page.unreadable.length > 0 ? page : fetchPage(request);
}
