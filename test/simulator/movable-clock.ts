/**
 * A clock that can be moved forward, so that a test or the demo can let time pass without waiting.
 */
import type { EpochMs } from '../../functions/model.ts';

/** The only thing the simulator asks of a clock. */
export interface SimulatorClock {
  now(): EpochMs;
}

/** A clock under the caller's hand. */
export interface MovableClock extends SimulatorClock {
  /** Moves forward by `ms`. The source never goes back in time. */
  advance(ms: number): void;
}

/** Runs at real pace, ahead of (or behind) real time by what it was advanced. */
export function shiftedClock(startMs: EpochMs = Date.now()): MovableClock {
  let shiftMs = startMs - Date.now();
  return {
    now: () => Date.now() + shiftMs,
    advance: (ms) => {
      shiftMs += ms;
    },
  };
}

/** Stands still until advanced. */
export function frozenClock(startMs: EpochMs): MovableClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
