/**
 * Cuts a long span into slices of a few thousand rows, by the density seen so far. Pure.
 *
 * Slices are read side by side, and each is committed as one: long enough that its last, partly filled page costs little,
 * short enough that many fit into the time left and that a kill does not cost much.
 */
import { spanMs } from '../intervals.ts';
import type { Window } from '../model.ts';

/** Rows of a slice at most: 50 pages, so that the half page lost at its end costs 1 %. */
export const maxSliceRows = 5_000;
/** Rows of a slice at least, where it is cut short so that several can be read side by side. */
const minSliceRows = 2_500;
const leastRows = 100;
/** Capped counts are exact well below their cap. */
const countFill = 0.6;
/** A rest shorter than this part of a slice is joined to it. */
const joinedRest = 0.3;

/** What limits the next slice. */
export interface SliceLimits {
  /** Rows per millisecond; null while unknown. */
  readonly rowsPerMs: number | null;
  /** Rows that can be read in the time left. */
  readonly rowsInTimeLeft: number;
  /** The longest window that the source accepts. */
  readonly maxSpanMs: number;
  /** Counts are capped at this; infinite where they are not. */
  readonly countCap: number;
  /** Slices that are read side by side. */
  readonly inFlight: number;
  /** Length of all that is still to be read. */
  readonly restMs: number;
}

/** Returns the first slice of `span`, and how many rows it aims at. Without a density, the slice is all there is. */
export function nextSlice(span: Window, limits: SliceLimits): { readonly window: Window; readonly aimedRows: number } {
  const { rowsInTimeLeft, maxSpanMs, countCap, inFlight, restMs } = limits;
  const rowsPerMs = limits.rowsPerMs ?? 0;
  const shareRows = Math.max(minSliceRows, (restMs * rowsPerMs) / inFlight);
  const aimedRows = Math.max(leastRows, Math.min(maxSliceRows, shareRows, countCap * countFill, rowsInTimeLeft));
  const aimedMs = Math.min(maxSpanMs, rowsPerMs > 0 ? aimedRows / rowsPerMs : Number.POSITIVE_INFINITY);
  // Between two whole seconds, where no row starts.
  const cutMs = Math.floor((span.fromMs + aimedMs) / 1000) * 1000 + 500;
  const isJoined = aimedMs * (1 + joinedRest) >= spanMs(span) && spanMs(span) <= maxSpanMs;
  const toMs = isJoined || cutMs <= span.fromMs ? span.toMs : Math.min(cutMs, span.toMs);
  return { window: { fromMs: span.fromMs, toMs }, aimedRows };
}
