/** `dqsync backfill`: reads the missing parts of a range, with a progress bar. Ctrl-C stops it. */
import { systemClock } from '../../clock.ts';
import { parseBackfillTask } from '../../sync/backfill-task.ts';
import { estimateTargets, type Run } from '../../sync/run.ts';
import { settingsOf } from '../../sync/targets.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { writeResult } from '../terminal/output.ts';
import { noteQuotaWait } from '../terminal/paced-connections.ts';
import { commandWith, type RangeOptions } from '../terminal/range.ts';
import { runAndReport, runOn } from '../terminal/run-targets.ts';
import { stoppingNote, withTerminalRun } from '../terminal/terminal-run.ts';
import { describeBackfill, describeEstimate } from './backfill-report.ts';

const optionNames = { from: '--from', to: '--to', again: '--again' } as const;

interface BackfillOptions extends RangeOptions {
  readonly again?: boolean;
  readonly results?: boolean;
  readonly dryRun?: boolean;
  readonly deployed?: string;
}

/**
 * Runs the backfill and prints its result.
 *
 * @returns 0; 1 if a target failed; 130 or 143 if the run was interrupted
 * @throws ConfigError
 */
export async function backfill(options: BackfillOptions): Promise<number> {
  if (options.deployed !== undefined) {
    parseBackfillTask(options, optionNames, 'UTC', Number.POSITIVE_INFINITY);
    return await (await import('./deployed-backfill.ts')).deployedBackfill(options, options.deployed);
  }
  const config = await loadConfig(options.config);
  const settledMs = systemClock.now() - settingsOf(config).settleMs;
  const task = parseBackfillTask(options, optionNames, config.partitionTimeZone, settledMs);
  return await withTerminalRun(config, stoppingNote, async (terminal) => {
    const run: Run = {
      ...runOn(terminal, config),
      connect: terminal.connections.connectYielding,
      targets: options.target,
      backfill: task,
      results: options.results ? 'all' : undefined,
      limitMs: Number.POSITIVE_INFINITY,
    };
    if (options.dryRun) {
      noteQuotaWait(terminal.connections);
      const estimates = await estimateTargets(run, task);
      writeResult(options, estimates, () => estimates.map((target) => describeEstimate(target, config)).join('\n\n'));
      return 0;
    }
    const flags = [...(options.again ? ['--again'] : []), ...(options.results ? ['--results'] : [])];
    const command = commandWith('backfill', options, task.window, flags);
    return await runAndReport(terminal, run, options, (summary, how) => describeBackfill(summary, command, how));
  });
}
