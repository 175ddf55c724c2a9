/**
 * Fetches rule results of executions that settled, in the time that is left of a run, newest first.
 *
 * A failure here never fails a run. What was not fetched stays in the backlog.
 */
import { dueWindows, waitingCount, windowToList, withFetched, withListed } from '../../checkpoint/pending-results.ts';
import type { PendingResult, PendingResults, ResultsWindow } from '../../checkpoint/results-document.ts';
import { isoTime } from '../../clock.ts';
import { type DqsyncError, type SourceError, StoppedError, toDqsyncError } from '../../errors.ts';
import { executionKey } from '../../model.ts';
import type { PageSource } from '../../reading/page-source.ts';
import { mayBeOfOne } from '../../source/source-errors.ts';
import { writeRows } from '../../warehouse/data-files.ts';
import { type ResultRow, resultTable } from '../../warehouse/result-table.ts';
import { type OpenBudget, partOf } from '../budget.ts';
import type { RunCounters } from '../counters.ts';
import { pageSourceOf, sourceTime } from '../target-reader.ts';
import type { TargetRun } from '../target-run.ts';
import type { ResultsBacklog } from './backlog.ts';
import { afterFailure, afterRefusal, type FetchedExecution, fetchExecution } from './execution-results.ts';
import { listPart, wantedFilters } from './listing.ts';
import { ownResults } from './own-results.ts';

/** Executions per commit: at the documented quota 25 s of work, so that a kill costs no more. */
const commitExecutions = 100;
/** Requests in flight: enough for the quota at a latency of 2 s. */
const maxInFlight = 8;
/** The most time that is kept to check the last batch (own-results.ts). */
const maxCheckMs = 10_000;
/** The largest share of the run's time that is kept for it. */
const checkPart = 0.2;
/** Failures in a row after which the calls count as down. */
const maxFailures = 3;

/**
 * Fetches results until none are due, `maxExecutions` were requested, or the time limit is reached. Never throws: the
 * log has one warning with the remedy.
 */
export async function fetchResults(
  run: TargetRun,
  backlog: ResultsBacklog,
  maxExecutions: number,
): Promise<Partial<RunCounters>> {
  const fetcher = new ResultsFetcher(run, backlog);
  try {
    await fetcher.fetch(maxExecutions);
  } catch (thrown) {
    fetcher.stop(toDqsyncError(thrown, run.target.name));
  }
  return fetcher.end();
}

class ResultsFetcher {
  readonly #run: TargetRun;
  readonly #backlog: ResultsBacklog;
  /** The time for requests of results. The rest is for their check. */
  readonly #fetching: OpenBudget;
  #results = 0;
  #files = 0;
  #failuresInRow = 0;
  /** Whether the source has replied for any execution. */
  #isAnswered = false;
  #expectedCount = 0;
  #askedCount = 0;
  /** Whether the source failed to list a window, or showed too many incompletely, to list more in this run. */
  #isListingOdd = false;
  /** Start times of executions that expired. */
  readonly #expiredMs: number[] = [];
  /** Why the fetching stopped; null while it may continue. */
  #stop: DqsyncError | null = null;

  constructor(run: TargetRun, backlog: ResultsBacklog) {
    this.#run = run;
    this.#backlog = backlog;
    const leftMs = run.budget.remainingMs();
    this.#fetching = partOf(run.budget, run.clock, leftMs - Math.min(maxCheckMs, leftMs * checkPart));
  }

  stop(error: DqsyncError): void {
    this.#stop ??= error;
  }

  /** @throws StorageError, ConflictError */
  async fetch(maxExecutions: number): Promise<void> {
    const run = this.#run;
    const pages = pageSourceOf(run, () => undefined);
    const { pending, windows } = await this.#backlog.load(run);
    const nowMs = run.clock.now();
    const dueCount = waitingCount({ windows: dueWindows(windows, nowMs), pending: dueNow(pending, nowMs) });
    this.#expectedCount = Math.min(maxExecutions, dueCount);
    for (let left = maxExecutions; left > 0 && !this.#isOver; ) {
      const results = await this.#backlog.load(run);
      const due = dueNow(results.pending, run.clock.now());
      const window = this.#isListingOdd ? null : windowToList(results, run.clock.now());
      if (window !== null && isBefore(due[0], window)) {
        await this.#list(pages, window);
        continue;
      }
      const batch = due.slice(0, Math.min(commitExecutions, left));
      if (batch.length === 0) {
        return;
      }
      left -= batch.length;
      const filters = wantedFilters(this.#backlog);
      await this.#commit(await ownResults(run, pages, filters, await this.#fetchBatch(batch)));
    }
  }

  get #isOver(): boolean {
    return this.#stop !== null || this.#fetching.remainingMs() === 0;
  }

