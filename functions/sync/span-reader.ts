/** Reads a span of start times completely, and writes nothing. For comparisons of the source with the table. */
import { contains, spanMs } from '../intervals.ts';
import type { EpochMs, Execution, Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { type ReadSlice, SliceReader } from './slice-reader.ts';
import { noLateRowsBefore } from './target-reader.ts';
import type { TargetRun } from './target-run.ts';

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
 * @throws IncompleteReadError if a part cannot be proven, and what reading throws
 */
export async function readSpan(
  { run, source, span, rowsInTimeLeft, now }: SpanRead,
  onSlice: (slice: ReadSlice) => Promise<void> | void,
): Promise<void> {
  const slices = new SliceReader({
    source,
    spans: [span],
    barrierMs: null,
    settledUntilMs: () => noLateRowsBefore(run, now()),
    rereadFromMs: Number.POSITIVE_INFINITY,
    shown: null,
    rowsPerMs: span.rows === 0 ? null : span.rows / spanMs(span),
    rowsInTimeLeft,
    now,
  });
  for (let slice = await slices.next(); slice !== null; slice = await slices.next()) {
    const [unproven] = slice.unproven;
    if (unproven !== undefined) {
      throw unproven;
    }
    await onSlice(slice);
  }
}

/** Returns the executions of the slice. Rows at the widened edges belong to other windows. */
export function executionsIn({ window, collected }: ReadSlice): Execution[] {
  return [...collected.seen.values()]
    .map(({ execution }) => execution)
    .filter(({ startTimeMs }) => contains(window, startTimeMs));
}
