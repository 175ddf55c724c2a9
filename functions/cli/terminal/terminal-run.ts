/** The environment of commands that run for long: a progress bar, a log that clears it, and Ctrl-C. */
import { systemClock } from '../../clock.ts';
import type { Config } from '../../config.ts';
import type { Connections } from '../../connect.ts';
import type { Log } from '../../model.ts';
import { type Interrupt, listenForInterrupt } from './interrupt.ts';
import { consoleLog, writeNote } from './output.ts';
import { openPacedConnections } from './paced-connections.ts';
import { openProgressBar, type ProgressBar } from './progress-bar.ts';

/** The parts that such a command uses. */
export interface TerminalRun {
  readonly connections: Connections;
  readonly bar: ProgressBar;
  readonly log: Log;
  readonly interrupt: Interrupt;
}

/** Printed at the first Ctrl-C by commands that commit as they go. */
export const stoppingNote = 'Stopping: committing everything proven complete. Press Ctrl-C again to exit immediately.';

/**
 * Runs `work`, and restores the terminal afterwards.
 *
 * @param note printed at the first Ctrl-C
 * @throws ConfigError for an unusable warehouse URL, and what `work` throws
 */
export async function withTerminalRun<T>(
  config: Config,
  note: string,
  work: (terminal: TerminalRun) => Promise<T>,
): Promise<T> {
  const bar = openProgressBar(systemClock, () => connections.quotaOpensAtMs());
  const log = consoleLog(bar.clear);
  const connections = await openPacedConnections(config, log);
  const announce = (): void => {
    bar.clear();
    writeNote(note);
  };
  const interrupt = listenForInterrupt(connections.clock, announce, bar.clear);
  try {
    // After Ctrl-C the bar would only hide what is said of the end.
    const update: ProgressBar['update'] = (progress) => interrupt.exitCode() ?? bar.update(progress);
    return await work({ connections, bar: { ...bar, update }, log, interrupt });
  } finally {
    bar.clear();
    interrupt.close();
  }
}
