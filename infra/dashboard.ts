/** One look: is it healthy, is it fresh, what did it cost. */
import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  Metric,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/metrics.ts';
import type { Alarms } from './alarms.ts';
import type { BackfillWorkflow } from './backfill-workflow.ts';
import type { Deployment } from './deployment.ts';
import { backfillNamespaceOf, functionMetric, stateMachineMetric, targetMetric } from './run-metrics.ts';
import type { DeadLetters, SyncFunction } from './sync-function.ts';

const day = Duration.days(1);

/** List prices in USD, us-east-1, for the dashboard's estimate. infra/README.md uses the same ones for its table of costs. */
const prices = {
  /** Lambda on arm64, per GB-second. */
  lambdaGbSecond: 0.0000133334,
  /** Lambda, per invocation. */
  lambdaRequest: 0.0000002,
  /** Athena, per terabyte scanned. */
  athenaTerabyte: 5,
} as const;

/** How to make a `SyncDashboard`. */
export interface SyncDashboardProps {
  readonly deployment: Deployment;
  readonly sync: SyncFunction;
  readonly backfill: BackfillWorkflow;
  readonly deadLetters: DeadLetters;
  readonly alarms: Alarms;
  readonly namespace: string;
  /** Undefined where the deployment has no catalog. */
  readonly workgroupName: string | undefined;
}

/** The dashboard of a deployment, named after its stack. */
export class SyncDashboard extends Construct {
  readonly #props: SyncDashboardProps;
  readonly #period: Duration;

  constructor(scope: Construct, id: string, props: SyncDashboardProps) {
    super(scope, id);
    this.#props = props;
    this.#period = Duration.minutes(props.deployment.periodMinutes);
    const dashboard = new Dashboard(this, 'Dashboard', { dashboardName: props.deployment.stackName });
    dashboard.addWidgets(...this.#healthy());
    dashboard.addWidgets(...this.#fresh());
    dashboard.addWidgets(...this.#backfills());
    dashboard.addWidgets(...this.#cost());
  }

  #healthy(): IWidget[] {
    const { alarms, sync, deadLetters } = this.#props;
    return [
      heading('Is it healthy?'),
      new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.alarms, width: 8, height: 6 }),
      graph('Runs', [
        functionMetric(sync.function, 'Invocations', Stats.SUM, this.#period),
        functionMetric(sync.function, 'Errors', Stats.SUM, this.#period),
        functionMetric(sync.function, 'Throttles', Stats.SUM, this.#period),
        deadLetters.queue.metricApproximateNumberOfMessagesVisible({ label: 'Dead letters', period: this.#period }),
      ]),
      graph('Trouble with the source, by target', [
        ...this.#perTarget('Throttled', Stats.SUM, 'throttled'),
        ...this.#perTarget('Retries', Stats.SUM, 'retries'),
        ...this.#perTarget('Quarantined', Stats.SUM, 'quarantined'),
        ...this.#perTarget('CommitConflicts', Stats.SUM, 'commit conflicts'),
      ]),
    ];
  }

  #fresh(): IWidget[] {
    return [
      heading('Is it fresh?'),
      graph('Behind the source, seconds', this.#perTarget('WatermarkAge', Stats.MAXIMUM)),
      graph('New observations', this.#perTarget('RowsWritten', Stats.SUM)),
      graph('Executions still open, and expired', [
        ...this.#perTarget('OpenExecutions', Stats.MAXIMUM, 'open'),
        ...this.#perTarget('Expired', Stats.SUM, 'expired'),
      ]),
    ];
  }

  #backfills(): IWidget[] {
    const { backfill, deployment } = this.#props;
    const namespace = backfillNamespaceOf(deployment.stackName);
    const executions = (what: string): Metric =>
      stateMachineMetric(backfill.stateMachineArn, `Executions${what}`, this.#period).with({ label: what });
    return [
      heading('Is a backfill under way?'),
      graph('Backfills', ['Started', 'Succeeded', 'Failed', 'Aborted'].map(executions)),
      graph('Rows read by backfills', this.#perTarget('RowsRead', Stats.SUM, '', namespace)),
      graph('Trouble of backfills with the source, by target', [
        ...this.#perTarget('Throttled', Stats.SUM, 'throttled', namespace),
        ...this.#perTarget('Retries', Stats.SUM, 'retries', namespace),
        ...this.#perTarget('Quarantined', Stats.SUM, 'quarantined', namespace),
      ]),
    ];
  }

  #cost(): IWidget[] {
    return [
      heading('What did it cost?'),
      new SingleValueWidget({ title: 'USD a day, list prices', metrics: this.#dailyCosts(), width: 8, height: 6 }),
      graph('Run time, milliseconds', this.#perTarget('RunTime', Stats.MAXIMUM)),
      graph('Requests to the source', this.#perTarget('Requests', Stats.SUM)),
    ];
  }

  /** What grows with use; what is paid for being there (alarms, metrics, secrets) is in infra/README.md. */
  #dailyCosts(): IMetric[] {
    const { sync, backfill, deployment, workgroupName } = this.#props;
    const gigabytes = deployment.memoryMb / 1024;
    const usage = (metricName: string, prefix: string): Record<string, IMetric> => ({
      [`${prefix}Runs`]: functionMetric(sync.function, metricName, Stats.SUM, day),
      [`${prefix}Backfills`]: functionMetric(backfill.function, metricName, Stats.SUM, day),
    });
    const lambda = new MathExpression({
      label: 'Lambda',
      // Not a plus, which has no value on days without a backfill.
      expression: `SUM([timeRuns, timeBackfills]) / 1000 * ${gigabytes} * ${prices.lambdaGbSecond.toFixed(10)} + SUM([countRuns, countBackfills]) * ${prices.lambdaRequest.toFixed(7)}`,
      usingMetrics: { ...usage('Duration', 'time'), ...usage('Invocations', 'count') },
      period: day,
    });
    if (workgroupName === undefined) {
      return [lambda];
    }
    const scanned = new Metric({
      namespace: 'AWS/Athena',
      metricName: 'ProcessedBytes',
      dimensionsMap: { WorkGroup: workgroupName, QueryType: 'DML', QueryState: 'SUCCEEDED' },
      statistic: Stats.SUM,
      period: day,
    });
    const athena = new MathExpression({
      label: 'Athena',
      expression: `scanned / 1000000000000 * ${prices.athenaTerabyte}`,
      usingMetrics: { scanned },
      period: day,
    });
    return [lambda, athena];
  }

  #perTarget(name: MetricName, statistic: string, what = '', namespace = this.#props.namespace): Metric[] {
    const { deployment } = this.#props;
    return deployment.config.targets.map(({ name: target }) =>
      targetMetric({ namespace, target, name, statistic, period: this.#period }).with({
        label: what === '' ? target : `${target}: ${what}`,
      }),
    );
  }
}

function heading(text: string): TextWidget {
  return new TextWidget({ markdown: `## ${text}`, width: 24, height: 1 });
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, height: 6, leftYAxis: { min: 0, showUnits: false } });
}
