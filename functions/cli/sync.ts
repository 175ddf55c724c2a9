/** `dqsync sync`: one incremental run over the targets, with a progress bar, stoppable by Ctrl-C. */
import { openConnections } from '../connect.ts';
import { runTargets } from '../sync/run.ts';
import { loadConfig } from './config-file.ts';
import { consoleLog } from './console-log.ts';
import { listenForInterrupt } from './interrupt.ts';
import { writeJson, writeLine, writeNote } from './output.ts';
import { openProgressBar } from './progress-bar.ts';
import { describeSummary } from './sync-report.ts';

/** Options of `sync`. */
export interface SyncOptions {
  readonly config: string;
  readonly target: readonly string[];
  readonly json?: boolean;
}

/**
 * Runs and reports.
 *
 * @returns 0; 1 if a target failed; 130 or 143 if the run was interrupted before it was done
 * @throws ConfigError
 */
export async function sync(options: SyncOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const bar = openProgressBar();
  const log = consoleLog(bar.clear);
  const connections = await openConnections(config, log, process.env);
  const announce = (): void => {
    bar.clear();
    writeNote('Stopping: what is proven complete is being committed. Press Ctrl-C again to end at once.');
  };
  const interrupt = listenForInterrupt(connections.clock, announce, bar.clear);
  try {
    const summaries = await runTargets({
      ...connections,
      config,
      targets: options.target,
      limitMs: config.maxRunSeconds * 1000,
      stop: interrupt.signal,
      log,
      onProgress: bar.update,
    });
    bar.clear();
    if (options.json) {
      writeJson(summaries);
    } else {
      const wasInterrupted = interrupt.exitCode() !== null;
      writeLine(summaries.map((summary) => describeSummary(summary, wasInterrupted)).join('\n'));
    }
    if (summaries.some((summary) => summary.error !== undefined)) {
      return 1;
    }
    return summaries.every((summary) => summary.done) ? 0 : (interrupt.exitCode() ?? 0);
  } finally {
    bar.clear();
    interrupt.close();
  }
}
