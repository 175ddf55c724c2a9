/** `dqsync backfill`: reads the missing parts of a range, with a progress bar. Ctrl-C stops it. */
import { type BackfillTask, parseBackfillTask } from '../../sync/backfill-task.ts';
import { estimateTargets, type Run, runTargets } from '../../sync/run.ts';
import { loadConfig } from '../terminal/config-file.ts';
import { writeJson, writeLine } from '../terminal/output.ts';
import { settledPart } from '../terminal/past-range.ts';
import { exitCodeOf, Leftovers, stoppingNote, withTerminalRun } from '../terminal/terminal-run.ts';
import { describeBackfill, describeEstimate } from './backfill-report.ts';

const optionNames = { from: '--from', to: '--to', again: '--again' } as const;

/** Options of `backfill`. */
export interface BackfillOptions {
  readonly config: string;
  readonly target: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly again?: boolean;
  /** Fetches rule results of the executions that it reads, as the config asks for. */
  readonly results?: boolean;
  readonly dryRun?: boolean;
  /** Name of the deployed stack that runs the backfill. */
  readonly deployed?: string;
  readonly json?: boolean;
}

/**
 * Runs the backfill and prints its result.
 *
 * @returns 0; 1 if a target failed; 130 or 143 if the run was interrupted
 * @throws ConfigError
 */
export async function backfill(options: BackfillOptions): Promise<number> {
  if (options.deployed !== undefined) {
    parseBackfillTask(options, optionNames, 'UTC');
    return await (await import('./deployed-backfill.ts')).deployedBackfill(options, options.deployed);
  }
  const config = await loadConfig(options.config);
  const task = parseBackfillTask(options, optionNames, config.partitionTimeZone);
  return await withTerminalRun(config, stoppingNote, async ({ connections, bar, log, interrupt }) => {
    if (task.window !== null) {
      settledPart(task.window, options.from ?? '', config, connections.clock.now());
    }
    const leftovers = new Leftovers(config);
    const run: Run = {
      ...connections,
      connect: connections.connectYielding,
      config,
      targets: options.target,
      backfill: task,
      results: options.results ? 'all' : undefined,
      limitMs: Number.POSITIVE_INFINITY,
      stop: interrupt.signal,
      log,
      onProgress: bar.update,
      onTargetDone: leftovers.note,
    };
    if (options.dryRun) {
      return await estimate(run, task, options);
    }
    const summaries = await runTargets(run);
    bar.clear();
    if (options.json) {
      writeJson(summaries);
    } else {
      writeLine(
        summaries
          .map((summary) =>
            describeBackfill(summary, commandOf(options), {
              wasInterrupted: interrupt.exitCode() !== null,
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

async function estimate(run: Run, task: BackfillTask, options: BackfillOptions): Promise<number> {
  const estimates = await estimateTargets(run, task);
  if (options.json) {
    writeJson(estimates);
  } else {
    writeLine(estimates.map((target) => describeEstimate(target, run.config)).join('\n\n'));
  }
  return 0;
}

/** Returns the command that resumes this backfill. */
function commandOf({ config, target, from, to, again, results }: BackfillOptions): string {
  const words = [
    'dqsync backfill',
    ...(from === undefined ? [] : [`--from ${from}`]),
    ...(to === undefined ? [] : [`--to ${to}`]),
    ...target.map((name) => `--target ${name}`),
    ...(again ? ['--again'] : []),
    ...(results ? ['--results'] : []),
    ...(config === 'dqsync.json' ? [] : [`--config ${JSON.stringify(config)}`]),
  ];
  return words.join(' ');
}
