/** Ctrl-C: the first asks to stop cleanly, the second ends the process at once. SIGTERM, and a terminal that goes away, count the same. */
import type { Clock } from '../../clock.ts';
import { StoppedError } from '../../errors.ts';

/** npm and the launcher pass on signals that the terminal has sent as well: what comes together was pressed once. */
const togetherMs = 400;

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof exitCodes;

/** Listens until closed. */
export interface Interrupt {
  /** Aborted with a StoppedError by the first signal. */
  readonly signal: AbortSignal;
  /** What an interrupted process exits with: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP; null if there was no signal. */
  exitCode(): number | null;
  close(): void;
}

/**
 * Takes over SIGINT, SIGTERM and SIGHUP.
 *
 * @param announce called with the signal that asks to stop, to tell the user what happens now
 * @param leave called before the process ends at once, to put the terminal in order
 */
export function listenForInterrupt(clock: Clock, announce: () => void, leave: () => void): Interrupt {
  const controller = new AbortController();
  let first: { readonly name: StopSignal; readonly atMs: number } | null = null;
  const onSignal = (name: StopSignal): void => {
    if (first === null) {
      first = { name, atMs: clock.now() };
      announce();
      controller.abort(interrupted());
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

function interrupted(): StoppedError {
  return new StoppedError('interrupted; everything proven complete so far is committed', {
    remedy: 'Run the same command again to go on.',
  });
}
