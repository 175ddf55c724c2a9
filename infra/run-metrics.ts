/** The metrics that alarms and dashboard look at. Pure. */
import type { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type MetricName, metricsNamespace, targetDimension } from '../functions/metrics.ts';

/** A metric of one target, as a run emits it. */
export interface TargetMetric {
  readonly namespace: string;
  readonly target: string;
  readonly name: MetricName;
  readonly statistic: string;
  readonly period: Duration;
}

/** The namespace of a deployment's metrics: one of its own, since targets of two stacks may have the same name. */
export function namespaceOf(stackName: string): string {
  return `${metricsNamespace}/${stackName}`;
}

/** The namespace of its backfills' metrics, which alarms about the schedule must not see. */
export function backfillNamespaceOf(stackName: string): string {
  return `${namespaceOf(stackName)}/backfill`;
}

/** A metric of functions/metrics.ts. */
export function targetMetric({ namespace, target, name, statistic, period }: TargetMetric): Metric {
  return new Metric({
    namespace,
    metricName: name,
    dimensionsMap: { [targetDimension]: target },
    statistic,
    period,
  });
}

/** A metric that Lambda itself keeps of a function. */
export function functionMetric(fn: IFunction, metricName: string, statistic: string, period: Duration): Metric {
  return fn.metric(metricName, { statistic, period });
}

/** A metric that Step Functions keeps of a state machine. */
export function stateMachineMetric(arn: string, metricName: string, period: Duration): Metric {
  return new Metric({
    namespace: 'AWS/States',
    metricName,
    dimensionsMap: { StateMachineArn: arn },
    statistic: Stats.SUM,
    period,
  });
}
