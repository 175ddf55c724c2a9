/**
 * Moves a clock and all timers to the next wake-up whenever the source has had nothing to do for a while. Sockets keep
 * their pace.
 */
import { vi } from 'vitest';
import type { Clock } from '../../../functions/clock.ts';
import type { MovableClock } from '../../simulator/movable-clock.ts';
import { underFakeTimers } from '../faults/flying-time.ts';

/** Real time without a request after which all wait for time to pass; encoding a file takes less. */
const quietMs = 2;
/** Longest jump, so that little time is wrong if something did not wait after all. */
const longestMs = 10_000;

/** A clock whose sleepers can be asked for. */
export interface JumpingClock extends Clock {
  /** Time until the first sleeper wakes up. */
  nextMs(): number;
  /** Wakes the sleepers whose time has come. */
  wake(): void;
}

/** Makes the clock of everything that runs, from the clock of the source. */
export function jumpingClock(clock: MovableClock): JumpingClock {
  const sleepers = new Map<() => void, number>();
  return {
    now: () => clock.now(),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const wake = (): void => {
          sleepers.delete(wake);
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const abort = (): void => {
          sleepers.delete(wake);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', abort, { once: true });
        sleepers.set(wake, Math.ceil(clock.now() + ms));
      }),
    nextMs: () => Math.min(longestMs, ...[...sleepers.values()].map((atMs) => atMs - clock.now())),
    wake: () => {
      for (const [wake, atMs] of sleepers) {
        if (atMs <= clock.now()) {
          wake();
        }
      }
    },
  };
}

/**
 * Awaits `work`.
 *
 * @param requests number of requests that the source has seen
 */
export async function whileTimeJumps<T>(
  source: MovableClock,
  clock: JumpingClock,
  requests: () => number,
  work: () => Promise<T>,
): Promise<T> {
  return await underFakeTimers(work, async (pause) => {
    const before = requests();
    await pause(quietMs);
    if (clock.nextMs() > 1_000) {
      await pause(5 * quietMs);
    }
    if (requests() === before) {
      const ms = Math.max(1, clock.nextMs());
      source.advance(ms);
      vi.advanceTimersByTime(ms);
      clock.wake();
    }
  });
}
