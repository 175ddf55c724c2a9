/** `dqsync backfill`: reads what is missing of a range, to the end, with a progress bar, stoppable by Ctrl-C. */
import type { Config } from '../config.ts';
import { openConnections } from '../connect.ts';
import { ConfigError } from '../errors.ts';
import type { BackfillTask } from '../sync/backfill.ts';
import { estimateTargets, type Run, runTargets } from '../sync/run.ts';
import { parseRange } from '../time-argument.ts';
import { describeBackfill, describeEstimate } from './backfill-report.ts';
import { loadConfig } from './config-file.ts';
import { consoleLog } from './console-log.ts';
import { listenForInterrupt } from './interrupt.ts';
import { writeJson, writeLine, writeNote } from './output.ts';
import { openProgressBar } from './progress-bar.ts';

/** Options of `backfill`. */
export interface BackfillOptions {
  readonly config: string;
  readonly target: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly again?: boolean;
  readonly dryRun?: boolean;
  /** The name of a deployed stack that shall do it. */
  readonly deployed?: string;
  readonly json?: boolean;
}

/**
 * Runs and reports.
 *
 * @returns 0; 1 if a target failed; 130 or 143 if the run was interrupted before it was done
 * @throws ConfigError
 */
export async function backfill(options: BackfillOptions): Promise<number> {
  requireRangeToReadAgain(options);
  if (options.deployed !== undefined) {
    parseRange(options, { from: '--from', to: '--to' }, 'UTC');
    return await (await import('./deployed-backfill.ts')).deployedBackfill(options, options.deployed);
  }
  const config = await loadConfig(options.config);
  const task = taskOf(options, config);
  const bar = openProgressBar();
  const log = consoleLog(bar.clear);
  const connections = await openConnections(config, log, process.env);
  const announce = (): void => {
    bar.clear();
    writeNote('Stopping: what is proven complete is being committed. Press Ctrl-C again to end at once.');
  };
  const interrupt = listenForInterrupt(connections.clock, announce, bar.clear);
  try {
    const run: Run = {
      ...connections,
      connect: connections.connectYielding,
      config,
      targets: options.target,
      backfill: task,
      limitMs: Number.POSITIVE_INFINITY,
      stop: interrupt.signal,
      log,
      onProgress: bar.update,
    };
    return options.dryRun
      ? await estimate(run, task, options)
      : await runAndReport(run, options, bar.clear, interrupt.exitCode);
  } finally {
    bar.clear();
    interrupt.close();
  }
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

async function runAndReport(
  run: Run,
  options: BackfillOptions,
  clear: () => void,
  interruptCode: () => number | null,
): Promise<number> {
  const summaries = await runTargets(run);
  clear();
  if (options.json) {
    writeJson(summaries);
  } else {
    writeLine(summaries.map((summary) => describeBackfill(summary, commandOf(options))).join('\n'));
  }
  if (summaries.some((summary) => summary.error !== undefined)) {
    return 1;
  }
  return summaries.every((summary) => summary.done) ? 0 : (interruptCode() ?? 0);
}

/** @throws ConfigError */
function taskOf(options: BackfillOptions, { partitionTimeZone }: Config): BackfillTask {
  const window = parseRange(options, { from: '--from', to: '--to' }, partitionTimeZone);
  return { window, again: options.again ?? false };
}

/** @throws ConfigError */
function requireRangeToReadAgain({ from, to, again }: BackfillOptions): void {
  if (again && from === undefined && to === undefined) {
    throw new ConfigError('--again needs --from and --to', {
      remedy: 'Say what is to be read once more, for example --from 2026-01-01 --to 2026-02-01.',
    });
  }
}

/** The command that goes on where this one was stopped. */
function commandOf({ config, target, from, to, again }: BackfillOptions): string {
  const words = [
    'dqsync backfill',
    ...(from === undefined ? [] : [`--from ${from}`]),
    ...(to === undefined ? [] : [`--to ${to}`]),
    ...target.map((name) => `--target ${name}`),
    ...(again ? ['--again'] : []),
    ...(config === 'dqsync.json' ? [] : [`--config ${JSON.stringify(config)}`]),
  ];
  return words.join(' ');
}
