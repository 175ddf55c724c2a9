/** `dqsync backfill --deployed <stack>`: starts the stack's state machine and follows it. */
import { systemClock } from '../../clock.ts';
import { openStore } from '../../connect.ts';
import { SourceError, StoppedError } from '../../errors.ts';
import { requireTargets } from '../../sync/targets.ts';
import { listenForInterrupt } from '../terminal/interrupt.ts';
import { type OutputOptions, writeNote, writeResult } from '../terminal/output.ts';
import { openProgressBar } from '../terminal/progress-bar.ts';
import { hiddenDaysWarning } from './backfill-report.ts';
import { progressOf } from './deployed-progress.ts';
import {
  type BackfillInput,
  type BackfillState,
  openBackfills,
  type StackOutputs,
  stackOutputs,
} from './deployed-stack.ts';

/** The options of `backfill` that apply to a deployed stack. */
type DeployedOptions = OutputOptions & Omit<BackfillInput, 'targets'> & { readonly target: readonly string[] };

/** Time between two polls. Each poll is one request plus a GET per target. */
const pollEveryMs = 3_000;

/**
 * Starts a backfill, or follows the running one with the same input, until it ends.
 *
 * @returns 0; 1 if it failed; 130 if following was interrupted, while the backfill continues
 * @throws ConfigError, SourceError
 */
export async function deployedBackfill(options: DeployedOptions, stack: string): Promise<number> {
  const outputs = await stackOutputs(stack);
  const input = inputOf(options, outputs, stack);
  const warning = hiddenDaysWarning(options.from, outputs.firstDay);
  if (warning !== null) {
    writeNote(warning);
  }
  const backfills = openBackfills(outputs);
  const bar = openProgressBar();
  const interrupt = listenForInterrupt(systemClock, bar.clear, bar.clear);
  try {
    const { arn, wasRunning } = await backfills.start(input);
    writeNote(`${wasRunning ? 'Following the running backfill' : 'Started'}: ${arn}`);
    const store = await openStore(outputs.warehouseUrl, process.env);
    const look = progressOf(store, input.targets ?? outputs.targets, input);
    for (;;) {
      const state = await backfills.describe(arn);
      if (state.status !== 'RUNNING') {
        bar.clear();
        reportEnd(state, options);
        return 0;
      }
      bar.update(await look());
      await systemClock.sleep(pollEveryMs, interrupt.signal);
    }
  } catch (thrown) {
    if (!(thrown instanceof StoppedError)) {
      throw thrown;
    }
    bar.clear();
    writeNote('Stopped following. The backfill continues in AWS; run the same command to follow it again.');
    return interrupt.exitCode() ?? 130;
  } finally {
    bar.clear();
    interrupt.close();
    backfills.close();
  }
}

/** @throws ConfigError for targets that the stack does not have */
function inputOf(options: DeployedOptions, { targets }: StackOutputs, stack: string): BackfillInput {
  requireTargets(options.target, targets, `the stack ${stack}`);
  const { from, to, target, again, results } = options;
  return { from, to, targets: target.length === 0 ? undefined : target, again, results };
}

/** @throws SourceError if the backfill failed */
function reportEnd({ executionArn, status, output, error, cause }: BackfillState, options: DeployedOptions): void {
  if (status !== 'SUCCEEDED') {
    const why = [error, cause].filter(Boolean).join(': ') || 'no cause given';
    throw new SourceError(`the backfill ended as ${status}: ${why}`, {
      remedy: `Everything proven complete is committed; run the same command to continue. The history of the execution is at ${executionArn}.`,
    });
  }
  const rest = options.results ? ' Scheduled syncs fetch the rule results that still wait.' : '';
  writeResult(
    options,
    JSON.parse(output ?? 'null'),
    () => `The backfill is done. "dqsync status" shows what is covered.${rest}`,
  );
}
