/** Windows that runs could not prove complete, and when they are tried again. Pure. */
import { gapsIn, inOrder, overlap, unionOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';

/** An uncovered window that could not be proven. */
export interface UnprovenWindow extends Window {
  readonly tries: number;
  readonly triedAtMs: EpochMs;
}

const firstWaitMs = 30 * 60_000;
const longestWaitMs = 86_400_000;
/** 15 kB of checkpoint. What is forgotten is tried by the next run. */
const keptWindows = 200;

/**
 * Returns the windows with those added that a run could not prove at `atMs`, without what is covered.
 *
 * @param coverage after the run's own windows were added
 */
export function applyUnproven(
  before: readonly UnprovenWindow[],
  tried: readonly Window[],
  atMs: EpochMs,
  coverage: readonly Window[],
): UnprovenWindow[] {
  const triedNow = unionOf(tried);
  const kept = before.flatMap((entry) => gapsIn(entry, triedNow).map((part) => ({ ...entry, ...part })));
  const added = triedNow.map((window) => {
    const known = before.filter((entry) => overlap(entry, window));
    return {
      ...window,
      tries: known.reduce((most, { tries }) => Math.max(most, tries), 0) + 1,
      triedAtMs: known.reduce((latest, { triedAtMs }) => Math.max(latest, triedAtMs), atMs),
    };
  });
  const uncovered = [...kept, ...added].flatMap((entry) =>
    gapsIn(entry, coverage).map((part) => ({ ...entry, ...part })),
  );
  return inOrder(uncovered.toSorted((a, b) => b.triedAtMs - a.triedAtMs).slice(0, keptWindows));
}

/**
 * Returns the windows that are not to be tried again yet. The next run tries a new window at once; later runs wait for
 * longer and longer. A try that is dated in the future comes from a clock that was ahead, so it delays nothing.
 */
export function waitingAt(unproven: readonly UnprovenWindow[], nowMs: EpochMs): UnprovenWindow[] {
  return unproven.filter((window) => window.triedAtMs <= nowMs && nextTryMs(window) > nowMs);
}

/** Returns when a window is to be tried again: after nothing, 30 minutes, 1 hour, 2 hours, … at most a day. */
export function nextTryMs({ tries, triedAtMs }: UnprovenWindow): EpochMs {
  return triedAtMs + (tries <= 1 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 2)));
}
