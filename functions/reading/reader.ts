/** What every read of one run of one target works with. Pure over `fetchPage`. */

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
