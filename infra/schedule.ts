/** The schedules that start runs: the incremental ones, and the daily maintenance. */
import { Aws, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Deployment } from './deployment.ts';
import { type DeadLetters, handOverSeconds } from './sync-function.ts';

/** Every account has this group. The role trusts it by name, so the schedule must name it too. */
const scheduleGroup = 'default';

/** Properties of `SyncSchedule`. */
export interface SyncScheduleProps {
  readonly schedule: Deployment['schedule'];
  readonly periodMinutes: number;
  readonly function: IFunction;
  readonly deadLetters: DeadLetters;
}

/**
 * Two EventBridge Scheduler schedules, with a role that may invoke this one function.
 *
 * Scheduler only hands an event over to Lambda, and the function itself reports how the run ended. Scheduler's retries are
 * therefore few, cover only a failed hand-over, and end before the next event.
 */
export class SyncSchedule extends Construct {
  constructor(scope: Construct, id: string, props: SyncScheduleProps) {
    super(scope, id);
    const { schedule } = props;
    const { roleArn } = this.#role(props);
    this.#add('Schedule', props, {
      ...{ roleArn, mode: 'incremental', expression: schedule.expression },
      description: 'Starts an incremental run of dqsync over all targets',
    });
    this.#add('Maintenance', props, {
      ...{ roleArn, mode: 'maintain', expression: schedule.maintenance },
      description: 'Starts the daily maintenance of all targets of dqsync: the audit, and what keeps the table quick',
    });
  }

  #add(
    id: string,
    { schedule, periodMinutes, deadLetters, function: target }: SyncScheduleProps,
    runs: {
      readonly mode: string;
      readonly expression: string;
      readonly description: string;
      readonly roleArn: string;
    },
  ): void {
    // The L1 construct: the L2's target would also allow its role to invoke every version and alias of the function.
    new CfnSchedule(this, id, {
      groupName: scheduleGroup,
      description: runs.description,
      scheduleExpression: runs.expression,
      scheduleExpressionTimezone: schedule.timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      target: {
        arn: target.functionArn,
        roleArn: runs.roleArn,
        input: JSON.stringify({ mode: runs.mode }),
        retryPolicy: { maximumRetryAttempts: 2, maximumEventAgeInSeconds: handOverSeconds({ periodMinutes }) },
        deadLetterConfig: { arn: deadLetters.queue.queueArn },
      },
    });
  }

  /**
   * Makes the role with inline permissions, so that a schedule that fires at once already has them. In requests of
   * Scheduler, the source is the schedule's group, not the schedule ("Confused deputy prevention" in the Scheduler User
   * Guide).
   */
  #role(props: SyncScheduleProps): Role {
    const allow = (action: string, resource: string): PolicyStatement =>
      new PolicyStatement({ actions: [action], resources: [resource] });
    const groupArn = Stack.of(this).formatArn({
      service: 'scheduler',
      resource: 'schedule-group',
      resourceName: scheduleGroup,
    });
    return new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID, 'aws:SourceArn': groupArn } },
      }),
      inlinePolicies: {
        HandOver: new PolicyDocument({
          statements: [
            allow('lambda:InvokeFunction', props.function.functionArn),
            allow('sqs:SendMessage', props.deadLetters.queue.queueArn),
          ],
        }),
      },
    });
  }
}
