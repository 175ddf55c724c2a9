/** The alarms and the topic that they notify. */
import { ArnFormat, Aws, Duration, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  type Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { allTargets, type MetricName } from '../functions/metrics.ts';
import { type AlarmKind, type AlarmName, alarmDescription, alarmKinds, type TargetCondition } from './alarm-kinds.ts';
import type { BackfillWorkflow } from './backfill-workflow.ts';
import type { Deployment } from './deployment.ts';
import { functionMetric, stateMachineMetric, targetMetric } from './run-metrics.ts';
import type { DeadLetters, SyncFunction } from './sync-function.ts';

/** A run that exceeds `maxRunSeconds` by this much did not end by itself. */
const overrunSeconds = 30;

/** The results of a first sync of a million rows with 10 % failures take 30 hourly runs. */
const resultsBehind = Duration.days(3);

const missingData: Readonly<Record<TargetCondition['whenMissing'], TreatMissingData>> = {
  ignore: TreatMissingData.IGNORE,
  notBreaching: TreatMissingData.NOT_BREACHING,
};

/** Properties of `Alarms`. */
export interface AlarmsProps {
  readonly deployment: Deployment;
  readonly sync: SyncFunction;
  readonly backfill: BackfillWorkflow;
  /** Undefined if no report is published. */
  readonly report: IFunction | undefined;
  readonly deadLetters: DeadLetters;
  readonly namespace: string;
}

type Condition = Pick<AlarmProps, 'metric' | 'threshold' | 'treatMissingData'> & {
  readonly comparison?: ComparisonOperator;
  readonly periods?: number;
  /** The target, for an alarm of one target. */
  readonly target?: string;
};

/** The alarms and their topic. An alarm's name is `<stack>-<kind>`, or `<stack>-<kind>-<target>`. */
export class Alarms extends Construct {
  readonly topic: Topic;
  readonly alarms: Alarm[] = [];
  readonly #deployment: Deployment;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.#deployment = props.deployment;
    this.topic = new Topic(this, 'Topic', {
      displayName: `${props.deployment.stackName}: DataArts sync`,
      enforceSSL: true,
    });
    this.#allowAlarmsToPublish();
    if (props.deployment.alarmEmail !== undefined) {
      this.topic.addSubscription(new EmailSubscription(props.deployment.alarmEmail));
    }
    const period = Duration.minutes(props.deployment.periodMinutes);
    this.#ofRuns(props, period);
    this.#ofBackfills(props.backfill);
    this.#ofAllTargets(props.namespace, period);
    this.#ofReport(props.report);
    for (const { name } of props.deployment.config.targets) {
      this.#ofTarget(name, props.namespace, period);
      this.#ofQuality(name, props.namespace, period);
    }
  }

  /**
   * Lets CloudWatch publish to the topic for the alarms of this deployment. The topic needs its own policy to enforce
   * TLS, and therefore loses the default policy of SNS that would have allowed this.
   */
  #allowAlarmsToPublish(): void {
    const alarmsOfThisStack = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: `${this.#deployment.stackName}-*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AllowAlarmsToPublish',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: { 'aws:SourceArn': alarmsOfThisStack },
        },
      }),
    );
  }

  #ofRuns({ sync, deadLetters, deployment }: AlarmsProps, period: Duration): void {
    const ofFunction = (name: string, statistic: string, over = period): IMetric =>
      functionMetric(sync.function, name, statistic, over);
    // As long as a period, so that the alarm stays on from one failed run to the next instead of flapping.
    this.#add('run-failed', {
      metric: ofFunction('Errors', Stats.SUM),
      threshold: 1,
      // The next alarm covers the case that no run starts.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.#add('not-running', {
      metric: ofFunction('Invocations', Stats.SUM),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      periods: 3,
      // A function that is never invoked sends no metric, so missing data is the fault.
      treatMissingData: TreatMissingData.BREACHING,
    });
    this.#add('dead-letters', {
      metric: deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(5),
        statistic: Stats.MAXIMUM,
      }),
      threshold: 1,
      // A queue that has been empty for a while sends no metric.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.#add('events-dropped', {
      metric: ofFunction('AsyncEventsDropped', Stats.SUM, Duration.minutes(5)),
      threshold: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.#add('dead-letters-lost', {
      metric: ofFunction('DestinationDeliveryFailures', Stats.SUM, Duration.minutes(5)),
      threshold: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.#add('near-time-limit', {
      metric: ofFunction('Duration', Stats.MAXIMUM),
      threshold: (deployment.config.maxRunSeconds + overrunSeconds) * 1000,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  #ofBackfills({ stateMachineArn }: BackfillWorkflow): void {
    this.#add('backfill-failed', {
      metric: stateMachineMetric(stateMachineArn, 'ExecutionsFailed', Duration.minutes(5)),
      threshold: 1,
      // Backfills are rare, and an idle state machine sends no metric.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  #ofAllTargets(namespace: string, period: Duration): void {
    this.#add('audit-failed', {
      metric: targetMetric({
        ...{ namespace, target: allTargets, name: 'AuditFailures', statistic: Stats.SUM },
        period: Duration.hours(1),
      }),
      threshold: 1,
      // From one audit to the next: it ends with the first one that fails at nothing.
      treatMissingData: TreatMissingData.IGNORE,
    });
    this.#add('results-behind', {
      metric: targetMetric({ namespace, target: allTargets, name: 'ResultsWaiting', statistic: Stats.MAXIMUM, period }),
      threshold: resultsBehind.toSeconds(),
      // A run that has requested everything sends no value.
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  #ofReport(report: IFunction | undefined): void {
    if (report !== undefined) {
      this.#add('report-failed', {
        metric: functionMetric(report, 'Errors', Stats.SUM, Duration.hours(1)),
        // The first try and Lambda's one retry.
        threshold: 2,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
    }
  }

  #ofTarget(target: string, namespace: string, period: Duration): void {
    for (const [name, kind] of Object.entries<AlarmKind>(alarmKinds)) {
      if (kind.target !== undefined) {
        const { metric, statistic, threshold, whenMissing } = kind.target;
        this.#addKind(name, kind, {
          target,
          metric: targetMetric({ namespace, target, name: metric, statistic, period }),
          threshold: threshold(period.toSeconds()),
          comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
          treatMissingData: missingData[whenMissing],
        });
      }
    }
  }

  /** The alarms of `qualityAlarm`. They are about the data, while all other alarms are about the copying. */
  #ofQuality(target: string, namespace: string, period: Duration): void {
    const { newlyFailing, passRatePercent } = this.#deployment.qualityAlarm ?? {};
    const sum = (name: MetricName, over: Duration): Metric =>
      targetMetric({ namespace, target, name, statistic: Stats.SUM, period: over });
    if (newlyFailing !== undefined) {
      this.#add('tasks-failing', {
        target,
        metric: sum('NewlyFailing', period),
        threshold: newlyFailing,
        // A run in which no task began to fail sends no value.
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
    }
    if (passRatePercent !== undefined) {
      const day = Duration.days(1);
      this.#add('pass-rate-low', {
        target,
        metric: new MathExpression({
          label: 'Passed, percent',
          // SUM instead of "+": if either metric has no value on a day, "+" has none, but SUM returns the other one.
          expression: '100 * FILL(passed, 0) / SUM([passed, bad])',
          usingMetrics: { passed: sum('Passed', day), bad: sum('NotPassed', day) },
          period: day,
        }),
        threshold: passRatePercent,
        comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
        // A day without executions.
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
    }
  }

  #add(name: AlarmName, condition: Condition): void {
    this.#addKind(name, alarmKinds[name], condition);
  }

  #addKind(name: string, kind: AlarmKind, condition: Condition): void {
    const { stackName, runbook } = this.#deployment;
    const { target, comparison, periods = 1, metric, threshold, treatMissingData } = condition;
    const suffix = target === undefined ? '' : `-${target}`;
    const alarm = new Alarm(this, `${name}${suffix}`, {
      alarmName: `${stackName}-${name}${suffix}`,
      alarmDescription: alarmDescription(name, kind, runbook),
      metric,
      threshold,
      comparisonOperator: comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      ...(treatMissingData === undefined ? {} : { treatMissingData }),
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
  }
}
