/** How long a run, and each target's share of it, may go on. */
import { abortAfter, type Clock } from '../clock.ts';
import { StoppedError } from '../errors.ts';
import type { Budget } from './target-run.ts';

/** Kept free at the end for the last commit, at most … */
const maxMarginMs = 15_000;
/** … and at most this part of the time. */
const marginPart = 0.2;

/** A budget with an end that has to be called. */
export interface OpenBudget extends Budget {
  /** Frees the timer. */
  close(): void;
}

/**
 * A budget of `ms`, less a margin for the last commit.
 *
 * @param ms infinite for no limit
 * @param stop aborted with a StoppedError when the user interrupts
 */
export function openBudget(clock: Clock, ms: number, stop: AbortSignal): OpenBudget {
  if (ms === Number.POSITIVE_INFINITY) {
    return { signal: stop, remainingMs: () => ms, close: () => undefined };
  }
  const usableMs = Math.max(0, ms - Math.min(maxMarginMs, ms * marginPart));
  const endMs = clock.now() + usableMs;
  const timer = abortAfter(usableMs, timeIsSpent);
  return {
    signal: AbortSignal.any([stop, timer.signal]),
    remainingMs: () => Math.max(0, endMs - clock.now()),
    close: timer.cancel,
  };
}

function timeIsSpent(): StoppedError {
  return new StoppedError('the time of this run is spent; everything proven complete so far is committed', {
    remedy: 'The next run goes on from there. Give it more time with maxRunSeconds, or run it more often.',
  });
}
