/** A table that can be sorted, that shows a part of its rows at first, and whose rows can open. */
import { button, count, counted, el } from './dom.ts';

/** One column. */
export interface Column<T> {
  readonly label: string;
  /** The value to sort by; without it, the column cannot be sorted. */
  readonly sortBy?: (row: T) => number | string;
  readonly cell: (row: T) => Node | string;
  /** Whether the values are numbers, which are right-aligned. */
  readonly isNumber?: boolean;
  /** Whether the column is left out where there is little room: figures in print, others on narrow screens. */
  readonly isMinor?: boolean;
}

/** The definition of a table. */
export interface TableOptions<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  /** The name of one row, for the counts below the table. */
  readonly rowName: string;
  /** Rows shown at first. */
  readonly firstRows: number;
  readonly empty: string;
  /** The details that a row opens to. Its first cell becomes the button. */
  readonly details?: (row: T) => Node;
}

/** A table on the page. */
export interface Table<T> {
  readonly element: HTMLElement;
  /**
   * Shows other rows, in the order given until a column is chosen.
   *
   * @param empty the text without rows; default: that of the options
   */
  show(rows: readonly T[], empty?: string): void;
  /** Forgets the column that was chosen to sort by. */
  unsort(): void;
  /** Shows all rows, for printing, or the first ones again. */
  expand(isExpanded: boolean): void;
}

/** Rows that printing shows at most: a page. */
const maxPrintedRows = 30;

let tables = 0;

/** Makes a table. */
export function makeTable<T>(options: TableOptions<T>): Table<T> {
  const { columns, caption, rowName, firstRows } = options;
  tables += 1;
  const prefix = `table-${tables}`;
  const body = el('tbody');
  const note = el('p', { class: 'table-note', 'aria-live': 'polite' });
  const headers = columns.map((column, index) => headerOf(column, () => sort(index)));
  const table = el('table', {}, el('caption', { class: 'hidden' }, caption), headOf(headers), body);
  let rows: readonly T[] = [];
  let emptyText = options.empty;
  let shown = firstRows;
  let order: { readonly column: number; readonly isDescending: boolean } | null = null;

  const sort = (column: number): void => {
    const isDescending = order?.column === column ? !order.isDescending : columns[column]?.isNumber === true;
    order = { column, isDescending };
    showOrder();
    render();
  };
  const showOrder = (): void => {
    for (const [index, header] of headers.entries()) {
      if (columns[index]?.sortBy !== undefined) {
        header.setAttribute(
          'aria-sort',
          index !== order?.column ? 'none' : order.isDescending ? 'descending' : 'ascending',
        );
      }
    }
  };
  const render = (): void => {
    const ordered = order === null ? rows : sorted(rows, columns[order.column], order.isDescending);
    body.replaceChildren(
      ...ordered.slice(0, shown).flatMap((row, index) => rowsOf(row, options, `${prefix}-${index}`)),
    );
    table.hidden = rows.length === 0;
    const rest = rows.length - shown;
    note.replaceChildren(
      rows.length === 0 ? emptyText : `${count(Math.min(shown, rows.length))} of ${counted(rows.length, rowName)}`,
    );
    if (rest > 0) {
      note.append(
        button(`Show ${Math.min(rest, 4 * firstRows)} more`, () => {
          const firstNew = shown;
          shown += 4 * firstRows;
          render();
          // The button is gone or a new one: without this, the focus would start again at the top.
          body.querySelectorAll<HTMLElement>('.row')[firstNew]?.querySelector('button')?.focus();
        }),
      );
    }
  };
  return {
    element: el('div', { class: 'table' }, el('div', { class: 'scroll' }, table), note),
    show: (next, empty = options.empty) => {
      rows = next;
      emptyText = empty;
      shown = firstRows;
      render();
    },
    unsort: () => {
      order = null;
      showOrder();
    },
    expand: (isExpanded) => {
      shown = isExpanded ? Math.max(shown, maxPrintedRows) : firstRows;
      render();
    },
  };
}

/** Makes the head of a table. */
export function headOf(headers: readonly HTMLElement[]): HTMLElement {
  return el('thead', {}, el('tr', {}, ...headers));
}

/** Makes the header of a column. @param onSort for columns that can be sorted */
export function headerOf<T>(
  { label, sortBy, isNumber, isMinor }: Column<T>,
  onSort: () => void = () => undefined,
): HTMLElement {
  const attributes = { scope: 'col', class: classOf({ isNumber, isMinor }) };
  return sortBy === undefined
    ? el('th', attributes, label)
    : el('th', { ...attributes, 'aria-sort': 'none' }, button(label, onSort, { class: 'sort' }));
}

/** Makes the cells of a row. */
export function cellsOf<T>(row: T, columns: readonly Column<T>[]): HTMLElement[] {
  return columns.map((column) => el('td', { class: classOf(column), 'data-label': column.label }, column.cell(row)));
}

function rowsOf<T>(row: T, { columns, details }: TableOptions<T>, id: string): HTMLElement[] {
  const cells = cellsOf(row, columns);
  const line = el('tr', { class: 'row' }, ...cells);
  const [first] = cells;
  if (details === undefined || first === undefined) {
    return [line];
  }
  const more = el('tr', { id, class: 'details', hidden: true });
  const opener = el('button', { type: 'button', class: 'opener', 'aria-expanded': 'false', 'aria-controls': id });
  opener.append(...first.childNodes);
  first.append(opener);
  opener.addEventListener('click', () => {
    more.hidden = !more.hidden;
    opener.setAttribute('aria-expanded', String(!more.hidden));
    if (more.childElementCount === 0) {
      more.append(el('td', { colspan: columns.length }, details(row)));
    }
  });
  line.addEventListener('click', (event) => {
    // A click anywhere opens the row, unless it selects text or is on another control.
    const isOnControl = event.target instanceof Element && event.target.closest('button, a') !== null;
    if (!isOnControl && String(getSelection()) === '') {
      opener.click();
    }
  });
  line.classList.add('opens');
  return [line, more];
}

function sorted<T>(rows: readonly T[], column: Column<T> | undefined, isDescending: boolean): readonly T[] {
  const sortBy = column?.sortBy;
  if (sortBy === undefined) {
    return rows;
  }
  const sign = isDescending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: sortBy(row) }))
    .sort((a, b) => sign * compare(a.value, b.value))
    .map(({ row }) => row);
}

const names = new Intl.Collator('en', { numeric: true });

function compare(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : names.compare(String(a), String(b));
}

function classOf(column: {
  readonly isNumber?: boolean | undefined;
  readonly isMinor?: boolean | undefined;
}): string | null {
  const classes = [column.isNumber === true ? 'number' : '', column.isMinor === true ? 'minor' : ''].filter(Boolean);
  return classes.length === 0 ? null : classes.join(' ');
}
