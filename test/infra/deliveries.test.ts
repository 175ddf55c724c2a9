/**
 * Every delivery from one resource to another is allowed by the receiver's policy or the sender's role. No emulator
 * enforces policies, so a missing permission would show only on real AWS.
 */
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { aConfig, aTarget, aTemplate } from './synthesized.ts';

/** Deliveries by a role: type of the sender, paths of the receiver and of the role, service, permissions. */
const byRole = [
  ['AWS::Scheduler::Schedule', 'Target.Arn', 'Target.RoleArn', 'scheduler', ['lambda:InvokeFunction']],
  ['AWS::Scheduler::Schedule', 'Target.DeadLetterConfig.Arn', 'Target.RoleArn', 'scheduler', ['sqs:SendMessage']],
  ['AWS::StepFunctions::StateMachine', 'DefinitionString', 'RoleArn', 'states', ['lambda:InvokeFunction']],
  [
    'AWS::Lambda::EventInvokeConfig',
    ...(['DestinationConfig.OnFailure.Destination', 'FunctionName', 'lambda', ['sqs:SendMessage']] as const),
  ],
  [
    'AWS::Lambda::Function',
    ...(['LoggingConfig.LogGroup', 'Role', 'lambda', ['logs:CreateLogStream', 'logs:PutLogEvents']] as const),
  ],
  [
    'AWS::Lambda::Function',
    ...(['Environment.Variables.DQSYNC_CONFIG', 'Role', 'lambda'] as const),
    ['s3:GetObject', 's3:PutObject', 's3:PutObjectTagging', 's3:ListBucket'],
  ],
] as const;

/** Conditions under which a policy may deny, because every sender of the stack fulfills their requirements. */
const harmlessDenials = ['aws:SecureTransport', 's3:TlsVersion', 's3:if-none-match', 's3:ObjectCreationOperation'];

const texts = z.union([z.array(z.string()), z.string().transform((one) => [one])]);
const statementSchema = z.object({
  Effect: z.string(),
  Action: texts,
  Resource: z.unknown().optional(),
  Principal: z.unknown().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
type Statement = z.output<typeof statementSchema>;
const resourceSchema = z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) });

/** Returns the logical ids that a value refers to. */
function idsIn(value: unknown): string[] {
  return [...JSON.stringify(value ?? null).matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g)].map(([, id = '']) => id);
}

function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner, key) => z.looseObject({}).safeParse(inner).data?.[key], value);
}

const statementsIn = (document: unknown): Statement[] => z.array(statementSchema).parse(at(document, 'Statement'));
const conditionKeys = ({ Condition }: Statement): string[] => Object.values(Condition).flatMap(Object.keys);

/** Returns a sentence for each delivery that is not permitted, and how many there are of each kind. */
function examined(template: Template) {
  const resources = z.record(z.string(), resourceSchema).parse(template.toJSON()['Resources']);
  const all = Object.entries(resources);
  const statementsOfRole = (role: string): Statement[] =>
    all
      .flatMap(([id, { Type, Properties }]) => [
        ...(id === role ? z.array(z.looseObject({})).default([]).parse(Properties['Policies']) : []),
        ...(Type === 'AWS::IAM::Policy' && idsIn(Properties['Roles']).includes(role) ? [Properties] : []),
      ])
      .flatMap(({ PolicyDocument }) => statementsIn(PolicyDocument));
  const policyOf = (receiver: string): Statement[] =>
    all.flatMap(
      ([
        ,
        {
          Type,
          Properties: { Topics, Queues, Bucket, PolicyDocument },
        },
      ]) =>
        /::(Topic|Queue|Bucket)Policy$/.test(Type) && idsIn([Topics, Queues, Bucket]).includes(receiver)
          ? statementsIn(PolicyDocument)
          : [],
    );

  const lacks = (role: string, receiver: string, actions: readonly string[]): string[] => {
    const allowed = statementsOfRole(role)
      .filter(({ Effect, Resource }) => Effect === 'Allow' && idsIn(Resource).includes(receiver))
      .flatMap(({ Action }) => Action);
    return actions.filter((action) => !allowed.includes(action)).map((action) => `${role} lacks ${action}`);
  };
  const distrust = (role: string, service: string): string[] => {
    const trusting = statementsIn(resources[role]?.Properties['AssumeRolePolicyDocument']).filter(
      ({ Principal }) => at(Principal, 'Service') === `${service}.amazonaws.com`,
    );
    // Scheduler and Step Functions act for every account.
    const limits = service === 'lambda' ? [] : ['aws:SourceAccount', 'aws:SourceArn'];
    const missing = limits.filter((key) => !trusting.flatMap(conditionKeys).includes(key));
    return trusting.length === 0 ? [`${role} does not trust ${service}`] : missing.map((key) => `${role} lacks ${key}`);
  };
  const ofRoles = byRole.map(([type, to, roleAt, service, actions]) =>
    all
      .filter(([, { Type }]) => Type === type)
      .flatMap(([, { Properties }]) => {
        const [owner = ''] = idsIn(at(Properties, roleAt));
        const [role = ''] = roleAt === 'FunctionName' ? idsIn(resources[owner]?.Properties['Role']) : [owner];
        return idsIn(at(Properties, to))
          .slice(0, 1)
          .map((receiver) => [...lacks(role, receiver, actions), ...distrust(role, service), ...obstacles(receiver)]);
      }),
  );
  const ofAlarms = all.flatMap(([sender, { Type, Properties }]) => {
    const topics =
      Type === 'AWS::CloudWatch::Alarm' ? idsIn([Properties['AlarmActions'], Properties['OKActions']]) : [];
    return topics.map((topic) => [
      ...(policyOf(topic).some((statement) => admits(statement, String(Properties['AlarmName']), topic))
        ? []
        : [`${topic} does not allow sns:Publish to ${sender}`]),
      ...obstacles(topic),
    ]);
  });

  /** Returns what prevents a delivery that is allowed. */
  function obstacles(receiver: string): string[] {
    const denials = policyOf(receiver).filter((statement) => {
      const keys = conditionKeys(statement);
      return statement.Effect === 'Deny' && !(keys.length > 0 && keys.every((key) => harmlessDenials.includes(key)));
    });
    return [
      ...denials.map(({ Action }) => `${receiver} denies ${Action.join(', ')}`),
      ...('KmsMasterKeyId' in (resources[receiver]?.Properties ?? {}) ? [`${receiver} is encrypted by a key`] : []),
    ];
  }
  return {
    problems: [...ofRoles.flat(2), ...ofAlarms.flat()],
    counts: [...ofRoles, ofAlarms].map((each) => each.length),
  };
}

