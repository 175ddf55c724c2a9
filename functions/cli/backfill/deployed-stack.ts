/** Reads the outputs of a deployed stack, and starts its backfills. AWS credentials and region come from the shell. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  ListExecutionsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { ConfigError, SourceError } from '../../errors.ts';
import { connectionsOf } from '../../network/aws.ts';

/** The outputs of a stack that a backfill needs. */
export type StackOutputs = Awaited<ReturnType<typeof stackOutputs>>;

/** The input of a backfill's execution. An execution with the same text counts as the same backfill. */
export interface BackfillInput {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly targets?: readonly string[] | undefined;
  readonly again?: boolean | undefined;
  readonly results?: boolean | undefined;
}

/** The status of an execution of the state machine, and its output or error once it has ended. */
export type BackfillState = DescribeExecutionOutput;

/**
 * Reads the outputs of a stack that a backfill needs.
 *
 * @throws ConfigError if there is no such stack or it has no backfill; SourceError if AWS refuses
 */
export async function stackOutputs(stack: string) {
  const outputs = await allOutputs(stack);
  return {
    stateMachineArn: requireOutput(outputs, 'BackfillStateMachineArn', stack),
    warehouseUrl: requireOutput(outputs, 'WarehouseUrl', stack),
    targets: requireOutput(outputs, 'TargetNames', stack).split(','),
    /** First day that Athena reads; undefined without a catalog, or if an older version was deployed. */
    firstDay: outputs.get('FirstDay'),
  };
}

/**
 * Reads all outputs of a stack.
 *
 * @throws ConfigError if there is no such stack; SourceError if AWS refuses
 */
export async function allOutputs(stack: string): Promise<ReadonlyMap<string, string>> {
  const client = new CloudFormationClient(connectionsOf(process.env));
  const { Stacks = [] } = await asking(`read the outputs of stack ${stack}`, () =>
    client.send(new DescribeStacksCommand({ StackName: stack })),
  ).finally(() => client.destroy());
  const outputs = Stacks[0]?.Outputs ?? [];
  return new Map(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
}

/** Opens the backfills of a stack. Its functions throw SourceError if AWS refuses. */
export function openBackfills({ stateMachineArn }: StackOutputs) {
  const client = new SFNClient(connectionsOf(process.env));
  const findRunning = async (input: string): Promise<string | undefined> => {
    const { executions = [] } = await client.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 20 }),
    );
    for (const { executionArn } of executions) {
      const known = await client.send(new DescribeExecutionCommand({ executionArn }));
      if (known.input === input) {
        return executionArn;
      }
    }
    return undefined;
  };
  return {
    /** Starts a backfill, or finds the running one with the same input. */
    start: async (input: BackfillInput) => {
      const text = JSON.stringify(input);
      return await asking('start the backfill', async () => {
        const running = await findRunning(text);
        const start = new StartExecutionCommand({ stateMachineArn, input: text });
        return { arn: running ?? (await client.send(start)).executionArn ?? '', wasRunning: running !== undefined };
      });
    },
    describe: async (executionArn: string): Promise<BackfillState> =>
      await asking('follow the backfill', () => client.send(new DescribeExecutionCommand({ executionArn }))),
    close: () => client.destroy(),
  };
}

/** @throws ConfigError if the stack has another version or is not a dqsync stack */
export function requireOutput(outputs: ReadonlyMap<string, string>, key: string, stack: string): string {
  const value = outputs.get(key);
  if (value === undefined) {
    throw new ConfigError(`the stack ${stack} has no output ${key}`, {
      remedy: 'Check that it is a dqsync stack of this version; "npx cdk deploy" updates it.',
    });
  }
  return value;
}

/** Runs calls of AWS. Errors have AWS's own message, which contains no secret, or name an unusable proxy. */
async function asking<T>(what: string, calls: () => Promise<T>): Promise<T> {
  try {
    return await calls();
  } catch (cause) {
    if (cause instanceof ConfigError) {
      throw cause;
    }
    const message = cause instanceof Error ? `${cause.name}: ${cause.message}`.replace(/^Error: /, '') : String(cause);
    if (/ValidationError.*does not exist/.test(message)) {
      throw new ConfigError(`could not ${what}: ${message}`, {
        remedy: 'Use the name that "npx cdk list" shows, and check AWS_REGION and the account of your AWS credentials.',
        cause,
      });
    }
    throw new SourceError(`could not ${what}: ${message}`, {
      remedy:
        'Check AWS_REGION, AWS_PROFILE and the permissions of your AWS credentials, then run the same command again.',
      cause,
    });
  }
}
