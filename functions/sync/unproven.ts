/** Windows that could not be proven complete: a run goes on behind each, and fails with the first of them in the end. */
import { isoTime } from '../clock.ts';
import type { IncompleteReadError } from '../errors.ts';
import type { Window } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** Windows that could not be proven, after which a run gives up: such a source is not worth its requests. */
const maxUnproven = 5;

/** Those of one run of one target. */
export class UnprovenWindows {
  readonly #run: Pick<TargetRun, 'target' | 'log'>;
  readonly #found: { readonly error: IncompleteReadError; readonly window: Window }[] = [];

  constructor(run: Pick<TargetRun, 'target' | 'log'>) {
    this.#run = run;
  }

  /** In order of time. */
  get windows(): readonly Window[] {
    return this.#found.map(({ window }) => window).sort((a, b) => a.fromMs - b.fromMs);
  }

  /**
   * Notes windows that could not be proven, and logs them.
   *
   * @throws IncompleteReadError where they are too many
   */
  add(errors: readonly IncompleteReadError[]): void {
    for (const error of errors) {
      const { window } = error;
      this.#found.push({ error, window });
      if (this.#found.length >= maxUnproven) {
        throw error;
      }
      this.#run.log('warn', `${error.message}; reading goes on behind it`, {
        target: this.#run.target.name,
        from: isoTime(window.fromMs),
        to: isoTime(window.toMs),
      });
    }
  }

  /** @throws IncompleteReadError of the first, if there is one */
  throwFirst(): void {
    const [first] = this.#found;
    if (first !== undefined) {
      throw first.error;
    }
  }
}
