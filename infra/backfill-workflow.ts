/** Backfills a range on demand, independently of the schedule: a state machine with its own function. */
import { Aws, Stack, Validations } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { TargetConfig } from '../functions/config.ts';
import { backfillDefinition } from './backfill-definition.ts';
import { arnWithColon } from './permissions.ts';
import { RunFunction, type RunFunctionParts, timeoutSeconds } from './run-function.ts';
import { backfillNamespaceOf } from './run-metrics.ts';

/** Lambda stops an invocation at its timeout. The loop waits a little longer, so that Lambda can report it. */
const waitMarginSeconds = 30;

/**
 * A function with the same code, configuration and permissions as the scheduled one but its own concurrency, and a Step
 * Functions state machine that invokes it until everything is read.
 */
export class BackfillWorkflow extends Construct {
  readonly function: RunFunction['function'];
  readonly stateMachineArn: string;

  constructor(scope: Construct, id: string, parts: RunFunctionParts) {
    super(scope, id);
    const { deployment } = parts;
    const groups = groupsByUser(deployment.config.targets);
    this.function = new RunFunction(this, 'Run', {
      ...parts,
      description: 'dqsync: backfills, a part at a time',
      // One per user, because the source's quota belongs to a user.
      reservedConcurrency: deployment.reservedConcurrency === null ? null : groups.length,
      namespace: backfillNamespaceOf(deployment.stackName),
    }).function;
    const stateMachineName = `${deployment.stackName}-backfill`;
    const definition = backfillDefinition({
      functionArn: this.function.functionArn,
      invocationSeconds: timeoutSeconds(deployment) + waitMarginSeconds,
      groups,
    });
    // The L1 construct: the L2's task would also allow its role to invoke every version and alias of the function.
    const machine = new CfnStateMachine(this, 'StateMachine', {
      stateMachineName,
      stateMachineType: 'STANDARD',
      definitionString: Stack.of(this).toJsonString(definition),
      roleArn: this.#role(stateMachineName).roleArn,
    });
    this.stateMachineArn = machine.ref;
    acknowledge(machine);
  }

  #role(stateMachineName: string): Role {
    const machineArn = arnWithColon(this, 'states', 'stateMachine', stateMachineName);
    return new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('states.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnEquals: { 'aws:SourceArn': machineArn },
        },
      }),
      inlinePolicies: {
        Invoke: new PolicyDocument({
          statements: [
            new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.function.functionArn] }),
          ],
        }),
      },
    });
  }
}

/** Returns names of targets, grouped by their credentials. */
function groupsByUser(targets: readonly TargetConfig[]): string[][] {
  const groups = Map.groupBy(targets, ({ credentials }) => credentials);
  return [...groups.values()].map((group) => group.map(({ name }) => name));
}

function acknowledge(machine: CfnStateMachine): void {
  const reasons = {
    'AwsSolutions-SF1':
      'A Standard execution keeps its whole history, with inputs, outputs and errors, for 90 days in Step Functions itself; each invocation writes to the log of the function. A log of the loop would repeat this, and needs eight permissions on every resource of the account.',
    'AwsSolutions-SF2':
      'The loop has one kind of task, whose durations are in its history and in the metrics of the function. X-Ray needs permissions on every resource of the account, and would add nothing.',
  };
  for (const [id, reason] of Object.entries(reasons)) {
    Validations.of(machine).acknowledge({ id, reason });
  }
}
