/** What every read of one run of one target works with. Pure over `fetchPage`. */
import { SourceError } from '../errors.ts';
import { type FetchPage, maxPageRows, type Page, type PageFilter, type Window } from '../model.ts';
import type { SourceTraits } from './traits.ts';
import { askFor } from './window.ts';

/** How the source counts `offset`. */
export type OffsetUnit = 'row' | 'page';

/** The source as reading sees it, and what was learned of it. */
export interface Reader {
  readonly fetchPage: FetchPage;
  readonly filter: PageFilter;
  readonly offsetUnit: OffsetUnit;
  /** Shared by all readers of one run; updated by every reply. */
  readonly traits: SourceTraits;
  /** How many requests to keep in flight just now, at least 1. */
  readonly inFlight: () => number;
  /** Told of every page's rows, for progress. */
  readonly onRows: (rows: number) => void;
}

/** Rows of a page, readable or not. */
export function pageRows(page: Page): number {
  return page.executions.length + page.unreadable.length;
}

/** Asks for the page at `offset` (in the source's unit) and learns the largest page size and count from the reply. */
export async function fetchAt(reader: Reader, window: Window, offset: number): Promise<Page> {
  const page = await reader.fetchPage({ ...askFor(window), filter: reader.filter, limit: maxPageRows, offset });
  const rows = pageRows(page);
  reader.traits.largestPageRows = Math.max(reader.traits.largestPageRows, rows);
  reader.traits.largestCount = Math.max(reader.traits.largestCount, page.count ?? 0);
  reader.onRows(rows);
  return page;
}

/** Like `fetchAt`, but an empty reply is asked for once more: an empty page proves nothing by itself. */
export async function fetchNonEmptyAt(reader: Reader, window: Window, offset: number): Promise<Page> {
  const page = await fetchAt(reader, window, offset);
  return pageRows(page) > 0 ? page : fetchAt(reader, window, offset);
}

/** What the source says is the number of rows of a window; null where it says none. Fetches next to nothing. */
export async function fetchCount(reader: Reader, window: Window): Promise<number | null> {
  const { count } = await reader.fetchPage({ ...askFor(window), filter: reader.filter, limit: 1, offset: 0 });
  reader.traits.largestCount = Math.max(reader.traits.largestCount, count ?? 0);
  return count;
}

/** The page at `offset`, or null if the source refuses to go that far. */
export async function fetchWithinReach(reader: Reader, window: Window, offset: number): Promise<Page | null> {
  if (offset >= reader.traits.refusedOffset) {
    return null;
  }
  try {
    return await fetchAt(reader, window, offset);
  } catch (error) {
    if (error instanceof SourceError && error.httpStatus === 400 && offset > 0) {
      reader.traits.refusedOffset = Math.min(reader.traits.refusedOffset, offset);
      return null;
    }
    throw error;
  }
}

/** Like `fetchWithinReach`, but an empty reply is asked for once more: it may be a glitch. */
export async function fetchNonEmptyWithinReach(reader: Reader, window: Window, offset: number): Promise<Page | null> {
  const page = await fetchWithinReach(reader, window, offset);
  return page === null || pageRows(page) > 0 ? page : fetchWithinReach(reader, window, offset);
}
