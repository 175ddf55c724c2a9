/**
 * Windows of start times that stand for executions whose rule results are to be fetched, when they are too many for a
 * list. Pure.
 */
import { inOrder, lengthOf, spanMs } from '../intervals.ts';
import type { EpochMs, Window } from '../model.ts';
import type { ResultsWindow, WrittenExecution } from './results-document.ts';

/** Executions that are listed at a time: a few pages, so that fetching the newest starts soon. */
export const listedExecutions = 500;
const maxWindows = 100;
/** Windows this close are joined. What was fetched in between is requested again, so it is short. */
const joinedMs = 3_600_000;

/** Joins windows that are close, and the closest ones of too many. */
export function joinedWindows(windows: readonly ResultsWindow[]): ResultsWindow[] {
  const sorted = inOrder(windows);
  const gaps = sorted.slice(1).map(({ fromMs }, index) => fromMs - (sorted[index]?.toMs ?? fromMs));
  const leastMs = Math.max(joinedMs, gaps.sort((a, b) => a - b)[gaps.length - maxWindows] ?? 0);
  const joined: ResultsWindow[] = [];
  for (const window of sorted) {
    const last = joined.at(-1);
    if (last === undefined || window.fromMs - last.toMs > leastMs) {
      joined.push(window);
    } else {
      joined[joined.length - 1] = {
        fromMs: last.fromMs,
        toMs: Math.max(last.toMs, window.toMs),
        executions: last.executions + window.executions,
        tries: Math.min(last.tries, window.tries),
        notBeforeMs: Math.min(last.notBeforeMs, window.notBeforeMs),
      };
    }
  }
  return joined;
}

/** Returns the newest part of a window, which is to be listed next. */
export function partToList(window: ResultsWindow): Window {
  const { fromMs, toMs, executions } = window;
  const partMs = (spanMs(window) * listedExecutions) / executions;
  // No execution starts between two whole seconds.
  const cutMs = Math.floor((toMs - partMs) / 1000) * 1000 - 500;
  return { fromMs: executions <= listedExecutions ? fromMs : Math.max(fromMs, cutMs), toMs };
}

/** What the source has listed of a window. */
export interface ListedWindow {
  /** The window as it was before. */
  readonly window: ResultsWindow;
  /** Its newest part, which was listed. */
  readonly part: Window;
  /** What of that part is still to be listed. Disjoint, in order of time. */
  readonly unread: readonly Window[];
  /** What of that part the source failed to list, and is to be listed after a pause. Disjoint from `unread`. */
  readonly failed: readonly Window[];
  /** When that pause ends. */
  readonly retryAtMs: EpochMs;
  readonly found: readonly WrittenExecution[];
}

/** Returns what is left of a window after its newest part was listed; nothing if that was all of it. */
export function restOf({ window, part, unread, failed, retryAtMs, found }: ListedWindow): ResultsWindow[] {
  const { fromMs, executions, tries, notBeforeMs } = window;
  const older = part.fromMs > fromMs ? [{ fromMs, toMs: part.fromMs }] : [];
  const rest = [
    ...[...older, ...unread].map((left) => ({ ...left, tries, notBeforeMs })),
    ...failed.map((left) => ({ fromMs: left.fromMs, toMs: left.toMs, tries: tries + 1, notBeforeMs: retryAtMs })),
  ];
  return inOrder(rest).map((left) => ({
    ...left,
    executions: Math.max(1, Math.round(((executions - found.length) * spanMs(left)) / lengthOf(rest))),
  }));
}
