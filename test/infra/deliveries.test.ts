import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { CfnAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { CfnTopic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import { deliveryPlaces, deliveryProblems } from './deliveries.ts';
import { aConfig, aStack, aTarget, aTemplate } from './synthesized.ts';

const config = aConfig({ targets: [aTarget(), aTarget({ name: 'hr', credentials: 'secretsmanager:dataarts/hr' })] });
const full = { alarmEmail: 'dq@example.com' };
const json = JSON.stringify(aTemplate(config, full).toJSON());

/** Returns the problems of the stack's template after a text in it is replaced. */
function problemsAfter(text: string, replacement: string): string[] {
  const changed = json.replaceAll(text, replacement);
  expect(changed).not.toBe(json);
  return deliveryProblems(Template.fromJSON(JSON.parse(changed)));
}

/** Returns the problems of the stack with additional resources. */
function problemsWith(add: (stack: Stack) => void): string[] {
  const stack = aStack(config, full);
  add(stack);
  return deliveryProblems(Template.fromStack(stack));
}

/** Returns the logical id of the only resource of a type. */
function idOf(stack: Stack, type: string): string {
  const found = stack.node.findAll().flatMap((each) => {
    const isOfType = 'cfnResourceType' in each && each.cfnResourceType === type;
    return isOfType && 'logicalId' in each ? [String(stack.resolve(each.logicalId))] : [];
  });
  return found[0] ?? '';
}

describe('every delivery from one resource to another', () => {
  it('is allowed by the policy of the receiver or the role of the sender', () => {
    expect(deliveryProblems(aTemplate(config, full))).toEqual([]);
    expect(deliveryProblems(aTemplate(config, { bucketName: 'my-bucket', catalog: false }))).toEqual([]);
  });

  it('is checked for alarms, schedule, state machine, failed events, logs and data', () => {
    expect(deliveryPlaces(aTemplate(config, full))).toEqual([
      'AWS::CloudWatch::Alarm AlarmActions',
      'AWS::CloudWatch::Alarm OKActions',
      'AWS::Lambda::EventInvokeConfig DestinationConfig.OnFailure.Destination',
      'AWS::Lambda::Function Environment.Variables.DQSYNC_CONFIG',
      'AWS::Lambda::Function LoggingConfig.LogGroup',
      'AWS::Scheduler::Schedule Target.Arn',
      'AWS::Scheduler::Schedule Target.DeadLetterConfig.Arn',
      'AWS::StepFunctions::StateMachine DefinitionString',
    ]);
  });
});

describe('the check of deliveries', () => {
  it.each([
    ['the topic does not allow alarms', '"cloudwatch.amazonaws.com"', '"events.amazonaws.com"', 'sns:Publish'],
    ['the topic allows only other alarms', ':alarm:dqsync-*', ':alarm:other-*', 'sns:Publish'],
    ['the topic allows alarms of any account', '"aws:SourceAccount"', '"aws:PrincipalAccount"', 'sns:Publish'],
    ['nobody may invoke a function', '"lambda:InvokeFunction"', '"lambda:GetFunction"', 'lambda:InvokeFunction'],
    ['nobody may put a dead letter', '"sqs:SendMessage"', '"sqs:ReceiveMessage"', 'sqs:SendMessage'],
    ['no function may write its log', '"logs:PutLogEvents"', '"logs:GetLogEvents"', 'logs:PutLogEvents'],
    ['no function may write data', '"s3:PutObject"', '"s3:PutObjectAcl"', 's3:PutObject'],
    ['no function may tag data', '"s3:PutObjectTagging"', '"s3:PutObjectAcl"', 's3:PutObjectTagging'],
    [
      'the role does not trust Scheduler',
      '"scheduler.amazonaws.com"',
      '"ec2.amazonaws.com"',
      'does not trust scheduler',
    ],
    [
      'the role does not trust Step Functions',
      '"states.amazonaws.com"',
      '"ec2.amazonaws.com"',
      'does not trust states',
    ],
    ['a role trusts a service for anybody', '"aws:SourceArn"', '"aws:UserAgent"', 'without aws:SourceArn'],
    ['a policy denies for another reason', '"aws:SecureTransport"', '"aws:SourceVpc"', 'denies'],
    ['a queue is encrypted by a key', '"SqsManagedSseEnabled":true', '"KmsMasterKeyId":"alias/aws/sqs"', 'by a key'],
  ])('reports that %s', (_, text, replacement, problem) => {
    expect(problemsAfter(text, replacement).join('\n')).toContain(problem);
  });

  it('reports an alarm that sends to a topic without a policy', () => {
    const problems = problemsWith((stack) => {
      const topic = new CfnTopic(stack, 'Other');
      const alarm = {
        evaluationPeriods: 1,
        comparisonOperator: 'LessThanThreshold',
        alarmName: 'dqsync-other',
        metricName: 'm',
      };
      new CfnAlarm(stack, 'Alarm', { ...alarm, alarmActions: [topic.ref] });
    });
    expect(problems).toEqual([expect.stringMatching(/^Alarm to Other: .*sns:Publish/)]);
  });

  it('reports a schedule whose role may only invoke another function', () => {
    const problems = problemsWith((stack) => {
      const code = { handler: 'index.handler', runtime: 'nodejs24.x', code: { zipFile: '' } };
      const fn = new CfnFunction(stack, 'Fn', { ...code, role: 'arn:aws:iam::111122223333:role/r' });
      const role = stack.node.findChild('Schedule').node.findChild('Role').node.defaultChild;
      new CfnSchedule(stack, 'Second', {
        flexibleTimeWindow: { mode: 'OFF' },
        scheduleExpression: 'rate(1 day)',
        target: { arn: fn.attrArn, roleArn: role instanceof Object && 'attrArn' in role ? String(role.attrArn) : '' },
      });
    });
    expect(problems).toEqual([expect.stringMatching(/^Second to Fn: role .* does not allow lambda:InvokeFunction/)]);
  });

  it('reports a sender of an unknown kind', () => {
    const problems = problemsWith((stack) => {
      const targets = [{ id: 'a', arn: stack.resolve({ 'Fn::GetAtt': [idOf(stack, 'AWS::SQS::Queue'), 'Arn'] }) }];
      new CfnRule(stack, 'Rule', { scheduleExpression: 'rate(1 day)', targets });
    });
    expect(problems).toEqual([expect.stringMatching(/^Rule refers to .*"AWS::Events::Rule Targets.Arn".*no table$/)]);
  });
});
