/**
 * Records the settled executions that a run writes in the backlog of rule results, before their commit, so that a kill
 * loses none (PROTOCOL.md, I19).
 */
import { waitingCount, withWritten } from '../../checkpoint/pending-results.ts';
import {
  noResults,
  type PendingResults,
  pendingResultsKind,
  type WrittenExecution,
} from '../../checkpoint/results-document.ts';
import {
  changeDocument,
  type DocumentRun,
  type LoadedDocument,
  loadDocument,
} from '../../checkpoint/state-document.ts';
import type { Config } from '../../config.ts';
import { type EpochMs, type Execution, isOpen, type Log, type Observation } from '../../model.ts';
import { resultsKey } from '../../warehouse/layout.ts';
import type { RunCounters } from '../counters.ts';

/** Which executions' results are fetched. */
export type ResultsWanted = Config['results'];

/** A run with a backlog. */
type BacklogRun = DocumentRun & { readonly log: Log };

/** The executions of a target whose results are to be fetched. Loaded when they are first needed. */
export class ResultsBacklog {
  readonly wanted: ResultsWanted;
  #loaded: LoadedDocument<PendingResults> | null = null;

  constructor(wanted: ResultsWanted) {
    this.wanted = wanted;
  }

  /** Returns what is known to wait. @throws StorageError */
  async load(run: BacklogRun): Promise<PendingResults> {
    return (await this.#load(run)).value;
  }

  /** Returns what is known to wait now, with the changes of other runs. @throws StorageError */
  async reload(run: BacklogRun): Promise<PendingResults> {
    this.#loaded = null;
    return await this.load(run);
  }

  /**
   * Records the executions of the next commit.
   *
   * @param isAgain whether results that were fetched before are to be fetched again
   * @throws StorageError, ConflictError: the commit must then not take place
   */
  async note(run: BacklogRun, rows: readonly Observation[], isAgain = false): Promise<void> {
    if (rows.length === 0) {
      return;
    }
    const written = rows.map((row) => this.asWritten(row));
    const nowMs = run.clock.now();
    await this.change(run, (results) => withWritten(results, written, { nowMs, isAgain }));
  }

  /** Returns what the backlog needs to know of an execution. */
  asWritten(execution: Execution): WrittenExecution {
    const { id, startTimeMs, taskId } = execution;
    return { id, startTimeMs, taskId, isWanted: isWanted(execution, this.wanted) };
  }

  /** Returns what waits at the end of a run, as counters. A backlog that was never loaded counts as empty. */
  counters(nowMs: EpochMs): Pick<RunCounters, 'resultsBacklog' | 'resultsBacklogAgeSeconds'> {
    const results = this.#loaded?.value ?? noResults;
    const { waitingSinceMs } = results;
    return {
      resultsBacklog: waitingCount(results),
      resultsBacklogAgeSeconds: waitingSinceMs === null ? 0 : Math.round((nowMs - waitingSinceMs) / 1000),
    };
  }

  /** Changes the document; see `changeDocument`. */
  async change(run: BacklogRun, change: (results: PendingResults) => PendingResults): Promise<void> {
    this.#loaded = await changeDocument(run, pendingResultsKind(run.target.name), await this.#load(run), change);
  }

  async #load(run: BacklogRun): Promise<LoadedDocument<PendingResults>> {
    if (this.#loaded === null) {
      const { name: target } = run.target;
      this.#loaded = await loadDocument(run.store, pendingResultsKind(target));
      if (this.#loaded.isDamaged) {
        const lost = `${resultsKey(target)} cannot be understood, so the executions that waited for their rule results are not known`;
        const remedy = 'Fetch them with "dqsync backfill --from <day> --to <day> --again --results".';
        run.log('warn', `${lost}. ${remedy}`, { target });
      }
    }
    return this.#loaded;
  }
}

/** Statuses of executions that failed. */
export const failedStatuses = ['FAILED', 'ALARMING'] as const;
const failed: ReadonlySet<string | null> = new Set(failedStatuses);

function isWanted(execution: Execution, wanted: ResultsWanted): boolean {
  return wanted !== 'none' && !isOpen(execution) && (wanted === 'all' || failed.has(execution.runStatus));
}
