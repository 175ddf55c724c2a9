/** `dqsync sync`: runs one incremental sync of the targets, with a progress bar. Ctrl-C stops it. */
import { loadConfig } from '../terminal/config-file.ts';
import type { TargetOptions } from '../terminal/open-targets.ts';
import { runAndReport, runOn } from '../terminal/run-targets.ts';
import { describeSummary } from '../terminal/summary-report.ts';
import { stoppingNote, withTerminalRun } from '../terminal/terminal-run.ts';

interface SyncOptions extends TargetOptions {
  readonly results?: boolean;
  readonly tasks?: boolean;
}

/**
 * Runs the sync and prints its result.
 *
 * @returns 0; 1 if a target failed; 130 or 143 if the run was interrupted
 * @throws ConfigError
 */
export async function sync(options: SyncOptions): Promise<number> {
  const config = await loadConfig(options.config);
  return await withTerminalRun(config, stoppingNote, (terminal) =>
    runAndReport(
      terminal,
      {
        ...runOn(terminal, config),
        targets: options.target,
        results: options.results ? 'all' : 'spare',
        tasks: options.tasks,
        limitMs: config.maxRunSeconds * 1000,
      },
      options,
      describeSummary,
    ),
  );
}
