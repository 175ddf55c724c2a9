import { Validations } from 'aws-cdk-lib';
import type { Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { aConfig, aStack, aTarget, aTemplate, expectResource } from './synthesized.ts';

const texts = z.union([z.string().transform((text) => [text]), z.array(z.string())]);
const resources = z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]);
const statement = z.object({ Action: texts, Resource: resources });
const document = z.object({ Statement: z.array(statement) });
const role = z.object({ Policies: z.array(z.object({ PolicyDocument: document })).default([]) });

/**
 * Returns the permissions of the roles of a part of the stack (default: of all): resources, as JSON text, by action.
 */
function permissions(template: Template, part = ''): Map<string, string[]> {
  const ofPart = (type: string) =>
    Object.entries(template.findResources(type)).flatMap(([id, each]) => (id.startsWith(part) ? [each] : []));
  const documents = [
    ...ofPart('AWS::IAM::Policy').map((each) => document.parse(each['Properties'].PolicyDocument)),
    ...ofPart('AWS::IAM::Role').flatMap((each) =>
      role.parse(each['Properties']).Policies.map(({ PolicyDocument }) => PolicyDocument),
    ),
  ];
  const found = new Map<string, string[]>();
  for (const { Action, Resource } of documents.flatMap(({ Statement }) => Statement)) {
    for (const action of Action) {
      found.set(action, [...(found.get(action) ?? []), ...Resource.map((resource) => JSON.stringify(resource))]);
    }
  }
  return found;
}