  async #list(pages: PageSource, window: ResultsWindow): Promise<void> {
    const listed = await listPart(this.#run, pages, this.#backlog, window);
    this.#isListingOdd = listed.unread.length + listed.failed.length > 0;
    await this.#backlog.change(this.#run, (results) => withListed(results, listed));
  }

  /** Logs a warning if something failed. Returns the counters. */
  end(): Partial<RunCounters> {
    this.#fetching.close();
    const { clock, log, target } = this.#run;
    const stop = this.#stop;
    const waiting = this.#backlog.counters(clock.now());
    if (stop !== null && !(stop instanceof StoppedError)) {
      const wait = `${waiting.resultsBacklog} executions wait for rule results, which later runs fetch`;
      const message = `rule results were not fetched: ${stop.message}; executions are still synced, ${wait}`;
      log('warn', `${message}. ${stop.remedy}`, { target: target.name });
    }
    if (this.#expiredMs.length > 0) {
      const fields = {
        target: target.name,
        executions: this.#expiredMs.length,
        from: isoTime(Math.min(...this.#expiredMs)),
        to: isoTime(Math.max(...this.#expiredMs)),
      };
      const remedy = 'Request them again with "dqsync backfill --from <time> --to <time> --again --results".';
      log('warn', `rule results are missing: every request for them has failed for six days. ${remedy}`, fields);
    }
    return { results: this.#results, ...waiting };
  }

  async #fetchBatch(batch: readonly PendingResult[]): Promise<FetchedExecution[]> {
    const fetched: FetchedExecution[] = [];
    const refused: { readonly entry: PendingResult; readonly error: DqsyncError }[] = [];
    // The workers share the iterator. Each takes the next execution when it is done with one.
    const rest = batch.values();
    const work = async (): Promise<void> => {
      for (const entry of rest) {
        const one = await this.#fetchOne(entry, (error) => refused.push({ entry, error }));
        this.#reportProgress();
        if (one !== null) {
          fetched.push(one);
        }
        if (this.#isOver) {
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(maxInFlight, batch.length) }, work));
    const nowMs = this.#run.clock.now();
    const [first] = refused;
    if (first !== undefined && !this.#isAnswered) {
      this.stop(first.error);
      return [...fetched, ...refused.map(({ entry }) => afterRefusal(entry, nowMs))];
    }
    return [...fetched, ...refused.map(({ entry }) => afterFailure(entry, nowMs))];
  }

  #reportProgress(): void {
    this.#askedCount += 1;
    this.#run.onProgress({
      target: `${this.#run.target.name} results`,
      unit: 'executions',
      atMs: null,
      doneMs: this.#askedCount,
      totalMs: this.#expectedCount,
      rowsRead: this.#askedCount,
      rows: { proven: this.#askedCount, expected: this.#expectedCount },
      paceMs: (1000 * this.#askedCount) / this.#run.settings.requestsPerSecond,
    });
  }

  /**
   * Fetches one execution. A failed one is requested later; an error that would affect all stops the fetching.
   *
   * @param onRefusal called with an error that concerns all executions, unless the source replies for another one
   */
  async #fetchOne(entry: PendingResult, onRefusal: (error: DqsyncError) => void): Promise<FetchedExecution | null> {
    const { clock, budget, target, source } = this.#run;
    try {
      budget.signal.throwIfAborted();
      const fetched = await fetchExecution(source.tasks, entry, () => clock.now());
      if (entry.state !== 'rerun') {
        this.#failuresInRow = 0;
        this.#isAnswered = true;
      }
      return fetched;
    } catch (thrown) {
      const error = toDqsyncError(thrown, target.name);
      this.#failuresInRow += 1;
      const isOfOne = mayBeOfOne(error);
      if (!isOfOne || this.#failuresInRow >= maxFailures) {
        this.stop(error);
      }
      if (isOfOne && isRefusal(error)) {
        onRefusal(error);
        return null;
      }
      return isOfOne ? afterFailure(entry, clock.now()) : null;
    }
  }

  /** Data first, then the backlog. After a kill in between, some results are requested twice (PROTOCOL.md, I19). */
  async #commit(batch: readonly FetchedExecution[]): Promise<void> {
    const run = this.#run;
    const fetched = stillPending(await this.#backlog.reload(run), batch).map((one) =>
      // Readers compare this time with new starts of the instance, which are times of the source's clock. Results that
      // are fetched once more must be later than the first ones, even if the source's clock was set back.
      one.entry.state === 'none' ? { ...one, fetchedAtMs: sourceTime(run, one.fetchedAtMs) } : one,
    );
    const rows = fetched.flatMap((one) => this.#rowsOf(one));
    if (rows.length > 0) {
      this.#files += (await writeRows(run, resultTable, rows, this.#files)).files;
    }
    const nowMs = run.clock.now();
    const requested = fetched.map(({ entry, next, results, fetchedAtMs, isExpired }) => ({
      entry: next ?? entry,
      isDone: next === null,
      isExpired,
      fetchedAtMs: results.length === 0 || isExpired ? null : fetchedAtMs,
    }));
    const done = requested.filter(({ isDone }) => isDone);
    const postponed = requested.filter(({ isDone }) => !isDone);
    const stop = this.#stop;
    await this.#backlog.change(run, (before) => {
      const refused = stop === null || stop instanceof StoppedError ? null : refusal(stop, nowMs);
      return fetched.length === 0 && refused === null
        ? before
        : withFetched(before, { done, postponed, refused, nowMs });
    });
    const expired = done.filter(({ isExpired }) => isExpired);
    this.#expiredMs.push(...expired.map(({ entry }) => entry.startTimeMs));
    this.#results += done.length - expired.length;
  }

