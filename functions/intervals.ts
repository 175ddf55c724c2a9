/** Half-open windows of `start_time`: length, union, gaps, cutting. Pure. */
import type { EpochMs, Window } from './model.ts';

/** Returns the length of a window in milliseconds. */
export function spanMs(window: Window): number {
  return window.toMs - window.fromMs;
}

/** Returns the total length of windows in milliseconds. */
export function lengthOf(windows: readonly Window[]): number {
  return windows.reduce((sum, window) => sum + spanMs(window), 0);
}

/** Returns whether an instant lies in `[fromMs, toMs)`. */
export function contains(window: Window, ms: EpochMs): boolean {
  return ms >= window.fromMs && ms < window.toMs;
}

/** Returns whether two windows share an instant. */
export function overlap(a: Window, b: Window): boolean {
  return a.fromMs < b.toMs && b.fromMs < a.toMs;
}

/** Returns whether an instant lies in any of `sorted`, by binary search. They must be disjoint and in order of time. */
export function containsAny(sorted: readonly Window[], ms: EpochMs): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const window = sorted[middle];
    if (window !== undefined && window.toMs <= ms) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const window = sorted[low];
  return window !== undefined && contains(window, ms);
}

/** Sorts windows by their start. */
export function inOrder<Sorted extends Window>(windows: readonly Sorted[]): Sorted[] {
  return [...windows].sort((a, b) => a.fromMs - b.fromMs);
}

/** Returns the parts of `window` that are not covered. `covered` must be sorted and disjoint; so is the result. */
export function gapsIn(window: Window, covered: readonly Window[]): Window[] {
  const gaps: Window[] = [];
  let fromMs = window.fromMs;
  for (const held of covered) {
    if (held.toMs <= fromMs || held.fromMs >= window.toMs) {
      continue;
    }
    if (held.fromMs > fromMs) {
      gaps.push({ fromMs, toMs: held.fromMs });
    }
    fromMs = Math.max(fromMs, held.toMs);
  }
  if (fromMs < window.toMs) {
    gaps.push({ fromMs, toMs: window.toMs });
  }
  return gaps;
}

/** Returns the union of windows, sorted and disjoint, with adjacent ones joined. */
export function unionOf(windows: readonly Window[]): Window[] {
  const union: Window[] = [];
  for (const { fromMs, toMs } of inOrder(windows)) {
    const last = union.at(-1);
    if (last === undefined || fromMs > last.toMs) {
      union.push({ fromMs, toMs });
    } else if (toMs > last.toMs) {
      union[union.length - 1] = { fromMs: last.fromMs, toMs };
    }
  }
  return union;
}

/** Returns the parts of `spans` from `ms` on. */
export function spansFrom(spans: readonly Window[], ms: EpochMs): Window[] {
  return spans.filter(({ toMs }) => toMs > ms).map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, ms), toMs }));
}

/** Returns the instants that cut a window into `parts` of equal length. */
export function evenCuts(window: Window, parts: number): EpochMs[] {
  return Array.from({ length: parts - 1 }, (_, index) => window.fromMs + (spanMs(window) * (index + 1)) / parts);
}

/** Returns the instants that cut sorted instants into `parts` of about equal size, each halfway between two of them. */
export function quantileCuts(sorted: readonly EpochMs[], parts: number): EpochMs[] {
  return Array.from({ length: Math.max(0, parts - 1) }, (_, index) => {
    const at = Math.floor((sorted.length * (index + 1)) / parts);
    return ((sorted[at - 1] ?? 0) + (sorted[at] ?? 0)) / 2;
  });
}

/** Cuts a window at the given instants. Instants outside of it and repeated ones are ignored. */
export function cutAt({ fromMs, toMs }: Window, cutsMs: readonly EpochMs[]): Window[] {
  const inside = [...new Set(cutsMs.filter((ms) => ms > fromMs && ms < toMs))].sort((a, b) => a - b);
  const edges = [fromMs, ...inside, toMs];
  return edges.slice(1).map((end, index) => ({ fromMs: edges[index] ?? fromMs, toMs: end }));
}
