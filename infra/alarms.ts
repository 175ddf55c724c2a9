/** The alarms and the topic that they notify. */
import { Aws, Duration } from 'aws-cdk-lib';
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
import { type AlarmName, alarmDescription } from './alarm-kinds.ts';
import type { BackfillWorkflow } from './backfill-workflow.ts';
import type { Deployment } from './deployment.ts';
import { arnWithColon } from './permissions.ts';
import { stateMachineMetric, targetMetric } from './run-metrics.ts';
import type { DeadLetters, SyncFunction } from './sync-function.ts';

/** A run that exceeds `maxRunSeconds` by this much did not end by itself. */
const overrunSeconds = 30;

/** The results of a first sync of a million rows with 10 % failures take 30 hourly runs. */
const resultsBehind = Duration.days(3);

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

/** The condition of an alarm. Default: at least 1 in one period, and missing data is not a fault. */
type Condition = Pick<AlarmProps, 'metric'> & {
  readonly threshold?: number;
  readonly comparison?: ComparisonOperator;
  readonly periods?: number;
  readonly whenMissing?: TreatMissingData;
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
    this.#add('backfill-failed', {
      metric: stateMachineMetric(props.backfill.stateMachineArn, 'ExecutionsFailed', Duration.minutes(5)),
    });
    this.#ofAllTargets(props.namespace, period);
    if (props.report !== undefined) {
      // Two failures: the first try and Lambda's one retry.
      const metric = props.report.metricErrors({ statistic: Stats.SUM, period: Duration.hours(1) });
      this.#add('report-failed', { metric, threshold: 2 });
    }
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
    const alarmsOfThisStack = arnWithColon(this, 'cloudwatch', 'alarm', `${this.#deployment.stackName}-*`);
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
      sync.function.metric(name, { statistic, period: over });
    const fiveMinutes = Duration.minutes(5);
    // As long as a period, so that the alarm stays on from one failed run to the next instead of flapping. The next
    // alarm covers the case that no run starts.
    this.#add('run-failed', { metric: ofFunction('Errors', Stats.SUM) });
    this.#add('not-running', {
      // A function that is never invoked sends no metric. While recent values are missing, CloudWatch evaluates those of
      // older periods instead, and the alarm would be several periods late.
      metric: new MathExpression({
        label: 'Runs',
        expression: 'FILL(started, 0)',
        usingMetrics: { started: ofFunction('Invocations', Stats.SUM) },
        period,
      }),
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      periods: 3,
      whenMissing: TreatMissingData.BREACHING,
    });
    // A queue that has been empty for a while sends no metric.
    this.#add('dead-letters', {
      metric: deadLetters.queue.metricApproximateNumberOfMessagesVisible({
        period: fiveMinutes,
        statistic: Stats.MAXIMUM,
      }),
    });
    this.#add('events-dropped', { metric: ofFunction('AsyncEventsDropped', Stats.SUM, fiveMinutes) });
    this.#add('dead-letters-lost', { metric: ofFunction('DestinationDeliveryFailures', Stats.SUM, fiveMinutes) });
    this.#add('near-time-limit', {
      metric: ofFunction('Duration', Stats.MAXIMUM),
      threshold: (deployment.config.maxRunSeconds + overrunSeconds) * 1000,
    });
  }

  #ofAllTargets(namespace: string, period: Duration): void {
    this.#add('audit-failed', {
      metric: targetMetric(namespace, allTargets, 'AuditFailures', Stats.SUM, Duration.hours(1)),
      // From one audit to the next: it ends with the first one of all targets that fails at nothing. One of some targets
      // sends no zero, because another target may still be the cause.
      whenMissing: TreatMissingData.IGNORE,
    });
    // A run that has requested everything sends no value.
    this.#add('results-behind', {
      metric: targetMetric(namespace, allTargets, 'ResultsWaiting', Stats.MAXIMUM, period),
      threshold: resultsBehind.toSeconds(),
    });
  }

  #ofTarget(target: string, namespace: string, period: Duration): void {
    this.#add('watermark-old', {
      target,
      metric: targetMetric(namespace, target, 'WatermarkAge', Stats.MAXIMUM, period),
      // No run reads the last `settleSeconds`.
      threshold: 3 * period.toSeconds() + this.#deployment.config.settleSeconds,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      // A failed run reports the age too. If there is no run at all, "not-running" fires.
      whenMissing: TreatMissingData.IGNORE,
    });
    this.#add('rows-quarantined', {
      target,
      metric: targetMetric(namespace, target, 'Quarantined', Stats.SUM, period),
    });
  }

  /** The alarms of `qualityAlarm`. They are about the data, while all other alarms are about the copying. */
  #ofQuality(target: string, namespace: string, period: Duration): void {
    const { newlyFailing, passRatePercent } = this.#deployment.qualityAlarm ?? {};
    const sum = (name: MetricName, over: Duration): Metric => targetMetric(namespace, target, name, Stats.SUM, over);
    if (newlyFailing !== undefined) {
      // A run in which no task began to fail sends no value.
      this.#add('tasks-failing', { target, metric: sum('NewlyFailing', period), threshold: newlyFailing });
    }
    if (passRatePercent !== undefined) {
      const day = Duration.days(1);
      this.#add('pass-rate-low', {
        target,
        metric: new MathExpression({
          label: 'Passed, percent',
          // SUM instead of "+": if none passed, "passed" has no value and "+" would have none, but SUM returns the other one.
          // FILL instead of "bad": on a day on which all passed, the expression would have no value, and CloudWatch would
          // evaluate the day before instead, so that the alarm would not end.
          expression: '100 - 100 * FILL(bad, 0) / SUM([passed, bad])',
          usingMetrics: { passed: sum('Passed', day), bad: sum('NotPassed', day) },
          period: day,
        }),
        threshold: passRatePercent,
        comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      });
    }
  }

  #add(name: AlarmName, { target, comparison, periods = 1, metric, threshold = 1, whenMissing }: Condition): void {
    const { stackName, runbook } = this.#deployment;
    const suffix = target === undefined ? '' : `-${target}`;
    const alarm = new Alarm(this, `${name}${suffix}`, {
      alarmName: `${stackName}-${name}${suffix}`,
      alarmDescription: alarmDescription(name, runbook),
      metric,
      threshold,
      comparisonOperator: comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: periods,
      treatMissingData: whenMissing ?? TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
    this.alarms.push(alarm);
  }
}
