/**
 * Retries of conditional writes: fewer after an unknown outcome than after a lost one, and none after the hard stop of the
 * run.
 */
import type { Clock } from '../clock.ts';
import { type DqsyncError, StorageError } from '../errors.ts';
import type { PutOutcome, Store } from './store.ts';

/** A write that did not win. */
export type NotWon = Exclude<PutOutcome, { readonly kind: 'won' }>;

/** What is written. */
export interface RetriedWrite {
  /** In words, for messages. */
  readonly what: string;
  /** How often the write may be lost to another writer. */
  readonly maxLost: number;
  /** Makes the error for a write that was lost too often. `attempts` is their number in words. */
  readonly lostTooOften: (attempts: string) => DqsyncError;
}

/** What the retries need of a run. One without a budget has no end. */
export interface WritingRun {
  readonly target: { readonly name: string };
  readonly clock: Clock;
  readonly budget?: { readonly hardStop: AbortSignal };
}

/** A run that writes files of its own, named by its id. */
export interface RunWithFiles extends WritingRun {
  readonly runId: string;
  readonly store: Store;
}

/** Lost writes tolerated at a file that only one run writes. */
const maxLostAtOwnFile = 5;
/** Unknown outcomes tolerated: the store itself has retried several times before it reports one. */
const maxUnknown = 4;
const pauseAfterLostMs = 100;
const pauseAfterUnknownMs = 200;

/** Counts the attempts at one write. */
export class WriteRetries {
  readonly #run: WritingRun;
  readonly #write: RetriedWrite;
  #lost = 0;
  #unknown = 0;

  constructor(run: WritingRun, write: RetriedWrite) {
    this.#run = run;
    this.#write = write;
  }

  /**
   * Counts an attempt that did not win, and backs off: after a lost one for a random time, so that the two writers do not
   * meet again. The caller then reads back whether its own write landed.
   *
   * @throws StorageError, or what `lostTooOften` makes, when the run has reached its hard stop
   */
  async pauseAfter(outcome: NotWon): Promise<void> {
    const { clock, budget } = this.#run;
    this.#lost += outcome.kind === 'lost' ? 1 : 0;
    this.#unknown += outcome.kind === 'unknown' ? 1 : 0;
    const pauseMs =
      outcome.kind === 'lost' ? Math.random() * pauseAfterLostMs * this.#lost : pauseAfterUnknownMs * this.#unknown;
    // The hard stop wakes it.
    await clock.sleep(pauseMs, budget?.hardStop).catch(() => undefined);
    if (budget?.hardStop.aborted) {
      throw this.#failure(outcome);
    }
  }

  /** @throws the same errors when no further attempt is allowed */
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

/** Counts the attempts at a file that only `run` writes. @param whyLost the reason why a write of it may be lost */
export function retriesOfOwnFile(run: RunWithFiles, key: string, whyLost: string): WriteRetries {
  const lostTooOften = (attempts: string): StorageError =>
    new StorageError(`${key} could not be written to ${run.store.url} (${attempts}): ${whyLost}`, {
      target: run.target.name,
      remedy: 'Check that nothing else writes to the warehouse, then run again; nothing that was committed is lost.',
    });
  return new WriteRetries(run, { what: key, maxLost: maxLostAtOwnFile, lostTooOften });
}
