/** Windows that could not be proven complete: a run goes on behind each, and fails with the first of them in the end. */
import { isoTime } from '../clock.ts';
import { IncompleteReadError } from '../errors.ts';
import type { Window } from '../model.ts';
import { spansFrom } from './plan/next-window.ts';
import type { ReadSlice, SliceReader } from './slice-reader.ts';
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
   * Notes that a window could not be proven, and says so. @returns the window
   *
   * @throws `thrown` if it is anything else, or one too many
   */
  add(thrown: unknown): Window {
    if (!(thrown instanceof IncompleteReadError) || thrown.window === undefined) {
      throw thrown;
    }
    if (this.#found.length + 1 >= maxUnproven) {
      throw thrown;
    }
    const { window } = thrown;
    this.#found.push({ error: thrown, window });
    this.#run.log('warn', `${thrown.message}; going on behind it`, {
      target: this.#run.target.name,
      from: isoTime(window.fromMs),
      to: isoTime(window.toMs),
    });
    return window;
  }

  /** What `read` gives, or null where it could not be proven, which is noted. @throws what `add` throws */
  async unless<T>(read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (thrown) {
      this.add(thrown);
      return null;
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

/** The next slice that can be proven; null at the end. @throws what `add` throws */
export async function nextProven(slices: SliceReader, unproven: UnprovenWindows): Promise<ReadSlice | null> {
  for (;;) {
    try {
      return await slices.next();
    } catch (thrown) {
      slices.keepOnly(spansFrom(slices.rest, unproven.add(thrown).toMs));
    }
  }
}
