/**
 * One look: is it healthy, is it fresh, is it true, what did it cost. What no alarm needs is read from the summaries in
 * the log, because each metric of our own is charged for.
 */
import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  Metric,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { MetricName } from '../functions/metrics.ts';
import type { Alarms, AlarmsProps } from './alarms.ts';
import { reportMemoryMb } from './report-function.ts';
import type { RunFunction } from './run-function.ts';
import { stateMachineMetric, targetMetric } from './run-metrics.ts';
import { watchesOutcomes } from './sync-function.ts';

/** List prices of what grows with use, in USD, us-east-1, without free tiers. */
export const usagePrices = {
  /** Lambda on arm64. */
  lambdaGbSecond: 0.0000133334,
  lambdaRequest: 0.2e-6,
  /** Athena, per TB scanned; 10 MB at least for each query. */
  athenaTerabyte: 5,
} as const;

const day = Duration.days(1);
/** Three widgets fill a row. */
const size = { width: 8, height: 6 } as const;

/** Properties of `SyncDashboard`. */
interface SyncDashboardProps extends AlarmsProps {
  readonly alarms: Alarms;
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
    dashboard.addWidgets(...this.#true());
    if (watchesOutcomes(props.deployment)) {
      dashboard.addWidgets(...this.#quality());
    }
    dashboard.addWidgets(...this.#backfills());
    dashboard.addWidgets(...this.#cost());
  }

  #healthy(): IWidget[] {
    const { alarms, sync, deadLetters } = this.#props;
    return [
      heading('Is it healthy?'),
      new AlarmStatusWidget({ title: 'Alarms', alarms: alarms.alarms, ...size }),
      graph('Runs', [
        ...['Invocations', 'Errors', 'Throttles'].map((name) =>
          sync.function.metric(name, { statistic: Stats.SUM, period: this.#period }),
        ),
        deadLetters.queue.metricApproximateNumberOfMessagesVisible({ label: 'Dead letters', period: this.#period }),
      ]),
      trouble(sync),
    ];
  }

  #fresh(): IWidget[] {
    const { sync } = this.#props;
    return [
      heading('Is it fresh?'),
      graph('Behind the source, seconds', this.#perTarget('WatermarkAge', Stats.MAXIMUM)),
      this.#logGraph('Rows written', sync, ['sum(summary.rowsWritten) as rows_written']),
      this.#logGraph('Executions still open, expired, and waiting for rule results', sync, [
        'max(summary.openExecutions) as still_open',
        'sum(summary.expired) as expired',
        'max(resultsBacklog) as without_results',
      ]),
    ];
  }

  #true(): IWidget[] {
    const { sync } = this.#props;
    return [
      heading('Is it true?'),
      graph('Rows that the audit found late', this.#perTarget('LateRows', Stats.SUM, day)),
      logTable('Last audit, by target', sync, 16, [
        'filter message = "audit ended"',
        'stats latest(@timestamp) as last_audit, latest(days) as days_compared, latest(lateRows) as late_rows, latest(repaired) as days_repaired, latest(failed) as days_failed by target',
      ]),
    ];
  }

  /** Each execution counts once, in the run that saw it end. */
  #quality(): IWidget[] {
    const { sync } = this.#props;
    const ended = 'sum(quality.passed) + sum(quality.alarms) + sum(quality.failed)';
    return [
      heading('Is the data good?'),
      this.#logGraph(
        'Passed, percent',
        sync,
        [`100 * sum(quality.passed) / (${ended}) as passed_percent`],
        'quality.passed',
      ),
      graph('Tasks that began to fail', this.#perTarget('NewlyFailing', Stats.SUM)),
      this.#logGraph(
        'Alarms, and alarms without a notification',
        sync,
        ['sum(quality.alarms) as alarms', 'sum(quality.silent) as silent'],
        'quality.passed',
      ),
      logTable('By target', sync, 24, [
        'filter ispresent(quality.passed)',
        'stats latest(quality.failingNow) as failing_now, sum(quality.recovered) as recovered, sum(quality.alarms) as alarms, sum(quality.silent) as silent_alarms, sum(quality.failed) as failed, sum(quality.passed) as passed by summary.target',
      ]),
    ];
  }

  #backfills(): IWidget[] {
    const { backfill } = this.#props;
    const executions = (what: string): Metric =>
      stateMachineMetric(backfill.stateMachineArn, `Executions${what}`, this.#period).with({ label: what });
    return [
      heading('Is a backfill running?'),
      graph('Backfills', ['Started', 'Succeeded', 'Failed', 'Aborted'].map(executions)),
      this.#logGraph('Rows read by backfills', backfill, ['sum(summary.rowsRead) as rows_read']),
      trouble(backfill),
    ];
  }

  #cost(): IWidget[] {
    const { sync } = this.#props;
    return [
      heading('What did it cost?'),
      new SingleValueWidget({ title: 'USD a day, list prices', metrics: this.#dailyCosts(), ...size }),
      this.#logGraph('Time of a target, milliseconds', sync, ['max(tookMs) as longest']),
      this.#logGraph('Requests to the source', sync, ['sum(summary.requests) as requests']),
    ];
  }

  /** Returns the costs that grow with use. Fixed costs (alarms, metrics, secrets) are in infra/README.md. */
  #dailyCosts(): IMetric[] {
    const { sync, backfill, report, deployment } = this.#props;
    // By name of the function: what runs in it, and its memory.
    const functions = [
      { name: 'Runs', function: sync.function, memoryMb: deployment.memoryMb },
      { name: 'Backfills', function: backfill.function, memoryMb: deployment.memoryMb },
      ...(report === undefined ? [] : [{ name: 'Reports', function: report, memoryMb: reportMemoryMb }]),
    ];
    const usage = (metricName: string, prefix: string): Record<string, IMetric> =>
      Object.fromEntries(
        functions.map((each) => [
          `${prefix}${each.name}`,
          each.function.metric(metricName, { statistic: Stats.SUM, period: day }),
        ]),
      );
    const times = functions.map(({ name, memoryMb }) => `time${name} * ${memoryMb / 1024}`);
    const counts = functions.map(({ name }) => `count${name}`);
    const lambda = new MathExpression({
      label: 'Lambda',
      // Not a plus, which has no value on days without a backfill.
      expression: `SUM([${times.join(', ')}]) / 1000 * ${usagePrices.lambdaGbSecond.toFixed(10)} + SUM([${counts.join(', ')}]) * ${usagePrices.lambdaRequest.toFixed(7)}`,
      usingMetrics: { ...usage('Duration', 'time'), ...usage('Invocations', 'count') },
      period: day,
    });
    if (!deployment.catalog) {
      return [lambda];
    }
    const scanned = new Metric({
      namespace: 'AWS/Athena',
      metricName: 'ProcessedBytes',
      dimensionsMap: { WorkGroup: deployment.stackName, QueryType: 'DML', QueryState: 'SUCCEEDED' },
      statistic: Stats.SUM,
      period: day,
    });
    const athena = new MathExpression({
      label: 'Athena',
      expression: `scanned / 1000000000000 * ${usagePrices.athenaTerabyte}`,
      usingMetrics: { scanned },
      period: day,
    });
    return [lambda, athena];
  }

  #perTarget(name: MetricName, statistic: string, period = this.#period): Metric[] {
    const { deployment, namespace } = this.#props;
    return deployment.config.targets.map(({ name: target }) =>
      targetMetric(namespace, target, name, statistic, period).with({ label: target }),
    );
  }

  /** All targets together, because a line chart of Logs Insights has one line per statistic. */
  #logGraph(
    title: string,
    { function: { logGroup } }: Pick<RunFunction, 'function'>,
    statistics: readonly string[],
    present = 'summary.target',
  ): LogQueryWidget {
    return new LogQueryWidget({
      title,
      logGroupNames: [logGroup.logGroupName],
      view: LogQueryVisualizationType.LINE,
      queryLines: [
        `filter ispresent(${present})`,
        `stats ${statistics.join(', ')} by bin(${binOf(this.#period.toMinutes())})`,
      ],
      ...size,
    });
  }
}

/** Returns a period as Logs Insights takes it: it reads no more than 60 minutes, and no more than 24 hours. */
function binOf(minutes: number): string {
  return minutes <= 60 ? `${minutes}m` : `${Math.ceil(minutes / 60)}h`;
}

function heading(text: string): TextWidget {
  return new TextWidget({ markdown: `## ${text}`, width: 24, height: 1 });
}

function trouble(runs: Pick<RunFunction, 'function'>): LogQueryWidget {
  return logTable('Trouble with the source, by target', runs, size.width, [
    'filter ispresent(summary.target)',
    'stats sum(summary.throttled) as throttled, sum(summary.retries) as sent_again, sum(summary.quarantined) as quarantined, sum(commitConflicts) as commit_conflicts by summary.target',
  ]);
}

function logTable(
  title: string,
  { function: { logGroup } }: Pick<RunFunction, 'function'>,
  width: number,
  queryLines: string[],
): LogQueryWidget {
  return new LogQueryWidget({
    title,
    logGroupNames: [logGroup.logGroupName],
    view: LogQueryVisualizationType.TABLE,
    queryLines,
    ...size,
    width,
  });
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, ...size, leftYAxis: { min: 0, showUnits: false } });
}
