/** What commands that run for long have around them: a progress bar, a log that clears it, Ctrl-C. */
import type { Config } from '../../config.ts';
import { type Connections, openConnections } from '../../connect.ts';
import type { Log } from '../../model.ts';
import type { Summary } from '../../sync/summary.ts';
import { consoleLog } from './console-log.ts';
import { type Interrupt, listenForInterrupt } from './interrupt.ts';
import { writeNote } from './output.ts';
import { openProgressBar, type ProgressBar } from './progress-bar.ts';

/** What a command works with. */
export interface TerminalRun {
  readonly connections: Connections;
  readonly bar: ProgressBar;
  readonly log: Log;
  readonly interrupt: Interrupt;
}

/** Said at the first Ctrl-C by what commits as it goes. */
export const stoppingNote = 'Stopping: what is proven complete is being committed. Press Ctrl-C again to end at once.';

/**
 * Runs `work`, and puts the terminal in order after it.
 *
 * @param note said at the first Ctrl-C
 * @throws ConfigError for a warehouse URL that can't be used, and what `work` throws
 */
export async function withTerminalRun<T>(
  config: Config,
  note: string,
  work: (terminal: TerminalRun) => Promise<T>,
): Promise<T> {
  const bar = openProgressBar();
  const log = consoleLog(bar.clear);
  const connections = await openConnections(config, log, process.env);
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

/** 0; 1 if a target failed; what an interrupted process exits with if not all is done. */
export function exitCodeOf(summaries: readonly Summary[], interrupt: Interrupt): number {
  if (summaries.some((summary) => summary.error !== undefined)) {
    return 1;
  }
  return summaries.every((summary) => summary.done) ? 0 : (interrupt.exitCode() ?? 0);
}
