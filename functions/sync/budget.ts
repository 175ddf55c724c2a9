/** Time limits of a run and of each target's share. */
import { abortAfter, type Clock } from '../clock.ts';
import { StoppedError } from '../errors.ts';
import type { Budget } from './target-run.ts';

/** Time kept free at the end for the last commit: at most this much … */
const maxMarginMs = 15_000;
/** … and at most this share of the time. */
const marginPart = 0.2;
/** The last commit always gets at least this long, even beyond the time limit. */
const leastMarginMs = 5_000;

/** A budget that must be closed. */
export interface OpenBudget extends Budget {
  /** Frees the timers. */
  close(): void;
}

/** A span of time that starts when it is opened. */
interface Limit {
  readonly signal: AbortSignal;
  /** 0 once the signal has aborted, even if the clock was set back. */
  remainingMs(): number;
  close(): void;
}

/**
 * Opens a budget of `ms` with a margin at the end for the last commit. If the user interrupts, the margin starts.
 *
 * @param ms infinite for no limit
 * @param stop aborts with a StoppedError when the user interrupts
 */
export function openBudget(clock: Clock, ms: number, stop: AbortSignal): OpenBudget {
  const usableMs = ms === Number.POSITIVE_INFINITY ? ms : Math.max(0, ms - Math.min(maxMarginMs, ms * marginPart));
  const reading = openLimit(clock, usableMs);
  const ending = openLimit(clock, Math.max(ms, usableMs + leastMarginMs));
  const hardStop = new AbortController();
  let stopping: Limit | null = null;
  const onHardStop = (): void => hardStop.abort(timeIsUp());
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

/** Returns a part of `budget` that ends after `ms`, or with the whole. */
export function partOf(budget: Budget, clock: Clock, ms: number): OpenBudget {
  const limit = openLimit(clock, Math.min(ms, budget.remainingMs()));
  return {
    signal: AbortSignal.any([budget.signal, limit.signal]),
    remainingMs: () => Math.min(limit.remainingMs(), budget.remainingMs()),
    hardStop: budget.hardStop,
    close: limit.close,
  };
}

function openLimit(clock: Clock, ms: number): Limit {
  if (ms === Number.POSITIVE_INFINITY) {
    return { signal: new AbortController().signal, remainingMs: () => ms, close: () => undefined };
  }
  const endMs = clock.now() + ms;
  const { signal, cancel } = abortAfter(ms, timeIsUp);
  return {
    signal,
    remainingMs: () => (signal.aborted ? 0 : Math.max(0, endMs - clock.now())),
    close: cancel,
  };
}

function timeIsUp(): StoppedError {
  return new StoppedError('the time limit of this run is reached; everything proven complete so far is committed', {
    remedy: 'The next run continues from there. Give it more time with maxRunSeconds, or run it more often.',
  });
}
