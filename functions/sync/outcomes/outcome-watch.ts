/** Keeps the last outcome of each task up to date, and announces changes at the end of a run, each at least once. */
import { type LastOutcomes, lastOutcomesKind } from '../../checkpoint/last-outcomes.ts';
import { changeDocument, type LoadedDocument, loadDocument } from '../../checkpoint/state-document.ts';
import { describeError, toDqsyncError } from '../../errors.ts';
import type { Observation } from '../../model.ts';
import type { TargetRun } from '../target-run.ts';
import { type Announce, type OutcomeCounts, type Quality, withRows } from './outcome-changes.ts';

type Kind = ReturnType<typeof lastOutcomesKind>;

/** A task without an execution in the last 30 days, the days of a report, does not fail now: it may be deleted. */
const currentMs = 30 * 86_400_000;

/** Watches the outcomes of one run of one target. */
export class OutcomeWatch {
  readonly #run: TargetRun;
  readonly #announce: Announce;
  readonly #kind: Kind;
  #loaded: LoadedDocument<LastOutcomes>;
  #counts: OutcomeCounts = { passed: 0, alarms: 0, failed: 0, silent: 0, newlyFailing: 0, recovered: 0 };

  private constructor(run: TargetRun, announce: Announce, kind: Kind, loaded: LoadedDocument<LastOutcomes>) {
    this.#run = run;
    this.#announce = announce;
    this.#kind = kind;
    this.#loaded = loaded;
  }

  /**
   * Starts watching; null if changes are not announced.
   *
   * @throws StorageError
   */
  static async open(run: TargetRun): Promise<OutcomeWatch | null> {
    const { announce, store, target, clock, settings, log } = run;
    if (announce === undefined) {
      return null;
    }
    const kind = lastOutcomesKind(target.name, clock.now() - settings.lookbackMs);
    const loaded = await loadDocument(store, kind);
    if (loaded.isDamaged) {
      const message = 'the last outcomes of tasks cannot be read: changes are announced from now on only';
      log('warn', message, { target: target.name, key: kind.key });
    }
    return new OutcomeWatch(run, announce, kind, loaded);
  }

  /**
   * Records the changes in the rows of the next commit.
   *
   * @param rows in order of start time and id
   * @throws StorageError, ConflictError: the commit must not follow, because its changes would be lost
   */
  async note(rows: readonly Observation[]): Promise<void> {
    // Without a document, it is written even if nothing changes: it says from when on changes are announced.
    const isFirst = this.#loaded.etag === null || this.#loaded.isDamaged;
    let counts = { ...this.#counts };
    await this.#change((outcomes) => {
      counts = { ...this.#counts };
      const after = withRows(outcomes, rows, counts);
      return isFirst ? { ...after } : after;
    });
    this.#counts = counts;
  }

  /** The changes seen by this run. */
  get quality(): Quality {
    const fromMs = this.#run.clock.now() - currentMs;
    const tasks = [...this.#loaded.value.tasks.values()].filter(({ lastMs }) => lastMs > fromMs);
    return { ...this.#counts, failingNow: tasks.filter(({ outcome }) => outcome !== 'SUCCESS').length };
  }

  /** Announces what is not announced yet. Never throws: what cannot be announced now is announced by the next run. */
  async announce(): Promise<void> {
    const { target, runId, log, budget } = this.#run;
    const changes = this.#loaded.value.pending;
    if (changes.length === 0 || budget.hardStop.aborted) {
      return;
    }
    const { name, workspace, projectId } = target;
    try {
      await this.#announce({ target: name, workspace, projectId, runId, changes }, budget.hardStop);
      const sent = new Set(changes.map(({ id }) => id));
      await this.#change((outcomes) => ({ ...outcomes, pending: outcomes.pending.filter(({ id }) => !sent.has(id)) }));
    } catch (thrown) {
      const message = `changes of outcomes could not be announced; the next run tries again: ${describeError(toDqsyncError(thrown))}`;
      log('warn', message, { target: name, changes: changes.length });
    }
  }

  async #change(change: (outcomes: LastOutcomes) => LastOutcomes): Promise<void> {
    this.#loaded = await changeDocument(this.#run, this.#kind, this.#loaded, change);
  }
}
