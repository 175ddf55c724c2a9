/**
 * What a run has learned of how this source behaves. Pure.
 *
 * Nothing here is assumed at the start and nothing is kept between runs: a source may change its ways, and a wrong
 * belief would lose rows. Each trait is set by evidence only.
 */

/** Evidence about the source, gathered while reading and shared by all reads of one run. */
export interface SourceTraits {
  /** The most rows any page has had: a page of that many may have been cut off. */
  largestPageRows: number;
  /**
   * True once `count` was seen to be a total: by several pages that came to just as many rows, or where the last row alone had
   * the same count; false once it was seen not to be.
   */
  countIsTotal: boolean | null;
  /** A `count` of this or more is not believed: rows were found beyond it, so it is capped. */
  countCap: number;
  /** Lists end at so many rows, and count no more, although there are more. */
  listCap: number;
  /** The largest `count` of any reply: whatever cap there is, totals below this are not cut off by it. */
  largestCount: number;
  /** Offsets, in the source's unit, from this one on were refused. */
  refusedOffset: number;
  /** True once the configured offset unit was tried on a window that could have shown it to be wrong. */
  offsetUnitChecked: boolean;
  /** How often it was tried and did not tell. */
  offsetUnitDoubts: number;
}

/** Knows nothing yet. */
export function noTraits(): SourceTraits {
  return {
    largestPageRows: 0,
    countIsTotal: null,
    countCap: Number.POSITIVE_INFINITY,
    listCap: Number.POSITIVE_INFINITY,
    largestCount: 0,
    refusedOffset: Number.POSITIVE_INFINITY,
    offsetUnitChecked: false,
    offsetUnitDoubts: 0,
  };
}
