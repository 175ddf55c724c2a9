import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { deliveryPlaces, deliveryProblems } from './deliveries.ts';
import { aConfig, aTarget, aTemplate } from './synthesized.ts';

const config = aConfig({ targets: [aTarget(), aTarget({ name: 'hr', credentials: 'secretsmanager:dataarts/hr' })] });
const full = { alarmEmail: 'dq@example.com' };
const json = JSON.stringify(aTemplate(config, full).toJSON());

/** Returns the problems of the stack's template after a text in it is replaced. */
function problemsAfter(text: string, replacement: string): string[] {
  const changed = json.replaceAll(text, replacement);
  expect(changed).not.toBe(json);
  return deliveryProblems(Template.fromJSON(JSON.parse(changed)));
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
    ['the topic has no policy', '"AWS::SNS::TopicPolicy"', '"AWS::SQS::OtherPolicy"', 'sns:Publish'],
    ['a sender is of an unknown kind', '"AWS::SNS::Subscription"', '"AWS::Events::Rule"', 'which is in no table'],
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
});
