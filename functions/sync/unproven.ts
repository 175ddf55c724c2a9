/** Windows that could not be proven complete. A run continues behind each, and fails with the first one at its end. */
import { isoTime } from '../clock.ts';
import type { IncompleteReadError } from '../errors.ts';
import type { Window } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** A run stops after this many unproven windows: more requests would not help against such a source. */
const maxUnproven = 5;

/** The unproven windows of one run of one target. */
export class UnprovenWindows {
  readonly #run: Pick<TargetRun, 'target' | 'log'>;
  readonly #found: { readonly error: IncompleteReadError; readonly window: Window }[] = [];

  constructor(run: Pick<TargetRun, 'target' | 'log'>) {
    this.#run = run;
  }

  /** The windows in order of time. */
  get windows(): readonly Window[] {
    return this.#found.map(({ window }) => window).sort((a, b) => a.fromMs - b.fromMs);
  }

  /**
   * Adds unproven windows, and logs them.
   *
   * @throws IncompleteReadError if there are too many
   */
  add(errors: readonly IncompleteReadError[]): void {
    for (const error of errors) {
      const { window } = error;
      this.#found.push({ error, window });
      if (this.#found.length >= maxUnproven) {
        throw error;
      }
      this.#run.log('warn', `${error.message}; reading continues behind it`, {
        target: this.#run.target.name,
        from: isoTime(window.fromMs),
        to: isoTime(window.toMs),
      });
    }
  }

  /** @throws IncompleteReadError of the first window, if there is one */
  throwFirst(): void {
    const [first] = this.#found;
    if (first !== undefined) {
      throw first.error;
    }
  }
}
