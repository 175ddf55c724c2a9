/** Checks once for a target that its source selects by start time, which every later proof relies on. */
import { isoTime } from '../clock.ts';
import { SourceError } from '../errors.ts';
import { type EpochMs, type Execution, maxPageRows, type Page } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { askableMs } from '../time-range.ts';

const dayMs = 86_400_000;

/**
 * Asks for a day long ago and for a day in the future. A source that ignores an end of the window shows executions of
 * other days. Reading would split such windows again and again, and fail after minutes with numbers that explain nothing.
 * An execution that starts within a day of the window is no sign: the source may filter by a slightly different time.
 *
 * @throws SourceError naming the parameter that the source ignores; what `fetchPage` throws
 */
export async function requireWindows(
  { fetchPage, filter }: Pick<PageSource, 'fetchPage' | 'filter'>,
  nowMs: EpochMs,
): Promise<void> {
  const days = [
    { ignored: 'end_time', startTimeMs: askableMs.first },
    { ignored: 'start_time', startTimeMs: nowMs + dayMs },
  ];
  for (const { ignored, startTimeMs } of days) {
    const endTimeMs = startTimeMs + dayMs;
    const request = { startTimeMs, endTimeMs, filter, limit: maxPageRows, offset: 0 };
    const page = await fetchPage(request).catch(unlessRefused);
    const isElsewhere = ({ startTimeMs: ms }: Execution): boolean => ms < startTimeMs - dayMs || ms > endTimeMs + dayMs;
    const stray = page?.executions.find(isElsewhere);
    if (stray !== undefined) {
      const listed = `it listed instance ${stray.id}, which started at ${isoTime(stray.startTimeMs)}`;
      throw new SourceError(
        `the source ignores ${ignored}: asked for ${isoTime(startTimeMs)} to ${isoTime(endTimeMs)}, ${listed}`,
        {
          remedy:
            'Nothing was written. Check that source.endpoint is the DataArts Studio service itself. If it is, its API may have changed: look for a newer version of dqsync.',
        },
      );
    }
  }
}

/** A source may refuse times that far away, which says nothing about others. */
function unlessRefused(thrown: unknown): Page | null {
  if (thrown instanceof SourceError && thrown.httpStatus === 400) {
    return null;
  }
  throw thrown;
}
