/**
 * Fetches rule results of executions that settled, in the time that is left of a run, newest first.
 *
 * Never in the way: nothing that goes wrong here fails a run. What was not fetched stays in the backlog.
 */
import { type PendingResult, type PendingResults, withFetched } from '../checkpoint/pending-results.ts';
import { type DqsyncError, SourceError, StoppedError, toDqsyncError } from '../errors.ts';
import { isOverQuota } from '../source/source-errors.ts';
import type { TaskSource } from '../source/task-calls.ts';
import { writeRows } from '../warehouse/data-files.ts';
import { type ResultRow, resultTable } from '../warehouse/result-table.ts';
import type { RunCounters } from './counters.ts';
import { type FetchedExecution, fetchExecution, nextTryMs } from './execution-results.ts';
import type { ResultsBacklog } from './results-backlog.ts';
import type { TargetRun } from './target-run.ts';

/** What fetching adds to the counters of a run. */
export type ResultsCounters = Pick<RunCounters, 'results' | 'resultsBacklog' | 'resultsBacklogAgeSeconds'>;

/** Executions to a commit: at the documented quota 25 s of work, so that a kill costs no more. */
const commitExecutions = 100;
/** Requests at a time: enough for the quota at a latency of 2 s. */
const maxInFlight = 8;
/** Failures in a row after which the calls are taken to be down. */
const maxFailures = 3;

/**
 * Fetches results until none are due, `maxExecutions` were requested, or the time limit is reached. Never throws: the
 * log has one warning with the remedy.
 */
export async function fetchResults(
  run: TargetRun,
  backlog: ResultsBacklog,
  maxExecutions: number,
): Promise<ResultsCounters> {
  const fetcher = new ResultsFetcher(run, backlog);
  try {
    if (run.source.tasks !== undefined) {
      await fetcher.fetch(run.source.tasks, maxExecutions);
    }
  } catch (thrown) {
    fetcher.stop(toDqsyncError(thrown, run.target.name));
  }
  return fetcher.end();
}

class ResultsFetcher {
  readonly #run: TargetRun;
  readonly #backlog: ResultsBacklog;
  #results = 0;
  #files = 0;
  #waiting: PendingResults['pending'] = [];
  #failuresInRow = 0;
  #dueCount = 0;
  #askedCount = 0;
  /** Why the fetching stopped; null while it may continue. */
  #stop: DqsyncError | null = null;

  constructor(run: TargetRun, backlog: ResultsBacklog) {
    this.#run = run;
    this.#backlog = backlog;
  }

  stop(error: DqsyncError): void {
    this.#stop ??= error;
  }

  /** @throws StorageError, ConflictError */
  async fetch(source: TaskSource, maxExecutions: number): Promise<void> {
    const { pending } = await this.#backlog.load(this.#run);
    this.#waiting = pending;
    const due = dueNow(pending, this.#run.clock.now()).slice(0, maxExecutions);
    this.#dueCount = due.length;
    for (let from = 0; from < due.length && this.#stop === null; from += commitExecutions) {
      await this.#commit(await this.#fetchBatch(source, due.slice(from, from + commitExecutions)));
    }
  }

  /** Logs a warning if something failed. Returns the counters. */
  end(): ResultsCounters {
    const { clock, log, target } = this.#run;
    const stop = this.#stop;
    if (stop !== null && !(stop instanceof StoppedError)) {
      const wait = `${this.#waiting.length} executions wait for theirs, and later runs fetch them`;
      log(
        'warn',
        `rule results were not fetched: ${stop.message}; executions are synced all the same, ${wait}. ${stop.remedy}`,
        {
          target: target.name,
        },
      );
    }
    const oldestMs = this.#waiting.reduce((oldest, { startTimeMs }) => Math.min(oldest, startTimeMs), clock.now());
    return {
      results: this.#results,
      resultsBacklog: this.#waiting.length,
      resultsBacklogAgeSeconds: Math.round((clock.now() - oldestMs) / 1000),
    };
  }

  async #fetchBatch(source: TaskSource, batch: readonly PendingResult[]): Promise<FetchedExecution[]> {
    const fetched: FetchedExecution[] = [];
    // The workers share the iterator. Each takes the next execution when it is done with one.
    const rest = batch.values();
    const work = async (): Promise<void> => {
      for (const entry of rest) {
        const one = await this.#fetchOne(source, entry);
        this.#reportProgress();
        if (one !== null) {
          fetched.push(one);
        }
        if (this.#stop !== null) {
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(maxInFlight, batch.length) }, work));
    return fetched;
  }

