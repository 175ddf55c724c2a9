/** Speeds timers and a movable clock up forty times. Sockets keep their pace. */
import { vi } from 'vitest';
import type { MovableClock } from '../../simulator/movable-clock.ts';

/** Virtual milliseconds for each real one. */
const stepMs = 40;

/** Awaits `work` in sped-up time. */
export async function whileTimeFlies<T>(clock: MovableClock, work: () => Promise<T>): Promise<T> {
  const realSetTimeout = setTimeout;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let isDone = false;
  try {
    const result = work().finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await new Promise((resolve) => realSetTimeout(resolve, 1));
      clock.advance(stepMs);
      vi.advanceTimersByTime(stepMs);
    }
    return await result;
  } finally {
    vi.useRealTimers();
  }
}
