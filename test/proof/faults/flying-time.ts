/** Time that flies: timers go off forty times as fast, and a movable clock goes with them. Sockets stay what they are. */
import { vi } from 'vitest';
import type { MovableClock } from '../../simulator/movable-clock.ts';

/** By how much time moves each real millisecond. */
const stepMs = 40;

/** Awaits `work` while time flies. */
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
