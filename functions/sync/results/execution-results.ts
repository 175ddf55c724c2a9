/** The results of one execution: all pages of them, and what to do next. */
import type { PendingResult } from '../../checkpoint/results-document.ts';
import { isoTime } from '../../clock.ts';
import type { EpochMs, RuleResult } from '../../model.ts';
import type { TaskSource } from '../../source/task-calls.ts';
import type { ResultPage } from '../../source/task-wire.ts';
import { readWholeList } from '../../source/whole-list.ts';

/** What fetching the results of one execution gave. */
export interface FetchedExecution {
  readonly entry: PendingResult;
  /** Rows for the table; empty if there is nothing to write yet. */
  readonly results: readonly RuleResult[];
  /** Whether the row only says why there are no results. */
  readonly isNote: boolean;
  /** The entry to request later; null if it is finished. */
  readonly next: PendingResult | null;
  readonly fetchedAtMs: EpochMs;
  /** Whether it is finished because every request failed. */
  readonly isExpired: boolean;
}

/** Requests for results that are not ready: the first one, then after 4, 16, 64 and 256 minutes, six hours in all. */
const maxTries = 5;
/**
 * Requests that failed for one execution or one window alone: the five above, one after 1,024 minutes, then one a day
 * for five days.
 */
export const maxFailures = 11;
const firstPauseMs = 4 * 60_000;
const longestPauseMs = 86_400_000;
/**
 * Results that are missing twice for an execution of this age will not appear any more: it may have run for a week
 * (`maxOpenDays`), and the requests above take less than a day.
 */
const finalAfterMs = 8 * 86_400_000;

/**
 * Fetches the results of an execution, page by page. What follows from them: PROTOCOL.md, Rule results, step 3.
 *
 * @throws what `fetchResults` throws
 */
export async function fetchExecution(
  source: Pick<TaskSource, 'fetchResults'>,
  entry: PendingResult,
  now: () => EpochMs,
): Promise<FetchedExecution> {
  if (entry.state === 'rerun') {
    // Readers ignore results that were fetched later than this row says, and keep earlier ones.
    return { ...without(entry, 'rerun', now()), fetchedAtMs: entry.notBeforeMs };
  }
  const fetched = await fetchPages(source, entry.id);
  const nowMs = now();
  if (fetched === null) {
    return without(entry, 'deleted', nowMs);
  }
  const { results, isComplete } = fetched;
  const isLastTry = entry.tries + 1 >= maxTries || (entry.tries > 0 && nowMs - entry.startTimeMs > finalAfterMs);
  if (results.length === 0 || !isComplete) {
    if (!isLastTry) {
      return later(entry, [], nowMs);
    }
    return results.length === 0 ? without(entry, 'none', nowMs) : finished(entry, results, nowMs);
  }
  const isExporting = results.some(({ abnormalTableStatus: status }) => status === 'READY' || status === 'RUNNING');
  return isExporting && !isLastTry
    ? later({ ...entry, state: 'unfinished' }, results, nowMs)
    : finished(entry, results, nowMs);
}

/** Returns what to do after a failed request: request again later, or record that the execution has no results. */
export function afterFailure(entry: PendingResult, nowMs: EpochMs): FetchedExecution {
  return entry.tries + 1 < maxFailures ? later(entry, [], nowMs) : without(entry, 'failed', nowMs);
}

/**
 * Returns what to do if the source refused this request and gave no reply for any execution. Probably it refuses the
 * call, so that does not count as a failure of the execution: request it again in the next run, after those that were
 * not requested yet.
 */
export function afterRefusal(entry: PendingResult, nowMs: EpochMs): FetchedExecution {
  return { ...finished(entry, [], nowMs), next: { ...entry, notBeforeMs: nowMs } };
}

/**
 * Returns what to do if the source no longer lists an execution after its results were fetched. They may belong to the
 * next execution of its instance, even if no run ever sees that one. Results that are already in the table stay.
 */
export function withoutDoubtful({ entry }: FetchedExecution, nowMs: EpochMs): FetchedExecution {
  return without(entry, 'gone', nowMs);
}

function finished(entry: PendingResult, results: readonly RuleResult[], fetchedAtMs: EpochMs): FetchedExecution {
  return { entry, next: null, results, isNote: false, fetchedAtMs, isExpired: false };
}

function later(entry: PendingResult, results: readonly RuleResult[], fetchedAtMs: EpochMs): FetchedExecution {
  const notBeforeMs = fetchedAtMs + pauseMs(entry.tries);
  return { ...finished(entry, results, fetchedAtMs), next: { ...entry, tries: entry.tries + 1, notBeforeMs } };
}

/** Returns how long to wait for the next request after `tries` earlier ones and the present one. */
export function pauseMs(tries: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 4 ** tries);
}

/** Returns one row that says why there are no results; none for an execution that has some in the table already. */
function without(
  entry: PendingResult,
  why: 'deleted' | 'gone' | 'rerun' | 'none' | 'failed',
  nowMs: EpochMs,
): FetchedExecution {
  if (entry.state === 'unfinished') {
    return finished(entry, [], nowMs);
  }
  const extra = JSON.stringify({ _dqsync: { no_results: why, noted_at: isoTime(nowMs) } });
  const row: RuleResult = {
    ...{ ruleId: null, ruleInstanceId: null, alarmed: null, objectName: null, metrics: null },
    abnormalTableStatus: null,
    extra,
  };
  return { ...finished(entry, [row], nowMs), isNote: true, isExpired: why === 'failed' };
}

/**
 * Returns all results of an instance; null if the instance does not exist. The list may change while it is paged
 * through. It is complete when as many rules were shown as the source counts.
 */
async function fetchPages(
  source: Pick<TaskSource, 'fetchResults'>,
  instanceId: bigint,
): Promise<{ readonly results: readonly RuleResult[]; readonly isComplete: boolean } | null> {
  const list = await readWholeList(
    async (offset) => {
      const page = await source.fetchResults(instanceId, offset);
      return page && { ...page, shown: shownOn(page) };
    },
    // Lengths at which a source may cut its pages are multiples of ten; few executions have as many rules.
    (rows) => rows % 10 > 0,
  );
  return list && { results: list.values.flat(), isComplete: list.isComplete };
}

/** Returns the rules of a page. A page shows the list at one time, so what it has twice is listed twice. */
function shownOn({ rules }: ResultPage): (readonly [key: string, results: readonly RuleResult[]])[] {
  return [...Map.groupBy(rules, keyOf)].flatMap(([key, same]) =>
    same.map((results, index) => [`${key}/${index}`, results] as const),
  );
}

function keyOf(results: readonly RuleResult[]): string {
  const { ruleId = null, ruleInstanceId = null, extra } = results[0] ?? {};
  // Rules without ids differ only in what was found.
  const found = [extra, ...results.map(({ metrics }) => metrics)];
  return ruleId === null && ruleInstanceId === null ? found.join('/') : `${ruleId}/${ruleInstanceId}`;
}
