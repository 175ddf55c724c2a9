/** Half-open windows of `start_time`: spans, splitting, and what to ask the source for. Pure. */
import type { EpochMs, Window } from '../model.ts';

/** Length of a window in milliseconds. */
export function spanMs(window: Window): number {
  return window.toMs - window.fromMs;
}

/** Length of several windows together in milliseconds. */
export function lengthOf(windows: readonly Window[]): number {
  return windows.reduce((sum, window) => sum + spanMs(window), 0);
}

/** Whether an instant lies in `[fromMs, toMs)`. */
export function contains(window: Window, ms: EpochMs): boolean {
  return ms >= window.fromMs && ms < window.toMs;
}

/**
 * The times to send for a window. Whether the source counts its edges as inside is not documented, so the closed span
 * `[fromMs, toMs - 1]` is asked for one millisecond wider at each end: even with both edges exclusive nothing is left out.
 */
export function askFor(window: Window): { readonly startTimeMs: EpochMs; readonly endTimeMs: EpochMs } {
  return { startTimeMs: window.fromMs - 1, endTimeMs: window.toMs };
}

/** Splits a window into up to `parts` windows of nearly equal length, none empty, in order of time. */
export function splitWindow(window: Window, parts: number): Window[] {
  const count = Math.max(1, Math.min(Math.floor(parts), spanMs(window)));
  const edges = Array.from({ length: count + 1 }, (_, index) =>
    Math.floor(window.fromMs + (spanMs(window) * index) / count),
  );
  return edges.slice(1).map((toMs, index) => ({ fromMs: edges[index] ?? window.fromMs, toMs }));
}