/** Returns an ARN in the stack's region and account. */
function arnOf(service: string, rest: string) {
  const region = [{ Ref: 'AWS::Region' }, ':', { Ref: 'AWS::AccountId' }];
  return { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:${service}:`, ...region, rest]] };
}

describe('least privilege', () => {
  const granted = permissions(aTemplate());

  it('grants no more permissions than needed', () => {
    expect([...granted.keys()].sort()).toEqual([
      'lambda:InvokeFunction',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      's3:PutObjectTagging',
      'secretsmanager:GetSecretValue',
      'sqs:SendMessage',
    ]);
    for (const each of Object.values(aTemplate().findResources('AWS::IAM::Role'))) {
      expect(each['Properties']).not.toHaveProperty('ManagedPolicyArns');
    }
  });

  it('lets only the scheduled function put events, under the name of its stack', () => {
    const template = aTemplate(aConfig(), { stackName: 'prod', events: true });
    expect(permissions(template, 'SyncRole').get('events:PutEvents')).toEqual([
      JSON.stringify(arnOf('events', ':event-bus/default')),
    ]);
    expect(permissions(template, 'BackfillRunRole').has('events:PutEvents')).toBe(false);
    expect(JSON.stringify(template)).toContain('"Condition":{"StringEquals":{"events:source":"dqsync.prod"}}');
    expectResource(template, 'AWS::Lambda::Function', {
      Environment: { Variables: { DQSYNC_EVENT_SOURCE: 'dqsync.prod' } },
    });
  });

  it.each(['SyncRole', 'BackfillRunRole'])(
    'limits the function to its own prefixes of the bucket, without deletion: %s',
    (part) => {
      const config = aConfig({ warehouse: 's3://my-bucket/dq' });
      const prefixed = permissions(aTemplate(config, { bucketName: 'my-bucket' }), part);
      const arn = (rest: string) =>
        JSON.stringify({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:s3:::my-bucket${rest}`]] });
      const data = ['quality_instance_observations', 'quality_task_observations', 'quality_rule_results'];
      const objects = [...data, 'quarantine', 'state'].map((prefix) => arn(`/dq/${prefix}/*`));
      expect(prefixed.get('s3:GetObject')).toEqual(objects);
      expect(prefixed.get('s3:PutObject')).toEqual(objects);
      expect(prefixed.get('s3:PutObjectTagging')).toEqual(data.map((prefix) => arn(`/dq/${prefix}/*`)));
      expect(prefixed.get('s3:ListBucket')).toEqual([arn('')]);
      expect([...granted.keys()].filter((action) => /delete|\*/i.test(action))).toEqual([]);
    },
  );

  it('lets the function of the report read data and state, and write only its page', () => {
    const bucketKey = 'arn:aws:kms:eu-central-1:111122223333:key/aaaaaaaa-1111-2222-3333-444455556666';
    const config = aConfig({ warehouse: 's3://my-bucket/dq' });
    const template = aTemplate(config, { bucketName: 'my-bucket', report: true, bucketKey, existingKeys: [bucketKey] });
    const arn = (rest: string) =>
      JSON.stringify({ 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:s3:::my-bucket${rest}`]] });
    const data = ['quality_instance_observations', 'quality_task_observations', 'quality_rule_results'];
    const ofReport = permissions(template, 'ReportRole');
    expect(Object.fromEntries(ofReport)).toEqual({
      'logs:CreateLogStream': [expect.stringContaining('ReportLogs')],
      'logs:PutLogEvents': [expect.stringContaining('ReportLogs')],
      's3:GetObject': [...data, 'state'].map((prefix) => arn(`/dq/${prefix}/*`)),
      's3:PutObject': [arn('/dq/report/index.html')],
      's3:ListBucket': [arn('')],
      'kms:Decrypt': [JSON.stringify(bucketKey)],
      'kms:GenerateDataKey': [JSON.stringify(bucketKey)],
    });
    expect(permissions(template, 'ScheduleRole').get('lambda:InvokeFunction')).toHaveLength(2);
  });

  it('lets the function read only its secrets, whether created, named or given by ARN', () => {
    const arn = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:c-AbCdEf';
    const targets = ['a', 'b', arn].map((name, index) =>
      aTarget({ name: `t${index}`, credentials: `secretsmanager:${name}` }),
    );
    const template = aTemplate(aConfig({ targets }), { existingSecrets: ['b'] });
    for (const part of ['SyncRole', 'BackfillRunRole']) {
      expect(permissions(template, part).get('secretsmanager:GetSecretValue')).toEqual([
        expect.stringMatching(/^\{"Ref":"Secretsa/),
        expect.stringMatching(/:secretsmanager:.*:secret:b-\?{6}"/),
        JSON.stringify(arn),
        JSON.stringify(`${arn}-??????`),
      ]);
    }
  });

  it('lets the functions decrypt with the keys of the secrets, and encrypt only with the key of the bucket', () => {
    const [a, b] = ['a', 'b'].map(
      (id) => `arn:aws:kms:eu-central-1:111122223333:key/${id.repeat(8)}-1111-2222-3333-444455556666`,
    );
    for (const bucket of [{}, { bucketName: 'my-bucket' }]) {
      const withKeys = aTemplate(aConfig(), { ...bucket, existingKeys: [a], bucketKey: b });
      for (const part of ['SyncRole', 'BackfillRunRole']) {
        const keys = permissions(withKeys, part);
        expect(keys.get('kms:Decrypt')).toEqual([JSON.stringify(a), JSON.stringify(b)]);
        expect(keys.get('kms:GenerateDataKey')).toEqual([JSON.stringify(b)]);
      }
    }
    expect(permissions(aTemplate(aConfig(), { existingKeys: [a] })).has('kms:GenerateDataKey')).toBe(false);
  });

  it('lets the keys be used only by Secrets Manager and S3 for the functions', () => {
    const key = (id: string) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`;
    const template = aTemplate(aConfig(), { existingKeys: [key('a')], bucketKey: key('b') });
    const statements = Object.values(template.findResources('AWS::IAM::Policy'))
      .flatMap((each) => each['Properties'].PolicyDocument.Statement)
      .filter(({ Action }) => JSON.stringify(Action).includes('kms:'));
    expect(statements.length).toBeGreaterThan(1);
    for (const { Resource, Condition } of statements) {
      const service = Resource === key('a') ? 'secretsmanager' : 's3';
      expect(Condition).toEqual({ StringLike: { 'kms:ViaService': `${service}.*` } });
    }
  });

  it('lets the schedule invoke only this function, and only for this account', () => {
    expect(permissions(aTemplate(), 'ScheduleRole').get('lambda:InvokeFunction')).toEqual([
      JSON.stringify({ 'Fn::GetAtt': ['SyncFunction878007FF', 'Arn'] }),
    ]);
    expectResource(aTemplate(), 'AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Principal: { Service: 'scheduler.amazonaws.com' },
            Condition: {
              StringEquals: {
                'aws:SourceAccount': { Ref: 'AWS::AccountId' },
                'aws:SourceArn': arnOf('scheduler', ':schedule-group/default'),
              },
            },
          },
        ],
      },
    });
  });
});

describe('the policy for analysts', () => {
  const bucketKey = 'arn:aws:kms:eu-central-1:111122223333:key/aaaaaaaa-1111-2222-3333-444455556666';
  const template = aTemplate(aConfig(), { analystPolicy: true, bucketKey });
  const [policy] = Object.values(template.findResources('AWS::IAM::ManagedPolicy'));
  const statements = document.parse(policy?.['Properties'].PolicyDocument).Statement;
  const resourcesOf = (action: string) =>
    statements
      .flatMap(({ Action, Resource }) => (Action.includes(action) ? Resource : []))
      .map((each) => JSON.stringify(each));

  it('exists only if configured', () => {
    expect(aTemplate().findResources('AWS::IAM::ManagedPolicy')).toEqual({});
    expect(Object.keys(template.findOutputs('AnalystPolicyArn'))).toHaveLength(1);
  });

  it('lets results be stored in the bucket of the stack beside an existing one, and data be read there', () => {
    const beside = aTemplate(aConfig(), { analystPolicy: true, bucketName: 'my-bucket' });
    const [own] = Object.values(beside.findResources('AWS::IAM::ManagedPolicy'));
    const found = document.parse(own?.['Properties'].PolicyDocument).Statement;
    const placesOf = (action: string) =>
      found
        .filter(({ Action }) => Action.includes(action))
        .flatMap(({ Resource }) => Resource.map((each) => JSON.stringify(each)));
    expect(placesOf('s3:PutObject')).toEqual([expect.stringMatching(/WarehouseResults.*athena-results/)]);
    expect(placesOf('s3:ListBucket')).toEqual([
      expect.stringContaining(':s3:::my-bucket'),
      expect.stringContaining('WarehouseResults'),
    ]);
    expect(placesOf('s3:ListBucketMultipartUploads')).toEqual(placesOf('s3:ListBucket'));
    expect(placesOf('s3:GetObject').filter((each) => each.includes(':s3:::my-bucket/'))).toHaveLength(3);
  });

  it('allows reading data and catalog, storing results and querying in this workgroup, but no changes', () => {
    expect(resourcesOf('s3:PutObject')).toEqual([expect.stringContaining('/athena-results/*')]);
    expect(resourcesOf('s3:GetObject')).toEqual([
      expect.stringContaining('/quality_instance_observations/*'),
      expect.stringContaining('/quality_task_observations/*'),
      expect.stringContaining('/quality_rule_results/*'),
      expect.stringContaining('/athena-results/*'),
    ]);
    expect(resourcesOf('athena:StartQueryExecution')).toEqual([JSON.stringify(arnOf('athena', ':workgroup/dqsync'))]);
    expect(resourcesOf('glue:GetTable')).toHaveLength(4);
    expect(resourcesOf('glue:GetDatabases')).toEqual(resourcesOf('glue:GetDatabase'));
    expect(resourcesOf('glue:GetDatabase')).toContain(JSON.stringify(arnOf('glue', ':database/default')));
    expect(resourcesOf('athena:ListWorkGroups')).toEqual(['"*"']);
    expect(resourcesOf('athena:ListTableMetadata')).toEqual([
      JSON.stringify(arnOf('athena', ':datacatalog/AwsDataCatalog')),
    ]);
    expect(resourcesOf('kms:Decrypt')).toEqual([JSON.stringify(bucketKey)]);
    const changing = statements.flatMap(({ Action }) => Action).filter((each) => /Delete|Create|Update|\*/.test(each));
    expect(changing).toEqual([]);
  });
});

