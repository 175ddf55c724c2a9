/**
 * Conditional writes that are tried again: not as often where no reply comes as where another was faster, and never beyond
 * the hard stop of the run.
 */
import { type DqsyncError, StorageError } from '../errors.ts';
import type { PutOutcome } from '../warehouse/store.ts';
import type { TargetRun } from './target-run.ts';

/** A write that did not win. */
export type NotWon = Exclude<PutOutcome, { readonly kind: 'won' }>;

/** What is written. */
export interface AttemptedWrite {
  /** In words, for messages. */
  readonly what: string;
  /** How often another may be faster. */
  readonly maxLost: number;
  /** The failure then. `attempts` tells their number in words. */
  readonly lostTooOften: (attempts: string) => DqsyncError;
}

/** What attempts need of a run. One without a budget has no end. */
export type AttemptingRun = Pick<TargetRun, 'target' | 'clock'> & Partial<Pick<TargetRun, 'budget'>>;

/** The store has tried several times by itself before it says that no reply came. */
const maxUnknown = 4;
const pauseAfterLostMs = 100;
const pauseAfterUnknownMs = 200;

/** Counts the attempts at one write. */
export class Attempts {
  readonly #run: AttemptingRun;
  readonly #write: AttemptedWrite;
  #lost = 0;
  #unknown = 0;

  constructor(run: AttemptingRun, write: AttemptedWrite) {
    this.#run = run;
    this.#write = write;
  }

  /**
   * Notes an attempt that did not win, and waits; where another was faster at random, so that the two do not meet again. What
   * lies there after it tells whether ours had landed.
   *
   * @throws StorageError, or what `lostTooOften` makes, where the run is over
   */
  async pauseAfter(outcome: NotWon): Promise<void> {
    const { clock, budget } = this.#run;
    this.#lost += outcome.kind === 'lost' ? 1 : 0;
    this.#unknown += outcome.kind === 'unknown' ? 1 : 0;
    const pauseMs =
      outcome.kind === 'lost' ? Math.random() * pauseAfterLostMs * this.#lost : pauseAfterUnknownMs * this.#unknown;
    // Woken by the hard stop.
    await clock.sleep(pauseMs, budget?.hardStop).catch(() => undefined);
    if (budget?.hardStop.aborted) {
      throw this.#failure(outcome);
    }
  }

  /** @throws the same, where the attempt noted last was one too many */
  requireAnother(outcome: NotWon): void {
    if (this.#unknown >= maxUnknown || this.#lost >= this.#write.maxLost) {
      throw this.#failure(outcome);
    }
  }

  #failure(outcome: NotWon): DqsyncError {
    const count = this.#lost + this.#unknown;
    const attempts = `${count} ${count === 1 ? 'attempt' : 'attempts'}`;
    return outcome.kind === 'lost' ? this.#write.lostTooOften(attempts) : this.#unwritten(outcome.cause, attempts);
  }

  #unwritten(cause: unknown, attempts: string): StorageError {
    const known = cause instanceof StorageError ? cause : null;
    const message = known?.message ?? `${this.#write.what} could not be written: no reply came`;
    return new StorageError(`${message} (${attempts})`, {
      target: this.#run.target.name,
      cause,
      code: known?.code,
      requestId: known?.requestId,
      retryable: known?.retryable,
      remedy:
        known?.remedy ?? 'Check that the warehouse can be reached, then run again; nothing that was committed is lost.',
    });
  }
}
