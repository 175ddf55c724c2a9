/**
 * The source's ids: the time of creation in milliseconds since a fixed instant, followed by 22 bits that distinguish
 * ids of one millisecond.
 */
import type { EpochMs } from '../../functions/model.ts';
import type { Random } from './random.ts';

/** 2014-12-31T16:00:00Z, derived from published ids of tasks and their creation times. */
const countsFromMs: EpochMs = 1_420_041_600_000;
/** Earlier ids would have fewer than 18 digits. */
const earliestCreationMs: EpochMs = countsFromMs + 2 ** 35;
const lowBits = 22n;

/** The number of different ids in one millisecond. */
export const idsPerMillisecond = 2 ** Number(lowBits);

/** Returns an id of 18 or 19 digits; `low` is in `[0, idsPerMillisecond)`. */
export function snowflakeText(createdMs: EpochMs, low: number): string {
  const ms = Math.max(createdMs, earliestCreationMs) - countsFromMs;
  return String((BigInt(ms) << lowBits) | BigInt(low));
}

/** Returns when the instance or task with this id was created. */
export function createdMsOf(id: bigint | string): EpochMs {
  return Number(BigInt(id) >> lowBits) + countsFromMs;
}

/** Returns -1, 0 or 1 if `a` is lower than, equal to or higher than `b`. Ids are texts of digits. */
export function compareIds(a: string, b: string): number {
  if (a.length !== b.length) {
    return a.length < b.length ? -1 : 1;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Returns when an instance with this start was created: by default up to 4 ms before the start or, if the start is a
 * whole second and so may be rounded down, up to 60 ms after it. The published instances were created 42 and 48 ms
 * after their starts.
 *
 * @param spreadMs longest time between creation and start, in either direction
 */
export function creationOf(startTimeMs: EpochMs, random: Random, spreadMs?: number): EpochMs {
  return spreadMs === undefined
    ? startTimeMs + random.between(-4, startTimeMs % 1_000 === 0 ? 60 : 0)
    : startTimeMs + random.between(-spreadMs, spreadMs);
}
