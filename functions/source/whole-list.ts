/** Reads a whole list of the calls other than the instance list, page by page. Pure. */

/** One page of a list. */
export interface ListPage<T> {
  readonly count: number | null;
  /** Rows of the page, by which the offset advances. */
  readonly rows: number;
  /** What the page shows, by key. A later page replaces what an earlier one has shown. */
  readonly shown: Iterable<readonly [key: string, value: T]>;
}

/** A list, read to its end. */
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
 * @param mayEnd whether a first page of so many rows may be taken for the whole list if its count agrees, to save a
 * request
 */
export async function readWholeList<T>(
  fetchPage: (offset: number) => Promise<ListPage<T> | null>,
  mayEnd: (rows: number) => boolean,
): Promise<WholeList<T> | null> {
  const reading = new Reading<T>(mayEnd);
  while (!reading.isOver) {
    const page = await fetchPage(reading.offset);
    if (page === null) {
      return null;
    }
    reading.add(page);
  }
  return { values: reading.values, isComplete: reading.isComplete };
}

/** What the pages so far have shown. */
class Reading<T> {
  isOver = false;
  readonly #mayEnd: (rows: number) => boolean;
  readonly #byKey = new Map<string, T>();
  readonly #next = { rows: 0, pages: 0 };
  #unit: 'rows' | 'pages' = 'rows';
  #total = 0;
  #longest = 0;
  #isSecondLook = false;

  constructor(mayEnd: (rows: number) => boolean) {
    this.#mayEnd = mayEnd;
  }

  get offset(): number {
    return this.#next[this.#unit];
  }

  get values(): T[] {
    return [...this.#byKey.values()];
  }

  get isComplete(): boolean {
    return this.#byKey.size >= this.#total;
  }

  add({ count, rows, shown }: ListPage<T>): void {
    const before = this.#byKey.size;
    for (const [key, value] of shown) {
      this.#byKey.set(key, value);
    }
    this.#total = Math.max(this.#total, count ?? 0);
    const isNothingNew = this.#byKey.size === before;
    if (isNothingNew && !this.isComplete && this.#looksElsewhere()) {
      return;
    }
    const isShort = this.#next.pages === 0 ? this.#mayEnd(rows) : rows < this.#longest;
    this.#next.rows += rows;
    this.#next.pages += 1;
    this.#longest = Math.max(this.#longest, rows);
    this.#isSecondLook = false;
    // A count may be of the page alone, or have a limit, so it never ends a list after a full page.
    this.isOver = isNothingNew || (isShort && this.isComplete);
  }

  /** Chooses where to look after a page that showed nothing new: there again, then at the same page by its number. */
  #looksElsewhere(): boolean {
    if (!this.#isSecondLook) {
      this.#isSecondLook = true;
      return true;
    }
    const isUnitInDoubt = this.#unit === 'rows' && this.#next.pages === 1;
    this.#unit = isUnitInDoubt ? 'pages' : this.#unit;
    return isUnitInDoubt;
  }
}