describe("the backfill's state machine", () => {
  it("may only invoke the backfill's function, and only as this machine of this account", () => {
    const template = aTemplate();
    expect([...permissions(template, 'BackfillRole')]).toEqual([
      ['lambda:InvokeFunction', [JSON.stringify({ 'Fn::GetAtt': ['BackfillRunFunctionEFCD8C31', 'Arn'] })]],
    ]);
    expectResource(template, 'AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Principal: { Service: 'states.amazonaws.com' },
            Condition: {
              StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
              ArnEquals: { 'aws:SourceArn': arnOf('states', ':stateMachine:dqsync-backfill') },
            },
          },
        ],
      },
    });
  });
});

describe('cdk-nag, AwsSolutions', () => {
  it.each([
    ['a new bucket', aConfig(), { alarmEmail: 'dq@example.com', report: true }],
    [
      'an existing bucket and secret',
      aConfig({ warehouse: 's3://my-bucket/dq' }),
      {
        bucketName: 'my-bucket',
        existingSecrets: ['dataarts/sales'],
        existingKeys: ['arn:aws:kms:eu-central-1:111122223333:key/a'],
        analystPolicy: true,
        report: true,
      },
    ],
    ['subnets', aConfig(), { network: { subnetIds: ['subnet-0a000000'], securityGroupIds: ['sg-0a000000'] } }],
    ['a new bucket and analysts', aConfig({ warehouse: 's3://my-bucket/dq' }), { analystPolicy: true }],
  ])('finds nothing with %s', (_, config, deployment) => {
    const { root } = aStack(config, deployment).node;
    const report = new AwsSolutionsChecks(root).validateScope(root);
    expect(report.violations.map(({ ruleName }) => ruleName)).toEqual([]);
    expect(report.success).toBe(true);
  });

  it('checks all resources, so that no finding means no problem', () => {
    const stack = aStack();
    new Bucket(stack, 'Careless');
    const report = new AwsSolutionsChecks(stack).validateScope(stack);
    expect(report.violations.map(({ ruleName }) => ruleName)).toContain('AwsSolutions-S10');
  });

  it('has a reason for every acknowledged finding', () => {
    const reasons = aStack()
      .node.findAll()
      .flatMap((construct) => construct.node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .map(({ data }) => JSON.stringify(data));
    expect(reasons.length).toBeGreaterThanOrEqual(4);
    for (const reason of reasons) {
      expect(reason.length).toBeGreaterThan(80);
    }
  });
});
