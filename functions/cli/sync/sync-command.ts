/** `dqsync sync`: runs one incremental sync of the targets, with a progress bar. Ctrl-C stops it. */
import { runTargets } from '../../sync/run.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { writeJson, writeLine } from '../terminal/output.ts';
import { describeSummary } from '../terminal/summary-report.ts';
import { exitCodeOf, Leftovers, stoppingNote, withTerminalRun } from '../terminal/terminal-run.ts';

/** Options of `sync`. */
export interface SyncOptions {
  readonly config: string;
  readonly target: readonly string[];
  /** Fetches all rule results that wait, also beside many executions. */
  readonly results?: boolean;
  /** Observes tasks and their rules, too, as the daily maintenance does. */
  readonly tasks?: boolean;
  readonly json?: boolean;
}

/**
 * Runs the sync and prints its result.
 *
 * @returns 0; 1 if a target failed; 130 or 143 if the run was interrupted
 * @throws ConfigError
 */
export async function sync(options: SyncOptions): Promise<number> {
  const config = await loadConfig(options.config);
  return await withTerminalRun(config, stoppingNote, async ({ connections, bar, log, interrupt }) => {
    const leftovers = new Leftovers(config);
    const summaries = await runTargets({
      ...connections,
      config,
      targets: options.target,
      results: options.results ? 'all' : 'spare',
      tasks: options.tasks,
      limitMs: config.maxRunSeconds * 1000,
      stop: interrupt.signal,
      log,
      onProgress: bar.update,
      onTargetDone: leftovers.note,
    });
    bar.clear();
    if (options.json) {
      writeJson(summaries);
    } else {
      const wasInterrupted = interrupt.exitCode() !== null;
      writeLine(
        summaries
          .map((summary) =>
            describeSummary(summary, {
              wasInterrupted,
              ...leftovers.of(summary),
              expectedRows: bar.expectedRows(summary.target),
            }),
          )
          .join('\n'),
      );
    }
    return exitCodeOf(summaries, interrupt);
  });
}
