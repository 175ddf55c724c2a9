/** Windows that runs could not prove complete, and when they are tried again. Pure. */
import { gapsIn, inOrder, overlap, unionOf } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';

/** A window that could not be proven. It is covered only if a sync was to read it again, because rows appear late. */
export interface UnprovenWindow extends Window {
  readonly tries: number;
  readonly triedAtMs: EpochMs;
}

const firstWaitMs = 30 * 60_000;
const longestWaitMs = 86_400_000;
/** 15 kB of checkpoint. What is forgotten is tried by the next run. */
const keptWindows = 200;

/** A covered window is forgotten after so many tries, in five days. An audit still finds rows that appeared late there. */
const maxCoveredTries = 10;

/**
 * Returns the windows with those added that a run could not prove at `atMs`, without what it has proven.
 *
 * @param coverage after the run's own windows were added
 */
export function applyUnproven(
  before: readonly UnprovenWindow[],
  {
    tried,
    proven,
    atMs,
  }: { readonly tried: readonly Window[]; readonly proven: readonly Window[]; readonly atMs: EpochMs },
  coverage: readonly Window[],
): UnprovenWindow[] {
  const triedNow = unionOf(tried);
  const provenNow = unionOf(proven);
  const kept = before.flatMap((entry) => gapsIn(entry, triedNow).map((part) => ({ ...entry, ...part })));
  const added = triedNow.map((window) => {
    const known = before.filter((entry) => overlap(entry, window));
    return {
      ...window,
      tries: known.reduce((most, { tries }) => Math.max(most, tries), 0) + 1,
      triedAtMs: known.reduce((latest, { triedAtMs }) => Math.max(latest, triedAtMs), atMs),
    };
  });
  const left = [...kept, ...added].flatMap((entry) =>
    gapsIn(entry, entry.tries > maxCoveredTries ? coverage : provenNow).map((part) => ({ ...entry, ...part })),
  );
  return inOrder(left.toSorted((a, b) => b.triedAtMs - a.triedAtMs).slice(0, keptWindows));
}

/** Returns the covered parts of the windows, which are to be read again. */
export function coveredAmong(unproven: readonly UnprovenWindow[], coverage: readonly Window[]): Window[] {
  return unproven.flatMap((entry) => gapsIn(entry, gapsIn(entry, coverage)));
}

/**
 * Returns the windows that are not to be tried again yet. The next run tries a new window immediately; later runs wait for
 * longer and longer. A try that is dated in the future comes from a clock that was ahead, so it delays nothing.
 */
export function waitingAt(unproven: readonly UnprovenWindow[], nowMs: EpochMs): UnprovenWindow[] {
  return unproven.filter((window) => window.triedAtMs <= nowMs && nextTryMs(window) > nowMs);
}

/** Returns when a window is to be tried again: after nothing, 30 minutes, 1 hour, 2 hours, … at most a day. */
export function nextTryMs({ tries, triedAtMs }: UnprovenWindow): EpochMs {
  return triedAtMs + (tries <= 1 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (tries - 2)));
}
