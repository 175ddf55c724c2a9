/**
 * Cuts a long span into slices of a few thousand rows by the density seen so far. Pure.
 *
 * Slices are read in parallel, and each is committed as a whole. They are long enough that the partly filled last page
 * costs little, and short enough that many fit into the time left and a kill loses little work.
 */
import { spanMs } from '../intervals.ts';
import type { Window } from '../model.ts';

/** Maximum rows of a slice: 50 pages, so that the half page lost at its end costs 1 %. */
export const maxSliceRows = 5_000;
/** Minimum rows of a slice that is shortened so that several can be read in parallel. */
const minSliceRows = 2_500;
const leastRows = 100;
/** A rest shorter than this share of a slice is joined to it. */
const joinedRest = 0.3;

/** What limits the next slice. */
export interface SliceLimits {
  /** Rows per millisecond; null if unknown. */
  readonly rowsPerMs: number | null;
  /** Rows that can be read in the time left. */
  readonly rowsInTimeLeft: number;
  /** The longest window that the source accepts. */
  readonly maxSpanMs: number;
  /** Number of slices read in parallel. */
  readonly inFlight: number;
  /** Total length of the spans still to be read. */
  readonly restMs: number;
}

/** Returns the first slice of `span`, and how many rows it aims at. Without a density, the slice is the whole span. */
export function nextSlice(span: Window, limits: SliceLimits): { readonly window: Window; readonly aimedRows: number } {
  const { rowsInTimeLeft, maxSpanMs, inFlight, restMs } = limits;
  const rowsPerMs = limits.rowsPerMs ?? 0;
  const shareRows = Math.max(minSliceRows, (restMs * rowsPerMs) / inFlight);
  const aimedRows = Math.max(leastRows, Math.min(maxSliceRows, shareRows, rowsInTimeLeft));
  const aimedMs = Math.min(maxSpanMs, rowsPerMs > 0 ? aimedRows / rowsPerMs : Number.POSITIVE_INFINITY);
  // No row starts between two whole seconds.
  const cutMs = Math.floor((span.fromMs + aimedMs) / 1000) * 1000 + 500;
  const isJoined = aimedMs * (1 + joinedRest) >= spanMs(span) && spanMs(span) <= maxSpanMs;
  const toMs = isJoined || cutMs <= span.fromMs ? span.toMs : Math.min(cutMs, span.toMs);
  return { window: { fromMs: span.fromMs, toMs }, aimedRows };
}
