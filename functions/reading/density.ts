/** How dense a window too large to read is. Pure. */
import type { Window } from '../model.ts';
import { rowCount } from './collected.ts';
import type { Pass } from './pass.ts';
import { spanMs } from './window.ts';

/** Rows per millisecond: by the count if it said so, else by how far the rows seen are apart. */
export function densityOf(pass: Pass, window: Window): number {
  const count = Math.max(0, ...[...pass.counts].map((value) => value ?? 0));
  const rows = rowCount(pass.collected);
  if (count > rows) {
    return count / spanMs(window);
  }
  const times = [...pass.collected.seen.values()].map((seen) => seen.execution.startTimeMs);
  const seenSpanMs =
    times.reduce((latest, ms) => Math.max(latest, ms), window.fromMs) -
    times.reduce((earliest, ms) => Math.min(earliest, ms), window.toMs);
  return rows / Math.max(1, Math.min(seenSpanMs, spanMs(window) / 2));
}
