/**
 * Records the settled executions that a run writes in the backlog of rule results, before their commit, so that a kill
 * loses none (PROTOCOL.md, I19).
 */
import {
  type PendingResults,
  pendingResultsKind,
  type WrittenExecution,
  withWritten,
} from '../checkpoint/pending-results.ts';
import { changeDocument, type DocumentRun, type LoadedDocument, loadDocument } from '../checkpoint/state-document.ts';
import type { Config } from '../config.ts';
import { isOpen, type Log, type Observation } from '../model.ts';
import { resultsKey } from '../warehouse/layout.ts';

/** Which executions' results are fetched. */
export type ResultsWanted = Config['results'];

/** A run with a backlog. */
type BacklogRun = DocumentRun & { readonly log: Log };

/** The executions of a target whose results are to be fetched. Loaded when they are first needed. */
export class ResultsBacklog {
  readonly #wanted: ResultsWanted;
  #loaded: LoadedDocument<PendingResults> | null = null;

  constructor(wanted: ResultsWanted) {
    this.#wanted = wanted;
  }

  /** Returns what is known to wait. @throws StorageError */
  async load(run: BacklogRun): Promise<PendingResults> {
    return (await this.#load(run)).value;
  }

  /**
   * Records the executions of the next commit.
   *
   * @throws StorageError, ConflictError: the commit must then not take place
   */
  async note(run: BacklogRun, rows: readonly Observation[]): Promise<void> {
    if (rows.length === 0) {
      return;
    }
    const written = rows.map(
      (row): WrittenExecution => ({
        id: row.id,
        startTimeMs: row.startTimeMs,
        taskId: row.taskId,
        isWanted: isWanted(row, this.#wanted),
      }),
    );
    await this.change(run, (results) => withWritten(results, written));
  }

  /** Changes the document; see `changeDocument`. Returns what waits after it. */
  async change(run: BacklogRun, change: (results: PendingResults) => PendingResults): Promise<PendingResults> {
    const key = resultsKey(run.target.name);
    this.#loaded = await changeDocument(run, key, pendingResultsKind, await this.#load(run), change);
    return this.#loaded.value;
  }

  async #load(run: BacklogRun): Promise<LoadedDocument<PendingResults>> {
    if (this.#loaded === null) {
      const key = resultsKey(run.target.name);
      this.#loaded = await loadDocument(run.store, key, pendingResultsKind);
      if (this.#loaded.isDamaged) {
        const lost = `${key} cannot be understood, so the executions that waited for their rule results are not known`;
        const remedy = 'Fetch them with "dqsync backfill --from <day> --to <day> --again --results".';
        run.log('warn', `${lost}. ${remedy}`, { target: run.target.name });
      }
    }
    return this.#loaded;
  }
}

const failed: ReadonlySet<string | null> = new Set(['FAILED', 'ALARMING']);

function isWanted(row: Observation, wanted: ResultsWanted): boolean {
  return wanted !== 'none' && !isOpen(row) && (wanted === 'all' || failed.has(row.runStatus));
}
