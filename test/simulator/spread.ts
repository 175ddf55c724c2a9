/** Start times of many executions: spread evenly, in dense seconds, or in bursts. */
import type { EpochMs } from '../../functions/model.ts';
import type { Grain } from './grain.ts';

/** Bursts of executions, as at full hours. */
export interface Peaks {
  /** Share of all executions that start in a burst; the others are spread evenly. */
  readonly share: number;
  /** Executions in each second of a burst; the last burst may be cut short. */
  readonly rowsPerSecond: number;
  /** Length of a burst. */
  readonly seconds: number;
}

/** The distribution of start times. */
export interface Spread {
  readonly fromMs: EpochMs;
  readonly toMs: EpochMs;
  /** Default: whole seconds; milliseconds if `perMillisecond` is more than 1. */
  readonly grain?: Grain;
  /** Rows per start time, with times of milliseconds. Default 1; all rows share it if `fromMs + 1 === toMs`. */
  readonly perMillisecond?: number;
  /** Rows per start time, with times of whole seconds. The window must have enough seconds. */
  readonly perSecond?: number;
  /** Bursts at full hours; every 30, 15, 10, 5 or 1 minutes if the window has too few hours. */
  readonly peaks?: Peaks;
}

const minuteMs = 60_000;
/** Distances of bursts, of which the first one that has room for all bursts is used. */
const burstGridsMs = [60, 30, 15, 10, 5, 1].map((minutes) => minutes * minuteMs);

/**
 * Returns `count` start times within `[fromMs, toMs)`.
 *
 * @throws RangeError if the window has too few seconds
 */
export function startTimes(count: number, spread: Spread): readonly EpochMs[] {
  const { peaks } = spread;
  if (peaks === undefined) {
    return evenTimes(count, spread);
  }
  const inBursts = Math.round(count * peaks.share);
  return [...burstTimes(inBursts, spread, peaks), ...evenTimes(count - inBursts, spread)];
}

/** Returns the unit of the start times. */
export function grainOf({ grain, perMillisecond = 1 }: Spread): Grain {
  return grain ?? (perMillisecond > 1 ? 'millisecond' : 'second');
}

function evenTimes(count: number, spread: Spread): readonly EpochMs[] {
  const { fromMs, toMs, perMillisecond = 1, perSecond } = spread;
  const grain = grainOf(spread);
  const stepMs = grain === 'second' ? 1_000 : 1;
  const firstMs = Math.ceil(fromMs / stepMs) * stepMs;
  const sharing = perSecond ?? perMillisecond;
  const steps = Math.ceil(count / sharing);
  const available = Math.max(0, Math.ceil((toMs - firstMs) / stepMs));
  const needed = perSecond === undefined ? Math.min(steps, 1) : steps;
  if (available < needed) {
    throw new RangeError(
      `the window has ${available} whole ${grain}s, not ${needed}: lengthen it or set grain to 'millisecond'`,
    );
  }
  return Array.from({ length: count }, (_, index) => {
    const step = Math.floor(index / sharing);
    return firstMs + Math.floor((step * available) / steps) * stepMs;
  });
}

function burstTimes(count: number, { fromMs, toMs }: Spread, peaks: Peaks): readonly EpochMs[] {
  const burstRows = peaks.rowsPerSecond * peaks.seconds;
  const bursts = Math.ceil(count / burstRows);
  const burstMs = peaks.seconds * 1_000;
  const instants = burstGridsMs
    .filter((gridMs) => gridMs >= burstMs)
    .map((gridMs) => gridInstants(gridMs, fromMs, toMs - burstMs))
    .find(({ length }) => length >= bursts);
  if (instants === undefined) {
    throw new RangeError(`the window has no room for ${bursts} bursts of ${peaks.seconds} s at full minutes`);
  }
  return Array.from({ length: count }, (_, index) => {
    const burst = Math.floor(index / burstRows);
    const instant = instants[Math.floor((burst * instants.length) / bursts)] ?? fromMs;
    return instant + Math.floor((index % burstRows) / peaks.rowsPerSecond) * 1_000;
  });
}

/** Returns the multiples of `gridMs` in `[fromMs, lastMs]`. */
function gridInstants(gridMs: number, fromMs: EpochMs, lastMs: EpochMs): readonly EpochMs[] {
  const firstMs = Math.ceil(fromMs / gridMs) * gridMs;
  const length = Math.max(0, Math.floor((lastMs - firstMs) / gridMs) + 1);
  return Array.from({ length }, (_, index) => firstMs + index * gridMs);
}
