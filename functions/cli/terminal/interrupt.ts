/**
 * Handles Ctrl-C: the first one asks to stop cleanly, the second one ends the process immediately. SIGTERM and a closed
 * terminal count the same.
 */
import type { Clock } from '../../clock.ts';
import { StoppedError } from '../../errors.ts';

/** npm and the launcher forward signals that the terminal has already sent. Within this time, signals count once. */
const togetherMs = 400;

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof exitCodes;

/** A listener for signals until it is closed. */
export interface Interrupt {
  /** Aborts with a StoppedError at the first signal. */
  readonly signal: AbortSignal;
  /**
   * Returns the exit code of an interrupted process: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; null
   * without a signal.
   */
  exitCode(): number | null;
  close(): void;
}

/**
 * Takes over SIGINT, SIGTERM and SIGHUP.
 *
 * @param announce called at the first signal, to tell the user what happens now
 * @param leave called before the process ends immediately, to restore the terminal
 */
export function listenForInterrupt(clock: Clock, announce: () => void, leave: () => void): Interrupt {
  const controller = new AbortController();
  let first: { readonly name: StopSignal; readonly atMs: number } | null = null;
  const onSignal = (name: StopSignal): void => {
    if (first === null) {
      first = { name, atMs: clock.now() };
      announce();
      controller.abort(
        new StoppedError('interrupted; everything proven complete so far is committed', {
          remedy: 'Run the same command again to continue.',
        }),
      );
    } else if (clock.now() - first.atMs >= togetherMs) {
      leave();
      process.exit(exitCodes[name]);
    }
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) {
    process.on(name, onSignal);
  }
  return {
    signal: controller.signal,
    exitCode: () => (first === null ? null : exitCodes[first.name]),
    close: () => {
      for (const name of names) {
        process.off(name, onSignal);
      }
    },
  };
}