  #rowsOf({ entry, results, fetchedAtMs }: FetchedExecution): ResultRow[] {
    const { workspace, projectId } = this.#run.target;
    return results.map((result) => ({
      ...result,
      workspace,
      projectId,
      instanceId: entry.id,
      startTimeMs: entry.startTimeMs,
      taskId: entry.taskId,
      observedAtMs: fetchedAtMs,
      runId: this.#run.runId,
    }));
  }
}

/**
 * Leaves out executions that another run has finished in the meantime. It may have noted that the instance has started
 * again: rows that are written after such a note would look like the execution's own.
 */
function stillPending({ pending }: PendingResults, fetched: readonly FetchedExecution[]): FetchedExecution[] {
  const states = new Map(pending.map((entry) => [executionKey(entry), entry.state]));
  return fetched.filter(({ entry }) => {
    const state = states.get(executionKey(entry));
    return state !== undefined && (state !== 'rerun' || entry.state === 'rerun');
  });
}

/**
 * Returns the executions to request now: newest first, then those that were requested before, in the order in which
 * they became due. So no execution waits forever behind newer ones that the source always refuses.
 */
function dueNow(pending: PendingResults['pending'], nowMs: number): PendingResult[] {
  return pending
    .filter(({ notBeforeMs }) => notBeforeMs <= nowMs)
    .sort((a, b) => dueSinceMs(a) - dueSinceMs(b) || b.startTimeMs - a.startTimeMs);
}

/** Returns when the next request of an execution is due; 0 if it was never requested, or needs no request. */
function dueSinceMs({ state, notBeforeMs }: PendingResult): number {
  return state === 'rerun' ? 0 : notBeforeMs;
}

/**
 * Whether a window has executions that are to be requested before this one. One that was requested before comes last.
 */
function isBefore(entry: PendingResult | undefined, { toMs }: ResultsWindow): boolean {
  return entry === undefined || dueSinceMs(entry) > 0 || entry.startTimeMs < toMs - 1;
}

/** Whether the source refuses the call or does not know it. If so for the first execution, then normally for all. */
function isRefusal({ httpStatus }: SourceError): boolean {
  return httpStatus === 403 || httpStatus === 404;
}

/** Returns the text that `status` and `doctor` show. */
function refusal({ message, remedy }: DqsyncError, atMs: number): PendingResults['refused'] {
  return { atMs, message: `${message}. ${remedy}` };
}
