/** Upper bounds of what hourly syncs of about 35 new executions each may cost, independent of their number. */
import type { EnduranceFigures } from './hourly-syncs.ts';

/**
 * PROTOCOL.md bounds the checkpoint by recent executions (60 bytes each), open ones (400 bytes each, a few dozen here)
 * and coverage per day. The sum is well below this bound.
 */
const checkpointBytes = 32_768;
/** The view that the auditor keeps and the simulator's log grow by a few megabytes. */
const heapGrowthBytes = 32 * 1_048_576;
/** One request reads new rows; the others re-check open executions. */
const medianRequests = 10;

/** Returns the violated bounds and the figures' own problems, as text. */
export function expectSteady(figures: EnduranceFigures): string[] {
  const [heapBefore, heapAfter] = figures.heapBytes;
  return [
    ...figures.problems,
    ...atMost('bytes of the largest checkpoint', figures.largestCheckpointBytes, checkpointBytes),
    ...atMost('bytes of heap more than after the first syncs', heapAfter - heapBefore, heapGrowthBytes),
    ...atMost('requests of a sync', figures.medianRequests, medianRequests),
    ...atMost('syncs that failed', figures.failed, figures.syncs / 4),
  ];
}

/** Returns a problem, as text, if `value` exceeds `bound`. */
export function atMost(what: string, value: number, bound: number): string[] {
  return value <= bound ? [] : [`${value} ${what}, ${bound} are allowed`];
}
