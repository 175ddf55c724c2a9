/** Keeps the last outcome of each task up to date, and announces changes at the end of a run, each at least once. */
import { encodeOutcomes, type LastOutcomes, type LoadedOutcomes, loadOutcomes } from '../checkpoint/last-outcomes.ts';
import { ConflictError, toDqsyncError } from '../errors.ts';
import type { Observation } from '../model.ts';
import { outcomesKey } from '../warehouse/layout.ts';
import { WriteRetries } from '../warehouse/write-retries.ts';
import { type Announce, noCounts, type Quality, sumOf, withRows } from './outcome-changes.ts';
import type { TargetRun } from './target-run.ts';

/** Attempts that other runs may win. */
const maxLost = 20;

/** Watches the outcomes of one run of one target. */
export class OutcomeWatch {
  readonly #run: TargetRun;
  readonly #announce: Announce;
  #loaded: LoadedOutcomes;
  #counts = noCounts;

  private constructor(run: TargetRun, announce: Announce, loaded: LoadedOutcomes) {
    this.#run = run;
    this.#announce = announce;
    this.#loaded = loaded;
  }

  /**
   * Starts watching; null if changes are not announced.
   *
   * @throws StorageError
   */
  static async open(run: TargetRun): Promise<OutcomeWatch | null> {
    const { announce, store, target, log } = run;
    if (announce === undefined) {
      return null;
    }
    const loaded = await loadOutcomes(store, target.name);
    if (loaded.etag !== null && loaded.outcomes === null) {
      const message = 'the last outcomes of tasks cannot be read: changes are announced from now on only';
      log('warn', message, { target: target.name, key: outcomesKey(target.name) });
    }
    return new OutcomeWatch(run, announce, loaded);
  }

  /**
   * Records the changes in the rows of the next commit.
   *
   * @param rows in order of start time and id
   * @throws StorageError, ConflictError: the commit must not follow, because its changes would be lost
   */
  async note(rows: readonly Observation[]): Promise<void> {
    let counts = noCounts;
    await this.#move((outcomes) => {
      const folded = withRows(outcomes, rows);
      counts = folded.counts;
      return folded.outcomes;
    });
    this.#counts = sumOf(this.#counts, counts);
  }

  /** The changes seen by this run. */
  get quality(): Quality {
    const tasks = [...(this.#loaded.outcomes?.tasks.values() ?? [])];
    return { ...this.#counts, failingNow: tasks.filter(({ outcome }) => outcome !== 'SUCCESS').length };
  }

  /** Announces what is not announced yet. Never throws: what cannot be announced now is announced by the next run. */
  async announce(): Promise<void> {
    const { target, runId, log, budget } = this.#run;
    const changes = this.#loaded.outcomes?.pending ?? [];
    if (changes.length === 0 || budget.hardStop.aborted) {
      return;
    }
    const { name, workspace, projectId } = target;
    try {
      await this.#announce({ target: name, workspace, projectId, runId, changes }, budget.hardStop);
      const sent = new Set(changes.map(({ id }) => id));
      await this.#move((outcomes) => ({ ...outcomes, pending: outcomes.pending.filter(({ id }) => !sent.has(id)) }));
    } catch (thrown) {
      const message = `changes of outcomes could not be announced; the next run tries again: ${toDqsyncError(thrown).message}`;
      log('warn', message, { target: name, changes: changes.length });
    }
  }

  /** Replaces the document by compare-and-swap. What `nextOf` does must be harmless if it is done twice. */
  async #move(nextOf: (outcomes: LastOutcomes) => LastOutcomes): Promise<void> {
    const { store, target, clock, settings } = this.#run;
    const key = outcomesKey(target.name);
    const lostTooOften = (attempts: string): ConflictError =>
      new ConflictError(`${key} could not be written (${attempts}): another run committed first each time`, {
        target: target.name,
        remedy:
          'Run fewer syncs of this target at the same time, then run again. Everything that was committed is kept.',
      });
    const retries = new WriteRetries(this.#run, { maxLost, lostTooOften });
    for (;;) {
      const { outcomes, etag } = this.#loaded;
      const before = outcomes ?? { announceFromMs: clock.now() - settings.lookbackMs, tasks: new Map(), pending: [] };
      const next = nextOf(before);
      if (next === outcomes) {
        return;
      }
      const bytes = encodeOutcomes(next);
      const outcome = etag === null ? await store.putIfAbsent(key, bytes) : await store.putIfMatch(key, bytes, etag);
      if (outcome.kind === 'won') {
        this.#loaded = { outcomes: next, etag: outcome.etag };
        return;
      }
      await retries.pauseAfter(outcome);
      this.#loaded = await loadOutcomes(store, target.name);
      retries.requireAnother(outcome);
    }
  }
}
