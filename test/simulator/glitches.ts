/** Wrong rows and counts of single replies with status 200. */
import type { Fault } from './faults.ts';

/** The glitches of one reply; empty if there are none. */
export interface PageGlitch {
  /** Maximum rows shown; 0 for an empty page. */
  readonly mostRows?: number;
  /** Shows the first row again in place of the last. */
  readonly repeatsFirst?: boolean;
  /** Default: the usual count. */
  readonly count?: number;
}

/** Returns the glitch that a fault causes; none for a fault of another kind. */
export function glitchOf(fault: Fault | null): PageGlitch {
  switch (fault?.kind) {
    case 'empty-page':
      return { mostRows: 0, ...(fault.count === undefined ? {} : { count: fault.count }) };
    case 'short-page':
      return { mostRows: fault.rows };
    case 'repeated-row':
      return { repeatsFirst: true };
    default:
      return {};
  }
}

/** Returns the rows with the first of them in place of the last. */
export function repeatFirst<T>(rows: readonly T[]): readonly T[] {
  const [first] = rows;
  return first === undefined ? rows : rows.with(-1, first);
}