/** Whether a statement lets CloudWatch publish for an alarm of this account with that name. */
function admits({ Effect, Action, Principal, Resource, Condition }: Statement, alarm: string, topic: string): boolean {
  const [, names = ''] = /:alarm:([^"]*)"/.exec(JSON.stringify(Condition['ArnLike']?.['aws:SourceArn'] ?? null)) ?? [];
  return (
    Effect === 'Allow' &&
    Action.includes('sns:Publish') &&
    at(Principal, 'Service') === 'cloudwatch.amazonaws.com' &&
    Condition['StringEquals']?.['aws:SourceAccount'] !== undefined &&
    new RegExp(`^${names.replaceAll('*', '.*')}$`).test(alarm) &&
    idsIn(Resource).includes(topic)
  );
}

const config = aConfig({ targets: [aTarget(), aTarget({ name: 'hr', credentials: 'secretsmanager:dataarts/hr' })] });
const template = aTemplate(config, { alarmEmail: 'dq@example.com' });

describe('every delivery from one resource to another', () => {
  it('is allowed by the policy of the receiver or the role of the sender', () => {
    const { problems, counts } = examined(template);
    expect(problems).toEqual([]);
    expect(Math.min(...counts)).toBeGreaterThan(0);
    expect(examined(aTemplate(config, { bucketName: 'my-bucket', catalog: false })).problems).toEqual([]);
  });

  it.each([
    ['the topic has no policy', '"AWS::SNS::TopicPolicy"', '"AWS::SQS::OtherPolicy"', 'sns:Publish'],
    ['the topic does not allow alarms', '"cloudwatch.amazonaws.com"', '"events.amazonaws.com"', 'sns:Publish'],
    ['the topic allows only other alarms', ':alarm:dqsync-*', ':alarm:other-*', 'sns:Publish'],
    ['the topic allows alarms of any account', '"aws:SourceAccount"', '"aws:PrincipalAccount"', 'sns:Publish'],
    ['nobody may invoke a function', '"lambda:InvokeFunction"', '"lambda:GetFunction"', 'lambda:InvokeFunction'],
    ['nobody may put a dead letter', '"sqs:SendMessage"', '"sqs:ReceiveMessage"', 'sqs:SendMessage'],
    ['no function may write its log', '"logs:PutLogEvents"', '"logs:GetLogEvents"', 'logs:PutLogEvents'],
    ['no function may write data', '"s3:PutObject"', '"s3:PutObjectAcl"', 's3:PutObject'],
    ['no function may tag data', '"s3:PutObjectTagging"', '"s3:PutObjectAcl"', 's3:PutObjectTagging'],
    ['a role does not trust Scheduler', '"scheduler.amazonaws.com"', '"ec2.amazonaws.com"', 'trust scheduler'],
    ['a role does not trust Step Functions', '"states.amazonaws.com"', '"ec2.amazonaws.com"', 'trust states'],
    ['a role trusts a service for anybody', '"aws:SourceArn"', '"aws:UserAgent"', 'lacks aws:SourceArn'],
    ['a policy denies for another reason', '"aws:SecureTransport"', '"aws:SourceVpc"', 'denies'],
    ['a queue is encrypted by a key', '"SqsManagedSseEnabled":true', '"KmsMasterKeyId":"alias/aws/sqs"', 'by a key'],
  ])('is checked: %s', (_, text, replacement, problem) => {
    const json = JSON.stringify(template.toJSON());
    const changed = json.replaceAll(text, replacement);
    expect(changed).not.toBe(json);
    expect(examined(Template.fromJSON(JSON.parse(changed))).problems.join('\n')).toContain(problem);
  });
});
