/** The schedules that start runs: the incremental ones, the daily maintenance, and the publishing of the report. */
import { Aws } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import type { Deployment } from './deployment.ts';
import { arnOf } from './permissions.ts';
import { type DeadLetters, handOverSeconds } from './sync-function.ts';

/** Every account has this group. The role trusts it by name, so the schedule must name it too. */
const scheduleGroup = 'default';

/**
 * When the report is published. It has its own schedule instead of following a successful sync, because a sync in which
 * one target fails never ends with success. Minute 40 comes after the default
 * maintenance (minute 15) and after syncs at the full hour.
 */
const reportExpression = 'cron(40 * * * ? *)';

/** Properties of `SyncSchedule`. */
interface SyncScheduleProps {
  readonly deployment: Deployment;
  readonly function: IFunction;
  /** The function that publishes the report; undefined if there is none. */
  readonly report: IFunction | undefined;
  readonly deadLetters: DeadLetters;
}

/**
 * EventBridge Scheduler schedules, with a role that may invoke their functions and no others.
 *
 * Scheduler only hands an event over to Lambda, and the function itself reports how the run ended. Scheduler's retries
 * are therefore few, cover only a failed hand-over, and end before the next event.
 */
export class SyncSchedule extends Construct {
  constructor(scope: Construct, id: string, props: SyncScheduleProps) {
    super(scope, id);
    const { schedule } = props.deployment;
    const { roleArn } = this.#role(props);
    const ofSync = { roleArn, target: props.function };
    this.#add('Schedule', props, {
      ...{ ...ofSync, input: { mode: 'incremental' }, expression: schedule.expression },
      description: 'Starts an incremental run of dqsync over all targets',
    });
    this.#add('Maintenance', props, {
      ...{ ...ofSync, input: { mode: 'maintain' }, expression: schedule.maintenance },
      description: 'Starts the daily maintenance of all targets of dqsync: audit, tasks and compaction',
    });
    if (props.report !== undefined) {
      this.#add('Report', props, {
        ...{ roleArn, target: props.report, input: {}, expression: reportExpression },
        description: 'Publishes the report of dqsync',
      });
    }
  }

  #add(
    id: string,
    { deployment, deadLetters }: SyncScheduleProps,
    runs: {
      readonly target: IFunction;
      readonly input: Readonly<Record<string, string>>;
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
      scheduleExpressionTimezone: deployment.schedule.timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      state: 'ENABLED',
      target: {
        arn: runs.target.functionArn,
        roleArn: runs.roleArn,
        input: JSON.stringify(runs.input),
        retryPolicy: { maximumRetryAttempts: 2, maximumEventAgeInSeconds: handOverSeconds(deployment) },
        deadLetterConfig: { arn: deadLetters.queue.queueArn },
      },
    });
  }

  /**
   * Makes the role with inline permissions, so that a schedule that fires immediately already has them. In requests of
   * Scheduler, the source is the schedule's group, not the schedule ("Confused deputy prevention" in the Scheduler User
   * Guide).
   */
  #role(props: SyncScheduleProps): Role {
    const allow = (action: string, resource: string): PolicyStatement =>
      new PolicyStatement({ actions: [action], resources: [resource] });
    const groupArn = arnOf(this, 'scheduler', 'schedule-group', scheduleGroup);
    return new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID, 'aws:SourceArn': groupArn } },
      }),
      inlinePolicies: {
        HandOver: new PolicyDocument({
          statements: [
            ...[props.function, props.report].flatMap((each) =>
              each === undefined ? [] : allow('lambda:InvokeFunction', each.functionArn),
            ),
            allow('sqs:SendMessage', props.deadLetters.queue.queueArn),
          ],
        }),
      },
    });
  }
}
