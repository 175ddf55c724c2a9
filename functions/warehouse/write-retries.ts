/** Retries of conditional writes: fewer after unknown outcomes than after lost ones, none after the hard stop. */
import type { Clock } from '../clock.ts';
import { ConflictError, type DqsyncError, StorageError } from '../errors.ts';
import type { PutOutcome, Store } from './store.ts';

/** The outcome of a write that did not win. */
export type NotWon = Exclude<PutOutcome, { readonly kind: 'won' }>;

/** A write to retry. */
export interface RetriedWrite {
  /** How many attempts may be lost to other writers. */
  readonly maxLost: number;
  /** Makes the error for too many lost attempts. `attempts` is their number as text. */
  readonly lostTooOften: (attempts: string) => DqsyncError;
}

/** The parts of a run that retries need. Without a budget there is no hard stop. */
export interface WritingRun {
  readonly target: { readonly name: string };
  readonly clock: Clock;
  readonly budget?: { readonly hardStop: AbortSignal };
}

/** A run that writes its own files, named by its id. */
export interface RunWithFiles extends WritingRun {
  readonly runId: string;
  readonly store: Store;
}

/** Lost attempts tolerated for a file that only one run writes. */
const maxLostAtOwnFile = 5;
/** Lost attempts tolerated for a file that all runs of a target write. */
const maxLostAtSharedFile = 20;
/** Unknown outcomes tolerated. The store itself has retried several times before it reports one. */
const maxUnknown = 4;
const pauseAfterLostMs = 100;
const pauseAfterUnknownMs = 200;

/** Counts the attempts of one write. */
class WriteRetries {
  readonly #run: WritingRun;
  readonly #write: RetriedWrite;
  #lost = 0;
  #unknown = 0;

  constructor(run: WritingRun, write: RetriedWrite) {
    this.#run = run;
    this.#write = write;
  }

  /**
   * Counts an attempt that did not win, and backs off; after a lost one for a random time, so that the two writers do
   * not collide again. The caller then reads back whether its write succeeded.
   *
   * @throws StorageError, or the error of `lostTooOften`, after the run's hard stop
   */
  async pauseAfter(outcome: NotWon): Promise<void> {
    const { clock, budget } = this.#run;
    this.#lost += outcome.kind === 'lost' ? 1 : 0;
    this.#unknown += outcome.kind === 'unknown' ? 1 : 0;
    const pauseMs =
      outcome.kind === 'lost' ? Math.random() * pauseAfterLostMs * this.#lost : pauseAfterUnknownMs * this.#unknown;
    // The hard stop ends the pause.
    await clock.sleep(pauseMs, budget?.hardStop).catch(() => undefined);
    if (budget?.hardStop.aborted) {
      throw this.#failure(outcome);
    }
  }

  /** @throws the same errors if no further attempt is allowed */
  requireAnother(outcome: NotWon): void {
    if (this.#unknown >= maxUnknown || this.#lost >= this.#write.maxLost) {
      throw this.#failure(outcome);
    }
  }

  #failure(outcome: NotWon): DqsyncError {
    const count = this.#lost + this.#unknown;
    const attempts = `${count} ${count === 1 ? 'attempt' : 'attempts'}`;
    if (outcome.kind === 'lost') {
      return this.#write.lostTooOften(attempts);
    }
    const { cause } = outcome;
    const { message, code, requestId, retryable, remedy } = cause;
    const target = this.#run.target.name;
    return new StorageError(`${message} (${attempts})`, { target, cause, code, requestId, retryable, remedy });
  }
}

/**
 * Writes a file that only `run` writes, with retries.
 *
 * @param whyLost the reason why an attempt may be lost
 * @throws StorageError
 */
export async function writeOwnFile(
  run: RunWithFiles,
  key: string,
  whyLost: string,
  attempt: () => Promise<PutOutcome>,
): Promise<void> {
  const lostTooOften = (attempts: string): StorageError =>
    new StorageError(`${key} could not be written to ${run.store.url} (${attempts}): ${whyLost}`, {
      target: run.target.name,
      remedy: 'Check that nothing else writes to the warehouse, then run again; nothing that was committed is lost.',
    });
  const retries = new WriteRetries(run, { maxLost: maxLostAtOwnFile, lostTooOften });
  for (let outcome = await attempt(); outcome.kind !== 'won'; outcome = await attempt()) {
    await retries.pauseAfter(outcome);
    retries.requireAnother(outcome);
  }
}

/** Counts the attempts for a file that all runs of a target write. `what` is its name in messages. */
export function retriesOfSharedFile(run: WritingRun, what: string): WriteRetries {
  const lostTooOften = (attempts: string): ConflictError =>
    new ConflictError(`${what} could not be written (${attempts}): another run committed first each time`, {
      target: run.target.name,
      remedy:
        'Run fewer syncs and backfills of this target at the same time, then run again. Everything that was committed is kept.',
    });
  return new WriteRetries(run, { maxLost: maxLostAtSharedFile, lostTooOften });
}
