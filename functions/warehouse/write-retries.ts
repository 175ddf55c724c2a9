/** Retries of conditional writes: fewer after unknown outcomes than after lost ones, none after the hard stop. */
import type { Clock } from '../clock.ts';
import { ConflictError, type DqsyncError, StorageError } from '../errors.ts';
import type { PutOutcome, Store } from './store.ts';

/** The outcome of a write that did not win. */
export type NotWon = Exclude<PutOutcome, { readonly kind: 'won' }>;

/** A write to retry. */
interface RetriedWrite {
  readonly attempt: () => Promise<PutOutcome>;
  /** Reads back after an attempt that did not win. Returns whether it was written after all. Default: it was not. */
  readonly isWritten?: (outcome: NotWon) => Promise<boolean>;
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

/** Lost attempts tolerated. */
const maxLost = 20;
/** Unknown outcomes tolerated. The store itself has retried several times before it reports one. */
const maxUnknown = 4;
const pauseAfterLostMs = 100;
const pauseAfterUnknownMs = 200;

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
  await retried(run, { attempt, lostTooOften });
}

/**
 * Writes a file that all runs of a target write, with retries.
 *
 * @param what its name in messages
 * @throws ConflictError if other runs won every time; StorageError
 */
export async function writeSharedFile(
  run: WritingRun,
  what: string,
  attempt: () => Promise<PutOutcome>,
  isWritten: (outcome: NotWon) => Promise<boolean>,
): Promise<void> {
  const lostTooOften = (attempts: string): ConflictError =>
    new ConflictError(`${what} could not be written (${attempts}): another run committed first each time`, {
      target: run.target.name,
      remedy:
        'Run fewer syncs and backfills of this target at the same time, then run again. Everything that was committed is kept.',
    });
  await retried(run, { attempt, isWritten, lostTooOften });
}

/**
 * Backs off after each attempt that did not win; after a lost one for a random time, so that the two writers do not
 * collide again.
 */
async function retried({ clock, budget, target }: WritingRun, write: RetriedWrite): Promise<void> {
  let lost = 0;
  let unknown = 0;
  const failure = (outcome: NotWon): DqsyncError => {
    const attempts = lost + unknown === 1 ? '1 attempt' : `${lost + unknown} attempts`;
    if (outcome.kind === 'lost') {
      return write.lostTooOften(attempts);
    }
    const { cause } = outcome;
    const { message, code, requestId, retryable, remedy } = cause;
    const details = { target: target.name, cause, code, requestId, retryable, remedy };
    return new StorageError(`${message} (${attempts})`, details);
  };
  for (let outcome = await write.attempt(); outcome.kind !== 'won'; outcome = await write.attempt()) {
    lost += outcome.kind === 'lost' ? 1 : 0;
    unknown += outcome.kind === 'unknown' ? 1 : 0;
    const pauseMs = outcome.kind === 'lost' ? Math.random() * pauseAfterLostMs * lost : pauseAfterUnknownMs * unknown;
    // The hard stop ends the pause.
    await clock.sleep(pauseMs, budget?.hardStop).catch(() => undefined);
    if (budget?.hardStop.aborted) {
      throw failure(outcome);
    }
    if (await write.isWritten?.(outcome)) {
      return;
    }
    if (unknown >= maxUnknown || lost >= maxLost) {
      throw failure(outcome);
    }
  }
}
