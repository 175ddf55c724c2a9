/** `dqsync backfill --deployed <stack>`: starts the stack's state machine, and follows it. */
import { systemClock } from '../../clock.ts';
import { openStore } from '../../connect.ts';
import { ConfigError, SourceError, StoppedError } from '../../errors.ts';
import { listenForInterrupt } from '../terminal/interrupt.ts';
import { writeJson, writeLine, writeNote } from '../terminal/output.ts';
import { openProgressBar } from '../terminal/progress-bar.ts';
import { DeployedProgress } from './deployed-progress.ts';
import { type BackfillInput, DeployedBackfills, type StackOutputs, stackOutputs } from './deployed-stack.ts';
import { hiddenDaysWarning } from './hidden-days.ts';

/** The options of `backfill` that a deployed stack takes. */
export interface DeployedBackfillOptions {
  readonly target: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly again?: boolean;
  readonly json?: boolean;
}

/** Between two looks: each costs a request and a GET per target. */
const lookEveryMs = 3_000;

/**
 * Starts a backfill, or goes on following the one with the same input that is running, to its end.
 *
 * @returns 0; 1 if it failed; 130 if following was interrupted: the backfill itself goes on
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
    writeNote(`${wasRunning ? 'Following the backfill that is running' : 'Started'}: ${arn}`);
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
    writeNote('No longer following. The backfill goes on without you; the same command follows it again.');
    return interrupt.exitCode() ?? 130;
  } finally {
    bar.clear();
    interrupt.close();
    backfills.close();
  }
}

/** @throws ConfigError for targets the stack does not have */
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
      writeLine('The backfill is done. "dqsync status" shows what is covered.');
    }
    return 0;
  }
  throw new SourceError(
    `the backfill ended as ${status}: ${[error, cause].filter(Boolean).join(': ') || 'no cause given'}`,
    {
      remedy: `What was proven complete is committed; the same command goes on from there. Its history is at ${arn}.`,
    },
  );
}
