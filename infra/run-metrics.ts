/** The metrics of the alarms and the dashboard. Pure. */
import type { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type MetricName, metricsNamespace, targetDimension } from '../functions/metrics.ts';

/**
 * Returns the namespace of a deployment's metrics. It contains the stack's name, because targets of two stacks may have
 * the same name.
 */
export function namespaceOf(stackName: string): string {
  return `${metricsNamespace}/${stackName}`;
}

/** Returns the namespace of its backfills' metrics, which must not affect the alarms of the schedule. */
export function backfillNamespaceOf(stackName: string): string {
  return `${namespaceOf(stackName)}/backfill`;
}

/** Returns a metric of functions/metrics.ts, as the runs of one target emit it. */
export function targetMetric(
  namespace: string,
  target: string,
  metricName: MetricName,
  statistic: string,
  period: Duration,
): Metric {
  return new Metric({ namespace, metricName, dimensionsMap: { [targetDimension]: target }, statistic, period });
}

/** Returns a metric that Step Functions keeps of a state machine. */
export function stateMachineMetric(arn: string, metricName: string, period: Duration): Metric {
  return new Metric({
    namespace: 'AWS/States',
    metricName,
    dimensionsMap: { StateMachineArn: arn },
    statistic: Stats.SUM,
    period,
  });
}
