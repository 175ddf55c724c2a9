/** Runs targets on the terminal, and prints how each run has ended. */
import type { Config } from '../../config.ts';
import { knownGaps } from '../../sync/gaps.ts';
import { type Run, runTargets } from '../../sync/run.ts';
import type { Summary, TargetOutcome } from '../../sync/summary.ts';
import { settingsOf } from '../../sync/targets.ts';
import { type OutputOptions, writeResult } from './output.ts';
import type { EndOfRun } from './summary-report.ts';
import type { TerminalRun } from './terminal-run.ts';

/** Returns the arguments of a run that are the same for all commands. */
export function runOn({ connections, bar, log, interrupt }: TerminalRun, config: Config): Omit<Run, 'limitMs'> {
  return { ...connections, config, stop: interrupt.signal, log, onProgress: bar.update };
}

/**
 * Runs the targets, and prints their summaries.
 *
 * @param describe describes the end of one run for a person
 * @returns 0; 1 if a target failed; the exit code of an interrupted process after a signal, whatever the run was doing
 */
export async function runAndReport(
  { bar, interrupt }: TerminalRun,
  run: Run,
  options: OutputOptions,
  describe: (summary: Summary, how: EndOfRun) => string,
): Promise<number> {
  const outcomes = new Map<string, TargetOutcome>();
  const onTargetDone: Run['onTargetDone'] = (outcome) => outcomes.set(outcome.summary.target, outcome);
  const summaries = await runTargets({ ...run, onTargetDone });
  bar.clear();
  const { initialFromMs, requestsPerSecond } = settingsOf(run.config);
  const endOf = ({ target }: Summary): EndOfRun => {
    const { counters, checkpoint = null } = outcomes.get(target) ?? {};
    return {
      wasInterrupted: interrupt.exitCode() !== null,
      resultsWaiting: counters?.resultsBacklog ?? 0,
      requestsPerSecond,
      gapsLeft: checkpoint === null ? 0 : knownGaps(checkpoint, initialFromMs).length,
      expectedRows: bar.expectedRows(target),
    };
  };
  writeResult(options, summaries, () => summaries.map((summary) => describe(summary, endOf(summary))).join('\n'));
  return summaries.some(({ error }) => error !== undefined) ? 1 : (interrupt.exitCode() ?? 0);
}
