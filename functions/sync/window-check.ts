/**
 * Checks once for a target that its source keeps to the window asked for, and that a cut between two windows loses no
 * execution. All proofs rely on that (reading/PROOF.md, A5), and only the API's documentation promises it.
 */
import { isoTime } from '../clock.ts';
import { SourceError } from '../errors.ts';
import { type EpochMs, type Execution, executionKey, maxPageRows, type Page, type Window } from '../model.ts';
import type { PageSource } from '../reading/page-source.ts';
import { askableMs } from '../time-range.ts';

const dayMs = 86_400_000;
/** Number of executions to look for: one that is run again in the meantime is not listed. */
const lookedFor = 3;
/** Shorter executions are skipped, so that requests need not be exact to the second. */
const leastTookMs = 20_000;
/** Longer executions are skipped too: tasks time out after a day, so their end is probably invalid. */
const mostTookMs = 2 * dayMs;
/** How long before its start to how long after its end. Half seconds, because executions start at whole ones. */
const aroundMs = 15_500;
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
  await requireEnd(source, 'end_time', askableMs.first, shown);
  await requireEnd(source, 'start_time', nowMs + dayMs, shown);
  await requireParts(source, shown);
}

/**
 * Asks for a day long ago or in the future. A source that ignores an end of the window shows at least as many executions
 * as before, of other days. Reading would split such windows again and again, and fail after minutes with numbers that
 * explain nothing. An execution that starts within a day of the window proves nothing, because the source may filter by
 * another time, nor are a few stray ones.
 */
async function requireEnd(source: Asked, end: string, fromMs: EpochMs, shown: readonly Execution[]): Promise<void> {
  const window = { fromMs, toMs: fromMs + dayMs };
  // Times that far away may be refused in any way, which says nothing about others.
  const page = await ask(source, window, ({ httpStatus }) => httpStatus !== undefined);
  const isElsewhere = ({ startTimeMs: ms }: Execution): boolean => ms < fromMs - dayMs || ms > window.toMs + dayMs;
  const [stray, ...others] = page?.executions.filter(isElsewhere) ?? [];
  if (stray !== undefined && 2 * (1 + others.length) > shown.length) {
    throw failure(
      `ignores ${end}: asked for ${textOf(window)}, it listed instance ${stray.id}, which started at ${isoTime(stray.startTimeMs)}`,
    );
  }
}

/**
 * Looks for an execution in a window around its whole run and in the two parts of that window. A source that compares
 * `start_time` with the start and `end_time` with the end of an execution lists it for the window, but in neither part:
 * every execution that runs across a cut between two windows would be missing. Chooses the shortest ones, because
 * their windows hold the fewest others.
 */
async function requireParts(source: Asked, shown: readonly Execution[]): Promise<void> {
  const tookMs = ({ startTimeMs, endTimeMs }: Execution): number => (endTimeMs ?? startTimeMs) - startTimeMs;
  const shortest = shown
    .filter((one) => tookMs(one) >= leastTookMs && tookMs(one) <= mostTookMs)
    .toSorted((a, b) => tookMs(a) - tookMs(b))
    .slice(0, lookedFor);
  for (const one of shortest) {
    const { startTimeMs: startMs } = one;
    const whole = { fromMs: startMs - aroundMs, toMs: startMs + tookMs(one) + aroundMs };
    const cutMs = startMs + Math.min(aroundMs, 1000 * Math.floor(tookMs(one) / 2000) + 500);
    const [first, second] = [
      { ...whole, toMs: cutMs },
      { ...whole, fromMs: cutMs },
    ];
    const found = await lookTwice(source, first, one);
    if (found === 'listed') {
      return;
    }
    const isLost = found === 'missing' && (await look(source, whole, one)) === 'listed';
    if (isLost && (await lookTwice(source, second, one)) === 'missing') {
      throw failure(
        `does not select by start time: it lists instance ${one.id}, which started at ${isoTime(startMs)}, for ${textOf(whole)}, but neither for ${textOf(first)} nor for ${textOf(second)}`,
      );
    }
  }
}

/** Of two replies in a row, at most one is wrong by itself. */
async function lookTwice(
  source: Asked,
  window: Window,
  execution: Execution,
): Promise<'listed' | 'missing' | 'cut off'> {
  const found = await look(source, window, execution);
  return found === 'missing' ? await look(source, window, execution) : found;
}

async function look(source: Asked, window: Window, execution: Execution): Promise<'listed' | 'missing' | 'cut off'> {
  const page = await ask(source, window, (error) => error.httpStatus === 400 || error.mayBeOfRequest);
  const keys = page?.executions.map(executionKey) ?? [];
  if (keys.includes(executionKey(execution))) {
    return 'listed';
  }
  return page === null || keys.length + page.unreadable.length >= leastPageRows ? 'cut off' : 'missing';
}

/** Returns null if the request fails with an error that `isIgnored`. */
async function ask(
  { fetchPage, filter }: Asked,
  { fromMs, toMs }: Window,
  isIgnored: (error: SourceError) => boolean,
): Promise<Page | null> {
  const request = { startTimeMs: fromMs, endTimeMs: toMs, filter, limit: maxPageRows, offset: 0 };
  return await fetchPage(request).catch((thrown: unknown) => {
    if (thrown instanceof SourceError && isIgnored(thrown)) {
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
