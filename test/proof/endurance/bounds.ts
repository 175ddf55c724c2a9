/** What hourly syncs of some 35 new executions each may cost at most, however many they are. */
import type { EnduranceFigures } from './hourly-syncs.ts';

/**
 * PROTOCOL.md bounds the checkpoint by what is recent (60 bytes each), what is open (400 bytes each: a few dozen here) and
 * coverage by the day; all that is well below this.
 */
const checkpointBytes = 32_768;
/** The tests' own view of the table, and the simulator's log, grow by a few megabytes. */
const heapGrowthBytes = 32 * 1_048_576;
/** One for new rows; the others re-check open executions. */
const medianRequests = 10;

/** What is not as it should be, as text. */
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

function atMost(what: string, value: number, bound: number): string[] {
  return value <= bound ? [] : [`${value} ${what}, ${bound} are allowed`];
}
