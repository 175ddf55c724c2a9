/** Clocks that can be moved forward, so that tests and the demo need not wait. */
import type { EpochMs } from '../../functions/model.ts';

/** The part of a clock that the simulator needs. */
export interface SimulatorClock {
  now(): EpochMs;
}

/** A clock that the caller moves. */
export interface MovableClock extends SimulatorClock {
  /** Moves the clock forward by `ms`, which must not be negative. */
  advance(ms: number): void;
}

/** Makes a clock that runs at real pace from `startMs`. */
export function shiftedClock(startMs: EpochMs = Date.now()): MovableClock {
  let shiftMs = startMs - Date.now();
  return {
    now: () => Date.now() + shiftMs,
    advance: (ms) => {
      shiftMs += ms;
    },
  };
}

/** Makes a clock that moves only by `advance`. */
export function frozenClock(startMs: EpochMs): MovableClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms;
    },
  };
}
