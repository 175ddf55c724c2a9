/** Wrong rows and counts of single replies with status 200. */
import type { Fault, GlitchCount, RowPlace } from './faults.ts';

/** The glitches of one reply; empty if there are none. */
export interface PageGlitch {
  /** Most rows shown; 0 for an empty page. */
  readonly mostRows?: number;
  /** Shows one row twice and leaves out another. */
  readonly repeats?: { readonly row: RowPlace; readonly inPlaceOf: RowPlace };
  /** Default: the usual count. */
  readonly count?: GlitchCount;
}

/** Returns the glitch that a fault causes; none for a fault of another kind. */
export function glitchOf(fault: Fault | null): PageGlitch {
  switch (fault?.kind) {
    case 'empty-page':
      return { mostRows: 0, count: fault.count ?? 'true' };
    case 'short-page':
      return { mostRows: fault.rows, count: fault.count ?? 'true' };
    case 'repeated-row':
      return { repeats: { row: fault.row ?? 'first', inPlaceOf: fault.inPlaceOf ?? 'last' } };
    default:
      return {};
  }
}

/** Returns the rows with one of them in place of another; a single row stays as it is. */
export function repeatRow<T>(rows: readonly T[], { row, inPlaceOf }: Required<PageGlitch>['repeats']): readonly T[] {
  const shown = rows[placeIn(rows, row)];
  if (shown === undefined || rows.length < 2) {
    return rows;
  }
  const hidden = placeIn(rows, inPlaceOf);
  const neighbor = hidden === 0 ? 1 : hidden - 1;
  return rows.with(hidden === placeIn(rows, row) ? neighbor : hidden, shown);
}

/** Returns the wrong `count` of a page of `shown` rows out of `total`; null for the usual count. */
export function glitchCount(count: GlitchCount | undefined, total: number, shown: number): number | null {
  if (count === undefined || count === 'true') {
    return null;
  }
  if (count === 'shown') {
    return shown;
  }
  return typeof count === 'number' ? count : Math.max(0, total + count.off);
}

function placeIn(rows: readonly unknown[], place: RowPlace): number {
  switch (place) {
    case 'first':
      return 0;
    case 'inner':
      return Math.floor(rows.length / 2);
    case 'last':
      return rows.length - 1;
  }
}
