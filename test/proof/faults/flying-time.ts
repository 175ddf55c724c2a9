/** Virtual time under fake timers. Sockets keep their pace. */
import { vi } from 'vitest';
import type { MovableClock } from '../../simulator/movable-clock.ts';

/** Virtual milliseconds for each real one. */
const stepMs = 40;

/** Awaits `work` with timers and a movable clock forty times as fast. */
export async function whileTimeFlies<T>(clock: MovableClock, work: () => Promise<T>): Promise<T> {
  return await underFakeTimers(work, async (pause) => {
    await pause(1);
    clock.advance(stepMs);
    vi.advanceTimersByTime(stepMs);
  });
}

/**
 * Awaits `work`, and lets time pass by `step` until it is done.
 *
 * @param step is given a pause in real time
 */
export async function underFakeTimers<T>(
  work: () => Promise<T>,
  step: (pause: (ms: number) => Promise<void>) => Promise<void>,
): Promise<T> {
  const realSetTimeout = setTimeout;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => realSetTimeout(resolve, ms));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let isDone = false;
  try {
    const result = work().finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await step(pause);
    }
    return await result;
  } finally {
    vi.useRealTimers();
  }
}
