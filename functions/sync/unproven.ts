/** Windows that could not be proven complete. A run skips them, reads the rest, and fails with the first. */
import { nextTryMs, type UnprovenWindow } from '../checkpoint/unproven.ts';
import { isoTime } from '../clock.ts';
import { IncompleteReadError } from '../errors.ts';
import { inOrder } from '../intervals.ts';
import type { Window } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** A run stops after this many unproven windows in slices: more requests would not help against such a source. */
const maxUnproven = 5;

/** The unproven windows of one run of one target. */
export class UnprovenWindows {
  readonly #run: Pick<TargetRun, 'target' | 'log'>;
  readonly #found: IncompleteReadError[] = [];
  readonly #waiting: IncompleteReadError[] = [];
  #inSlices = 0;

  constructor(run: Pick<TargetRun, 'target' | 'log'>) {
    this.#run = run;
  }

  /** The windows in order of time, those that wait included. */
  get windows(): readonly Window[] {
    return inOrder([...this.#found, ...this.#waiting].map(({ window }) => window));
  }

  /**
   * Adds unproven windows of a slice.
   *
   * @throws IncompleteReadError if there are too many
   */
  add(errors: readonly IncompleteReadError[]): void {
    this.note(errors);
    this.#inSlices += errors.length;
    if (errors.length > 0 && this.#inSlices >= maxUnproven) {
      this.throwFirst();
    }
  }

  /** Adds unproven windows of a re-check, and logs them. However many there are, the run continues with new rows. */
  note(errors: readonly IncompleteReadError[]): void {
    for (const error of errors) {
      const { window } = error;
      // The run fails with the first one, and gives the reason then.
      const what = this.windows.length === 0 ? 'a window cannot be proven complete' : error.message;
      this.#found.push(error);
      this.#run.log('warn', `${what}; reading continues after it`, {
        target: this.#run.target.name,
        from: isoTime(window.fromMs),
        to: isoTime(window.toMs),
      });
    }
  }

  /** Adds windows that are not read now, because earlier runs could not prove them. They still fail the run. */
  addWaiting(waiting: readonly UnprovenWindow[]): void {
    for (const entry of waiting) {
      const runs = entry.tries === 1 ? 'one run' : `${entry.tries} runs`;
      const reason = `${runs} could not prove it, and the next try is due at ${isoTime(nextTryMs(entry))}`;
      const window = { fromMs: entry.fromMs, toMs: entry.toMs };
      this.#waiting.push(new IncompleteReadError(window, null, 0, reason));
    }
  }

  /** @throws IncompleteReadError of the first waiting window, or else of the first one that could not be proven */
  throwFirst(): void {
    const first = this.#waiting[0] ?? this.#found[0];
    if (first !== undefined) {
      throw first;
    }
  }
}
