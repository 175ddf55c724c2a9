/** The precision of the source's times. */
import type { EpochMs } from '../../functions/model.ts';

/** The unit of start and end times. The published examples have whole seconds. */
export type Grain = 'second' | 'millisecond';

/** Returns the last time of this grain that is not after `ms`. */
export function floorTo(grain: Grain, ms: EpochMs): EpochMs {
  return grain === 'second' ? Math.floor(ms / 1_000) * 1_000 : ms;
}
