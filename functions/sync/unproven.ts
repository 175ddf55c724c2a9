/**
 * Windows that could not be proven complete. A run continues behind each. It fails with the first new one at its end; a window
 * that an earlier run could not prove either is only reported.
 */
import { nextTryMs, type UnprovenWindow } from '../checkpoint/unproven.ts';
import { isoTime } from '../clock.ts';
import type { IncompleteReadError } from '../errors.ts';
import type { Window } from '../model.ts';
import type { TargetRun } from './target-run.ts';

/** A run stops after this many unproven windows: more requests would not help against such a source. */
const maxUnproven = 5;

/** The unproven windows of one run of one target. */
export class UnprovenWindows {
  readonly #run: Pick<TargetRun, 'target' | 'log'>;
  readonly #known: readonly UnprovenWindow[];
  readonly #found: { readonly error: IncompleteReadError; readonly window: Window; readonly isKnown: boolean }[] = [];

  /** @param known windows that earlier runs could not prove */
  constructor(run: Pick<TargetRun, 'target' | 'log'>, known: readonly UnprovenWindow[]) {
    this.#run = run;
    this.#known = known;
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
      const isKnown = this.#known.some(({ fromMs, toMs }) => fromMs < window.toMs && window.fromMs < toMs);
      this.#found.push({ error, window, isKnown });
      if (this.#found.length >= maxUnproven) {
        throw error;
      }
      this.#run.log('warn', `${error.message}${isKnown ? ', as before' : ''}; reading continues behind it`, {
        target: this.#run.target.name,
        from: isoTime(window.fromMs),
        to: isoTime(window.toMs),
      });
    }
  }

  /** Reports the windows that are not read now, because they were tried in vain before. */
  reportWaiting(waiting: readonly UnprovenWindow[]): void {
    const [first] = waiting;
    if (first !== undefined) {
      this.#run.log(
        'warn',
        'windows that could not be proven complete are not in the table; they are tried again later',
        {
          target: this.#run.target.name,
          windows: waiting.length,
          from: isoTime(first.fromMs),
          to: isoTime(first.toMs),
          tries: first.tries,
          nextTry: isoTime(nextTryMs(first)),
        },
      );
    }
  }

  /** @throws IncompleteReadError of the first new window, if there is one */
  throwFirst(): void {
    const first = this.#found.find(({ isKnown }) => !isKnown);
    if (first !== undefined) {
      throw first.error;
    }
  }
}
