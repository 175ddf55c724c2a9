/**
 * Checks once for a target that its source selects by the start time that it shows. All proofs rely on that
 * (reading/PROOF.md, A5), and only the API's documentation promises it.
 */
import { isoTime } from '../clock.ts';
import { SourceError } from '../errors.ts';
import { type EpochMs, type Execution, executionKey, maxPageRows, type Page, type Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { askableMs } from '../time-range.ts';

const dayMs = 86_400_000;
/** So many executions are looked for. One that is run again meanwhile is not listed. */
const lookedFor = 3;
/** They are looked for from at most this long before to as long after their start … */
const aroundMs = 60_000;
/** … and at least this, because a source may filter by a slightly different time than it shows. */
const leastAroundMs = 15_000;
/** An execution that took longer has probably an invalid end: tasks time out after a day. */
const mostTookMs = 2 * dayMs;
/** The smallest pages that are known of similar sources. A shorter reply was not cut off. */
const leastPageRows = 10;

/** What is asked: a source, by pages. */
type Asked = Pick<PageSource, 'fetchPage' | 'filter'>;

/**
 * Asks for windows whose content is known.
 *
 * @param shown executions that the source has just listed
 * @throws SourceError saying how the source selects; what `fetchPage` throws
 */
export async function requireWindows(source: Asked, shown: readonly Execution[], nowMs: EpochMs): Promise<void> {
  await requireEnd(source, 'end_time', askableMs.first);
  await requireEnd(source, 'start_time', nowMs + dayMs);
  await requireStart(source, shown);
}

/**
 * Asks for a day long ago or in the future. A source that ignores an end of the window shows executions of other days.
 * Reading would split such windows again and again, and fail after minutes with numbers that explain nothing. An
 * execution that starts within a day of the window is no sign: the source may filter by a slightly different time.
 */
async function requireEnd(source: Asked, end: string, fromMs: EpochMs): Promise<void> {
  const window = { fromMs, toMs: fromMs + dayMs };
  const page = await ask(source, window);
  const isElsewhere = ({ startTimeMs: ms }: Execution): boolean => ms < fromMs - dayMs || ms > window.toMs + dayMs;
  const stray = page?.executions.find(isElsewhere);
  if (stray !== undefined) {
    throw failure(
      `ignores ${end}: asked for ${textOf(window)}, it listed instance ${stray.id}, which started at ${isoTime(stray.startTimeMs)}`,
    );
  }
}

/**
 * Looks for the executions that took longest, around their starts. A source that compares `end_time` with the end of an
 * execution lists them only for a window that reaches beyond their ends: every one that runs across a cut between two
 * windows would be missing. One that is listed for neither window proves nothing.
 */
async function requireStart(source: Asked, shown: readonly Execution[]): Promise<void> {
  const tookMs = ({ startTimeMs, endTimeMs }: Execution): number => (endTimeMs ?? startTimeMs) - startTimeMs;
  const longest = shown
    .filter((one) => tookMs(one) >= 2 * leastAroundMs && tookMs(one) <= mostTookMs)
    .toSorted((a, b) => tookMs(b) - tookMs(a))
    .slice(0, lookedFor);
  for (const one of longest) {
    const halfMs = Math.min(aroundMs, tookMs(one) / 2);
    const start = { fromMs: one.startTimeMs - halfMs, toMs: one.startTimeMs + halfMs };
    if ((await look(source, start, one)) !== 'missing') {
      return;
    }
    const whole = { fromMs: start.fromMs, toMs: start.toMs + tookMs(one) };
    // A single reply may be wrong by itself.
    if ((await look(source, whole, one)) === 'listed' && (await look(source, start, one)) === 'missing') {
      throw failure(
        `does not select by start time: it lists instance ${one.id}, which started at ${isoTime(one.startTimeMs)}, for ${textOf(whole)}, but not for ${textOf(start)}`,
      );
    }
  }
}

async function look(source: Asked, window: Window, execution: Execution): Promise<'listed' | 'missing' | 'cut off'> {
  const page = await ask(source, window);
  const keys = page?.executions.map(executionKey) ?? [];
  if (keys.includes(executionKey(execution))) {
    return 'listed';
  }
  return page === null || keys.length + page.unreadable.length >= leastPageRows ? 'cut off' : 'missing';
}

/** Returns null if the source refuses the window: times that far away may be refused, which says nothing about others. */
async function ask({ fetchPage, filter }: Asked, { fromMs, toMs }: Window): Promise<Page | null> {
  const request = { startTimeMs: fromMs, endTimeMs: toMs, filter, limit: maxPageRows, offset: 0 };
  return await fetchPage(request).catch((thrown: unknown) => {
    if (thrown instanceof SourceError && thrown.httpStatus === 400) {
      return null;
    }
    throw thrown;
  });
}

function textOf({ fromMs, toMs }: Window): string {
  return `${isoTime(fromMs)} to ${isoTime(toMs)}`;
}

function failure(how: string): SourceError {
  return new SourceError(`the source ${how}`, {
    remedy:
      'Executions could be missing from the table, so nothing was written. Check that source.endpoint is the DataArts Studio service itself. If it is, its API may have changed: look for a newer version of dqsync.',
  });
}
