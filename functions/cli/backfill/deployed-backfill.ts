/** `dqsync backfill --deployed <stack>`: starts the stack's state machine and follows it. */
import { systemClock } from '../../clock.ts';
import { openStore } from '../../connect.ts';
import { ConfigError, SourceError, StoppedError } from '../../errors.ts';
import { listenForInterrupt } from '../terminal/interrupt.ts';
import { writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { openProgressBar } from '../terminal/progress-bar.ts';
import { DeployedProgress } from './deployed-progress.ts';
import { type BackfillInput, DeployedBackfills, type StackOutputs, stackOutputs } from './deployed-stack.ts';
import { hiddenDaysWarning } from './hidden-days.ts';

/** The options of `backfill` that apply to a deployed stack. */
export interface DeployedBackfillOptions {
  readonly target: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly again?: boolean;
  readonly results?: boolean;
  readonly json?: boolean;
}

/** Time between two polls. Each poll is one request plus a GET per target. */
const lookEveryMs = 3_000;

/**
 * Starts a backfill, or follows the running one with the same input, until it ends.
 *
 * @returns 0; 1 if it failed; 130 if following was interrupted, while the backfill continues
 * @throws ConfigError, SourceError
 */
export async function deployedBackfill(options: DeployedBackfillOptions, stack: string): Promise<number> {
  const outputs = await stackOutputs(stack);
  const input = inputOf(options, outputs, stack);
  const warning = hiddenDaysWarning(options.from, outputs.firstDay);
  if (warning !== null) {
    writeNote(warning);
  }
  const backfills = new DeployedBackfills(outputs);
  const bar = openProgressBar();
  const interrupt = listenForInterrupt(systemClock, bar.clear, bar.clear);
  try {
    const { arn, wasRunning } = await backfills.start(input);
    writeNote(`${wasRunning ? 'Following the running backfill' : 'Started'}: ${arn}`);
    const store = await openStore(outputs.warehouseUrl, process.env);
    const progress = new DeployedProgress(store, input.targets ?? outputs.targets, input);
    for (;;) {
      const { status, output, error, cause } = await backfills.describe(arn);
      if (status !== 'RUNNING') {
        bar.clear();
        return reportEnd({ arn, status, output, error, cause }, options);
      }
      bar.update(await progress.look());
      await systemClock.sleep(lookEveryMs, interrupt.signal);
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
function inputOf(options: DeployedBackfillOptions, { targets }: StackOutputs, stack: string): BackfillInput {
  const unknown = options.target.filter((name) => !targets.includes(name));
  if (unknown.length > 0) {
    throw new ConfigError(`the stack ${stack} has no target ${unknown.map((name) => `"${name}"`).join(', ')}`, {
      remedy: `It has: ${targets.join(', ')}.`,
    });
  }
  return {
    ...(options.from === undefined ? {} : { from: options.from }),
    ...(options.to === undefined ? {} : { to: options.to }),
    ...(options.target.length === 0 ? {} : { targets: options.target }),
    ...(options.again ? { again: true } : {}),
    ...(options.results ? { results: true } : {}),
  };
}

interface Ended {
  readonly arn: string;
  readonly status: string | undefined;
  readonly output: string | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

function reportEnd({ arn, status, output, error, cause }: Ended, options: DeployedBackfillOptions): number {
  if (status === 'SUCCEEDED') {
    const result: unknown = JSON.parse(output ?? 'null');
    if (options.json) {
      writeJson(result);
    } else {
      const rest = options.results ? ' Scheduled syncs fetch the rule results that still wait.' : '';
      writeLine(`The backfill is done. "dqsync status" shows what is covered.${rest}`);
    }
    return 0;
  }
  throw new SourceError(
    `the backfill ended as ${status}: ${[error, cause].filter(Boolean).join(': ') || 'no cause given'}`,
    {
      remedy: `Everything proven complete is committed; run the same command to continue. The history of the execution is at ${arn}.`,
    },
  );
}