  #reportProgress(): void {
    this.#askedCount += 1;
    this.#run.onProgress({
      target: `${this.#run.target.name} results`,
      unit: 'executions',
      atMs: null,
      doneMs: this.#askedCount,
      totalMs: this.#dueCount,
      rowsRead: this.#askedCount,
      rows: { proven: this.#askedCount, expected: this.#dueCount },
    });
  }

  /** Fetches one execution. A failed one is requested later; an error that would affect all stops the fetching. */
  async #fetchOne(source: TaskSource, entry: PendingResult): Promise<FetchedExecution | null> {
    const { clock, budget, target } = this.#run;
    try {
      budget.signal.throwIfAborted();
      const fetched = await fetchExecution(source, entry, () => clock.now());
      this.#failuresInRow = 0;
      return fetched;
    } catch (thrown) {
      const error = toDqsyncError(thrown, target.name);
      this.#failuresInRow += 1;
      if (!mayBeOfOne(error)) {
        this.stop(error);
        return null;
      }
      if (this.#failuresInRow >= maxFailures) {
        this.stop(error);
      }
      const nowMs = clock.now();
      return { entry, results: [], againAtMs: nextTryMs(nowMs, entry.tries), state: entry.state, fetchedAtMs: nowMs };
    }
  }

  /** Data first, then the backlog. After a kill in between, some are requested twice (PROTOCOL.md, I19). */
  async #commit(fetched: readonly FetchedExecution[]): Promise<void> {
    const run = this.#run;
    const rows = fetched.flatMap((one) => this.#rowsOf(one));
    if (rows.length > 0) {
      this.#files += (await writeRows(run, resultTable, rows, this.#files)).files;
    }
    const nowMs = run.clock.now();
    const requested = fetched.map(({ entry, againAtMs, state, results, fetchedAtMs }) => ({
      entry: againAtMs === null ? entry : { ...entry, state, tries: entry.tries + 1, notBeforeMs: againAtMs },
      isDone: againAtMs === null,
      fetchedAtMs: results.length === 0 ? null : fetchedAtMs,
    }));
    const done = requested.filter(({ isDone }) => isDone);
    const postponed = requested.filter(({ isDone }) => !isDone);
    const stop = this.#stop;
    const { pending } = await this.#backlog.change(run, (before) => {
      const refused = stop === null || stop instanceof StoppedError ? null : refusal(stop, nowMs);
      return fetched.length === 0 && refused === null
        ? before
        : withFetched(before, { done, postponed, refused, nowMs });
    });
    this.#waiting = pending;
    this.#results += done.length;
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

/** Returns the executions to request now: newest first, and those with failed attempts last. */
function dueNow(pending: PendingResults['pending'], nowMs: number): PendingResult[] {
  return pending
    .filter(({ notBeforeMs }) => notBeforeMs <= nowMs)
    .sort((a, b) => Math.sign(a.tries) - Math.sign(b.tries) || b.startTimeMs - a.startTimeMs);
}

/** Whether an error may be about one execution alone. A permission, a quota and a spent time concern all. */
function mayBeOfOne(error: DqsyncError): boolean {
  return (
    error instanceof SourceError &&
    error.httpStatus !== undefined &&
    ![401, 403, 404].includes(error.httpStatus) &&
    !isOverQuota(error.httpStatus, error.code)
  );
}

/** What `status` and `doctor` say. */
function refusal({ message, remedy }: DqsyncError, atMs: number): PendingResults['refused'] {
  return { atMs, message: `${message}. ${remedy}` };
}
