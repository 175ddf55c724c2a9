import { readFileSync } from 'node:fs';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { errorKinds } from '../../functions/errors.ts';
import { metrics } from '../../functions/metrics.ts';
import { alarmKinds } from '../../infra/alarm-kinds.ts';
import { aConfig, aTarget, aTemplate, countOf, expectResource } from './synthesized.ts';

const config = aConfig({ targets: [aTarget(), aTarget({ name: 'hr' })] });
const template = aTemplate(config, { alarmEmail: 'dq@example.com' });
const alarm = z.object({
  Properties: z.looseObject({
    AlarmName: z.string(),
    AlarmDescription: z.string(),
    AlarmActions: z.array(z.unknown()),
    Namespace: z.string().optional(),
    MetricName: z.string().optional(),
  }),
});
const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map(
  (each) => alarm.parse(each).Properties,
);
const runbook = readFileSync(new URL('../../infra/README.md', import.meta.url), 'utf8');

describe('alarms', () => {
  it('are those of the list, for the function or for each target', () => {
    expect(alarms.map(({ AlarmName }) => AlarmName).sort()).toEqual([
      'dqsync-audit-failed',
      'dqsync-backfill-failed',
      'dqsync-dead-letters',
      'dqsync-dead-letters-lost',
      'dqsync-events-dropped',
      'dqsync-near-time-limit',
      'dqsync-not-running',
      'dqsync-results-behind',
      'dqsync-rows-quarantined-hr',
      'dqsync-rows-quarantined-sales',
      'dqsync-run-failed',
      'dqsync-watermark-old-hr',
      'dqsync-watermark-old-sales',
    ]);
  });

  it('include one per target if the quality of the data is to raise alarms', () => {
    const withQuality = aTemplate(config, { qualityAlarm: { newlyFailing: 5 } });
    expect(countOf(withQuality, 'AWS::CloudWatch::Alarm')).toBe(alarms.length + 2);
    expectResource(withQuality, 'AWS::CloudWatch::Alarm', {
      AlarmName: 'dqsync-tasks-failing-hr',
      MetricName: 'NewlyFailing',
      Statistic: 'Sum',
      Threshold: 5,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    });
    expectResource(withQuality, 'AWS::Lambda::Function', {
      Environment: { Variables: { DQSYNC_WATCH_OUTCOMES: '1' } },
    });
  });

  it('include one per target if the pass rate of a day is to raise alarms', () => {
    const withRate = aTemplate(config, { qualityAlarm: { passRatePercent: 90 }, events: true });
    expect(countOf(withRate, 'AWS::CloudWatch::Alarm')).toBe(alarms.length + 2);
    expectResource(withRate, 'AWS::CloudWatch::Alarm', {
      AlarmName: 'dqsync-pass-rate-low-hr',
      Threshold: 90,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'notBreaching',
      Metrics: Match.arrayWith([
        Match.objectLike({ Expression: '100 - 100 * FILL(bad, 0) / SUM([passed, bad])' }),
        Match.objectLike({ MetricStat: Match.objectLike({ Period: 86_400, Stat: 'Sum' }) }),
      ]),
    });
    expectResource(withRate, 'AWS::Lambda::Function', {
      Environment: { Variables: { DQSYNC_WATCH_OUTCOMES: 'pass-rate' } },
    });
  });

  it('include one for a published report that fails twice within an hour', () => {
    const withReport = aTemplate(config, { report: true });
    expect(countOf(withReport, 'AWS::CloudWatch::Alarm')).toBe(alarms.length + 1);
    expectResource(withReport, 'AWS::CloudWatch::Alarm', {
      AlarmName: 'dqsync-report-failed',
      MetricName: 'Errors',
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: Match.stringLikeRegexp('^ReportFunction') } }],
      Statistic: 'Sum',
      Period: 3600,
      Threshold: 2,
      TreatMissingData: 'notBreaching',
    });
  });

  it('describe their meaning, the first thing to check, and their section of the runbook', () => {
    for (const { AlarmName, AlarmDescription } of alarms) {
      const [, anchor = ''] =
        /^[A-Z].+\. (?:Check|If|Look|Read|Run) .+\. infra\/README\.md#([a-z-]+)$/.exec(AlarmDescription) ?? [];
      expect(Object.keys(alarmKinds)).toContain(anchor);
      expect(AlarmName).toMatch(new RegExp(`^dqsync-${anchor}(-sales|-hr)?$`));
    }
  });

  it.each(Object.keys(alarmKinds))('have a section in the runbook: %s', (name) => {
    const [, section = ''] = runbook.split(new RegExp(`^#+ ${name}$`, 'm'));
    for (const part of ['**Description.**', '**Investigate.**', '**Resolve.**']) {
      expect(section.split(/^#+ /m)[0]).toContain(part);
    }
  });

  it.each(Object.keys(errorKinds))('lead to a remedy for each kind of error that a failed run logs: %s', (kind) => {
    const [, section = ''] = /^### run-failed$(.*?)^### /ms.exec(runbook) ?? [];
    expect(section).toContain(`\n- \`${kind}\`: `);
    for (const line of ['target failed', 'nothing was synced']) {
      expect(section).toContain(`\`${line}\``);
    }
  });

  it('reach the topic, and the topic the mailbox', () => {
    const [topic] = Object.keys(template.findResources('AWS::SNS::Topic'));
    expect(alarms.map(({ AlarmActions }) => AlarmActions)).toEqual(alarms.map(() => [{ Ref: topic }]));
    expectResource(template, 'AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'dq@example.com' });
    expect(countOf(aTemplate(), 'AWS::SNS::Subscription')).toBe(0);
  });

  it('use only metrics that exist', () => {
    const own = alarms.flatMap(({ Namespace, MetricName }) => (Namespace === 'dqsync/dqsync' && MetricName) || []);
    expect(own).toHaveLength(6);
    expect(own.filter((name) => !(name in metrics))).toEqual([]);
  });

  it('alarms and charts use every published metric, because each is charged for', () => {
    const everything = aTemplate(config, { events: true });
    const [dashboard] = Object.values(everything.findResources('AWS::CloudWatch::Dashboard'));
    const ofPassRate = aTemplate(config, { qualityAlarm: { passRatePercent: 90 } }).findResources(
      'AWS::CloudWatch::Alarm',
    );
    const shown = JSON.stringify([dashboard, alarms, ofPassRate]);
    expect(Object.keys(metrics).filter((name) => !shown.includes(name))).toEqual([]);
    for (const text of ['passed_percent', 'sum(quality.silent)', 'failing_now']) {
      expect(shown).toContain(text);
    }
  });

  it('report a failed backfill', () => {
    expectResource(template, 'AWS::CloudWatch::Alarm', {
      AlarmName: 'dqsync-backfill-failed',
      Namespace: 'AWS/States',
      MetricName: 'ExecutionsFailed',
      Dimensions: [{ Name: 'StateMachineArn', Value: { Ref: Match.stringLikeRegexp('^BackfillStateMachine') } }],
      Statistic: 'Sum',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
    });
  });

  it('find the table too old after three periods of the schedule and the settle time', () => {
    const config = aConfig({ maxRunSeconds: 600, settleSeconds: 7200 });
    const quarterly = aTemplate(config, { schedule: { expression: 'rate(15 minutes)' } });
    expectResource(quarterly, 'AWS::CloudWatch::Alarm', {
      AlarmName: 'dqsync-watermark-old-sales',
      Namespace: 'dqsync/dqsync',
      MetricName: 'WatermarkAge',
      Dimensions: [{ Name: 'target', Value: 'sales' }],
      Statistic: 'Maximum',
      Period: 900,
      Threshold: 9900,
      ComparisonOperator: 'GreaterThanThreshold',
    });
    expectResource(quarterly, 'AWS::CloudWatch::Alarm', {
      AlarmName: 'dqsync-not-running',
      EvaluationPeriods: 3,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
      Metrics: Match.arrayWith([
        Match.objectLike({ Expression: 'FILL(started, 0)' }),
        Match.objectLike({
          MetricStat: Match.objectLike({
            Metric: Match.objectLike({ Namespace: 'AWS/Lambda', MetricName: 'Invocations' }),
            Period: 900,
            Stat: 'Sum',
          }),
        }),
      ]),
    });
    expectResource(quarterly, 'AWS::CloudWatch::Alarm', {
      AlarmName: 'dqsync-near-time-limit',
      MetricName: 'Duration',
      Threshold: 630_000,
    });
  });
});

it.each([
  ['rate(1 minute)', 'bin(1m)'],
  ['rate(1 hour)', 'bin(60m)'],
  ['rate(90 minutes)', 'bin(2h)'],
  ['rate(1 day)', 'bin(24h)'],
])('the dashboard groups the log of %s within the limits of CloudWatch: %s', (expression, bin) => {
  const periodic = aTemplate(aConfig({ maxRunSeconds: 60 }), { schedule: { expression } });
  const body = JSON.stringify(periodic.findResources('AWS::CloudWatch::Dashboard'));
  expect(new Set(body.match(/bin\([^)]*\)/g))).toEqual(new Set([bin]));
});

it('the dashboard answers whether it is healthy, whether it is fresh, and what it cost', () => {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = JSON.stringify(dashboard?.['Properties'].DashboardBody);
  for (const text of [
    'Is it healthy?',
    'Is it fresh?',
    'Is it true?',
    'days_compared',
    'Is a backfill running?',
    'What did it cost?',
    'WatermarkAge',
    'ProcessedBytes',
    'hr',
  ]) {
    expect(body).toContain(text);
  }
  expectResource(template, 'AWS::CloudWatch::Dashboard', { DashboardName: Match.exact('dqsync') });
});
