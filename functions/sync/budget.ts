/** How long a run, and each target's share of it, may go on. */
import { abortAfter, type Clock } from '../clock.ts';
import { StoppedError } from '../errors.ts';
import type { Budget } from './target-run.ts';

/** Kept free at the end for the last commit, at most … */
const maxMarginMs = 15_000;
/** … and at most this part of the time. */
const marginPart = 0.2;
/** The last commit may take so long in any case, also beyond the time. */
const leastMarginMs = 5_000;

/** A budget with an end that has to be called. */
export interface OpenBudget extends Budget {
  /** Frees the timers. */
  close(): void;
}

/** A span of time from its opening on. */
interface Limit {
  readonly signal: AbortSignal;
  /** 0 once the signal is aborted, whatever the clock says: it may have been put back. */
  remainingMs(): number;
  close(): void;
}

/**
 * A budget of `ms`, less a margin for the last commit. When the user interrupts, that margin begins.
 *
 * @param ms infinite for no limit
 * @param stop aborted with a StoppedError when the user interrupts
 */
export function openBudget(clock: Clock, ms: number, stop: AbortSignal): OpenBudget {
  const usableMs = ms === Number.POSITIVE_INFINITY ? ms : Math.max(0, ms - Math.min(maxMarginMs, ms * marginPart));
  const reading = openLimit(clock, usableMs);
  const ending = openLimit(clock, Math.max(ms, usableMs + leastMarginMs));
  const hardStop = new AbortController();
  let stopping: Limit | null = null;
  const onHardStop = (): void => hardStop.abort(timeIsSpent());
  const onStop = (): void => {
    stopping = openLimit(clock, maxMarginMs);
    stopping.signal.addEventListener('abort', onHardStop);
  };
  ending.signal.addEventListener('abort', onHardStop);
  stop.addEventListener('abort', onStop);
  if (stop.aborted) {
    onStop();
  }
  return {
    signal: AbortSignal.any([stop, reading.signal]),
    remainingMs: reading.remainingMs,
    hardStop: hardStop.signal,
    close: () => {
      stop.removeEventListener('abort', onStop);
      for (const limit of [reading, ending, stopping]) {
        limit?.close();
      }
    },
  };
}

function openLimit(clock: Clock, ms: number): Limit {
  if (ms === Number.POSITIVE_INFINITY) {
    return { signal: new AbortController().signal, remainingMs: () => ms, close: () => undefined };
  }
  const endMs = clock.now() + ms;
  const { signal, cancel } = abortAfter(ms, timeIsSpent);
  return {
    signal,
    remainingMs: () => (signal.aborted ? 0 : Math.max(0, endMs - clock.now())),
    close: cancel,
  };
}

function timeIsSpent(): StoppedError {
  return new StoppedError('the time of this run is spent; everything proven complete so far is committed', {
    remedy: 'The next run goes on from there. Give it more time with maxRunSeconds, or run it more often.',
  });
}
