/** What starts a run, again and again. */
import { Aws, Stack } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Deployment } from './deployment.ts';
import { type DeadLetters, maxEventAgeSeconds } from './sync-function.ts';

/** Every account has this group. The role trusts it by name, so the schedule names it too. */
const scheduleGroup = 'default';

/** How to make a `SyncSchedule`. */
export interface SyncScheduleProps {
  readonly schedule: Deployment['schedule'];
  readonly periodMinutes: number;
  readonly function: IFunction;
  readonly deadLetters: DeadLetters;
}

/**
 * An EventBridge Scheduler schedule, with a role that may invoke this one function.
 *
 * Scheduler only hands an event over to Lambda, and the function itself reports how the run ended. Scheduler's retries are
 * therefore few, cover only a failed hand-over, and end before the next event.
 */
export class SyncSchedule extends Construct {
  constructor(scope: Construct, id: string, props: SyncScheduleProps) {
    super(scope, id);
    const { schedule, periodMinutes, deadLetters } = props;
    // The L1, because the L2's target allows its role to invoke every version and alias of the function too.
    new CfnSchedule(this, 'Schedule', {
      groupName: scheduleGroup,
      description: 'Starts an incremental run of dqsync over all targets',
      scheduleExpression: schedule.expression,
      scheduleExpressionTimezone: schedule.timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      target: {
        arn: props.function.functionArn,
        roleArn: this.#role(props).roleArn,
        input: JSON.stringify({ mode: 'incremental' }),
        retryPolicy: { maximumRetryAttempts: 2, maximumEventAgeInSeconds: maxEventAgeSeconds(periodMinutes) },
        deadLetterConfig: { arn: deadLetters.queue.queueArn },
      },
    });
  }

  /**
   * Returns the role, with its permissions inline, so that a schedule which fires at once has them already.
   *
   * The source of a request by Scheduler is the schedule's group, not the schedule ("Confused deputy prevention" in the
   * Scheduler User Guide).
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
