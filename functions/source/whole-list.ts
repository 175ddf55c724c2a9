/** Reads a whole list of the calls other than the instance list, page by page. Pure. */

interface ListPage<T> {
  readonly count: number | null;
  /** Rows of the page. The offset advances by this number. */
  readonly rows: number;
  /** What the page shows, by key. A later page replaces what an earlier one has shown. */
  readonly shown: Iterable<readonly [key: string, value: T]>;
}

/** A list that was read completely. */
export interface WholeList<T> {
  /** The values of all pages, each once. */
  readonly values: readonly T[];
  /** Whether the source's counts say that none is missing. */
  readonly isComplete: boolean;
}

/**
 * Continues from the rows received until a page shows nothing new, or is shorter than the one before and the counts
 * agree. A page that shows nothing new although some are missing is requested once more. Offsets count rows or pages:
 * if counting rows leads nowhere, tries pages.
 *
 * @param fetchPage returns null if there is no such list
 * @param mayEnd whether a first page of so many rows counts as the whole list if its count agrees, to save a
 * request
 */
export async function readWholeList<T>(
  fetchPage: (offset: number) => Promise<ListPage<T> | null>,
  mayEnd: (rows: number) => boolean,
): Promise<WholeList<T> | null> {
  const byKey = new Map<string, T>();
  let next = { rows: 0, pages: 0 };
  let unit: 'rows' | 'pages' = 'rows';
  let total = 0;
  let longest = 0;
  let isShort = mayEnd;
  let isSecondLook = false;
  for (let page = await fetchPage(0); page !== null; page = await fetchPage(next[unit])) {
    const before = byKey.size;
    addTo(byKey, page.shown);
    total = Math.max(total, page.count ?? 0);
    const isNothingNew = byKey.size === before;
    const isComplete = byKey.size >= total;
    const isStuck = isNothingNew && !isComplete;
    if (isStuck && !isSecondLook) {
      isSecondLook = true;
    } else if (isStuck && unit === 'rows' && next.pages === 1) {
      unit = 'pages';
    } else if (isNothingNew || (isComplete && isShort(page.rows))) {
      return { values: [...byKey.values()], isComplete };
    } else {
      // A count may be of the page alone, or have a limit, so it never ends a list after a full page.
      isShort = (rows) => rows < longest;
      longest = Math.max(longest, page.rows);
      next = { rows: next.rows + page.rows, pages: next.pages + 1 };
      isSecondLook = false;
    }
  }
  return null;
}

function addTo<T>(byKey: Map<string, T>, shown: ListPage<T>['shown']): void {
  for (const [key, value] of shown) {
    byKey.set(key, value);
  }
}
