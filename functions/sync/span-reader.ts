/** Counts or reads a span of start times, and writes nothing. For comparisons of the source with the table. */
import { IncompleteReadError } from '../errors.ts';
import { contains, spanMs } from '../intervals.ts';
import type { EpochMs, Execution, Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { readFirst } from '../reading/read-window.ts';
import { type ReadSlice, SliceReader } from './slice-reader.ts';
import { noLateRowsBefore } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

/**
 * Returns the count of a window if its first reply with rows shows an exact one, otherwise null. Requests nothing if no
 * count can be exact. A reply without rows does not prove a count, because it may be a glitch. Neither does a reply with an
 * unreadable row, because the table may hold an earlier, readable state of it. Returns null as well if the source fails
 * to deliver the window. The ends of a window are exact only between whole seconds.
 *
 * @throws what `fetchPage` throws
 */
export async function exactCountOf(source: PageSource, { fromMs, toMs }: Window): Promise<number | null> {
  const { profile } = source;
  if (profile.largestCount === 0) {
    return null;
  }
  const asked = { fromMs: halfBefore(fromMs), toMs: halfBefore(toMs) };
  const { reply } = await readFirst(source, asked);
  if (reply.window !== asked || reply.rows === 0 || reply.page.unreadable.length > 0) {
    return null;
  }
  return profile.hints.isWholeSeconds && profile.believes(reply.count) ? reply.count : null;
}

/**
 * Moves an instant to the middle between two whole seconds, with the same whole seconds before it. There it does not
 * matter whether the source includes the ends of a span.
 */
function halfBefore(ms: EpochMs): EpochMs {
  return Math.ceil(ms / 1000) * 1000 - 500;
}

/** The arguments of a read. */
export interface SpanRead {
  readonly run: Pick<TargetRun, 'source' | 'settings'>;
  readonly source: PageSource;
  /** The span, and about how many rows it has. */
  readonly span: Window & { readonly rows: number };
  readonly rowsInTimeLeft: () => number;
  readonly now: () => EpochMs;
}

/**
 * Reads the span in proven slices.
 *
 * @throws IncompleteReadError if a part cannot be proven, or trust was revoked after a slice was handed on; and what
 *   reading throws
 */
export async function readSpan(
  { run, source, span, rowsInTimeLeft, now }: SpanRead,
  onSlice: (slice: ReadSlice) => Promise<void> | void,
): Promise<void> {
  const slices = new SliceReader({
    source,
    spans: [span],
    settledUntilMs: () => noLateRowsBefore(run, now()),
    rowsPerMs: span.rows === 0 ? null : span.rows / spanMs(span),
    rowsInTimeLeft,
    now,
  });
  let hasRead = false;
  for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
    const [unproven] = slice.unproven;
    if (unproven !== undefined) {
      throw unproven;
    }
    if (slices.takeRevocation() && hasRead) {
      throw new IncompleteReadError(span, null, 0, 'a later reply showed that earlier ones cannot be trusted');
    }
    hasRead ||= slice.proven.length > 0;
    await onSlice(slice);
  }
}

/** Returns the executions of the slice. Rows at the widened edges belong to other windows. */
export function executionsIn({ window, collected }: ReadSlice): Execution[] {
  return [...collected.seen.values()]
    .map(({ execution }) => execution)
    .filter(({ startTimeMs }) => contains(window, startTimeMs));
}
