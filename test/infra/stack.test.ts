import { readFileSync } from 'node:fs';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { parseConfig } from '../../functions/config.ts';
import { aConfig, aStack, aTarget, aTemplate, countOf, expectResource } from './synthesized.ts';

const template = aTemplate();

/** Returns the properties of the only resource of a type. */
function propertiesOf(type: string, from = template): Record<string, unknown> {
  const found = Object.values(from.findResources(type));
  expect(found).toHaveLength(1);
  return found[0]?.['Properties'];
}

/** Returns the environment variables of the schedule's function. */
function environment(): Record<string, unknown> {
  const variables = z.record(z.string(), z.unknown());
  const { Properties } = z
    .object({ Properties: z.object({ Environment: z.object({ Variables: variables }) }) })
    .parse(template.findResources('AWS::Lambda::Function')['SyncFunction878007FF']);
  return Properties.Environment.Variables;
}

/** Returns the text of an `Fn::Join`, with references in angle brackets. */
function joined(value: unknown): string {
  const part = z.union([z.string(), z.object({ Ref: z.string() }).transform(({ Ref }) => `<${Ref}>`)]);
  const join = z.object({ 'Fn::Join': z.tuple([z.literal(''), z.array(part)]) });
  return join.parse(value)['Fn::Join'][1].join('');
}

describe('the bucket', () => {
  it('is encrypted, versioned and private, requires TLS, and is retained when the stack is deleted', () => {
    expectResource(template, 'AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      VersioningConfiguration: { Status: 'Enabled' },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    expectResource(template, 'AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
    for (const type of ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy']) {
      const policies = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' };
      expect(Object.values(template.findResources(type))).toEqual([expect.objectContaining(policies)]);
    }
  });

  it('expires old versions, their delete markers and query results after a month, but never data', () => {
    const { LifecycleConfiguration } = propertiesOf('AWS::S3::Bucket');
    expect(LifecycleConfiguration).toEqual({
      Rules: [
        {
          Id: 'old-versions',
          Status: 'Enabled',
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
          // Each file that a compaction has replaced leaves a marker, which a rule for a tag never removes.
          ExpiredObjectDeleteMarker: true,
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        },
        {
          Id: 'replaced-data',
          Status: 'Enabled',
          TagFilters: [{ Key: 'dqsync', Value: 'replaced' }],
          ExpirationInDays: 2,
        },
        { Id: 'query-results', Status: 'Enabled', Prefix: 'athena-results/', ExpirationInDays: 30 },
      ],
    });
  });

  it('denies everybody overwriting a data file', () => {
    const prefixed = aTemplate(aConfig({ warehouse: 's3://my-bucket/dq' }));
    const bucket = { 'Fn::GetAtt': [Match.anyValue(), 'Arn'] };
    expectResource(prefixed, 'AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Sid: 'WriteDataOnce',
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 's3:PutObject',
            Resource: ['quality_instance_observations', 'quality_task_observations', 'quality_rule_results'].map(
              (table) => ({
                'Fn::Join': ['', [bucket, `/dq/${table}/*`]],
              }),
            ),
            Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
          },
        ]),
      },
    });
  });

  it("is encrypted with the customer's key if one is named, as are query results", () => {
    const bucketKey = 'arn:aws:kms:eu-central-1:111122223333:key/aaaaaaaa-1111-2222-3333-444455556666';
    const withKey = aTemplate(aConfig(), { bucketKey });
    expectResource(withKey, 'AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: bucketKey },
          },
        ],
      },
    });
    expectResource(withKey, 'AWS::Athena::WorkGroup', {
      WorkGroupConfiguration: {
        ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_KMS', KmsKey: bucketKey } },
      },
    });
  });

  it('is not changed if it exists', () => {
    expect(countOf(aTemplate(aConfig(), { bucketName: 'my-bucket', catalog: false }), 'AWS::S3::Bucket')).toBe(0);
  });

  it.each([
    ['a new bucket', {}, { warehouse: 's3://my-bucket/dq' }, '/dq/athena-results/'],
    ['an existing bucket', { bucketName: 'my-bucket' }, {}, '/athena-results/'],
    [
      'a folder of an existing bucket',
      { bucketName: 'my-bucket' },
      { warehouse: 's3://my-bucket/dq' },
      '/athena-results/',
    ],
  ])('the bucket of query results belongs to the stack, and expires them, with %s', (_, deployment, config, folder) => {
    const from = aTemplate(aConfig(config), deployment);
    const [[id = ''] = [], ...others] = Object.entries(from.findResources('AWS::S3::Bucket'));
    expect(others).toEqual([]);
    expectResource(from, 'AWS::Athena::WorkGroup', {
      WorkGroupConfiguration: {
        ResultConfiguration: { OutputLocation: { 'Fn::Join': ['', ['s3://', { Ref: id }, folder]] } },
      },
    });
    const { LifecycleConfiguration } = propertiesOf('AWS::S3::Bucket', from);
    expect(LifecycleConfiguration).toMatchObject({
      Rules: expect.arrayContaining([expect.objectContaining({ Id: 'query-results', ExpirationInDays: 30 })]),
    });
    expect(countOf(from, 'AWS::S3::BucketPolicy')).toBe(1);
  });

  it('an existing bucket needs the rules of a new one, which the README lists', () => {
    const text = readFileSync(new URL('../../infra/README.md', import.meta.url), 'utf8');
    const [, written = ''] = /### An existing bucket.*?```json\n(.*?)```/s.exec(text) ?? [];
    const days = z.strictObject({ Days: z.number() });
    const marker = z.strictObject({ ExpiredObjectDeleteMarker: z.boolean() });
    const tag = z.object({ Key: z.string(), Value: z.string() });
    const rule = z.strictObject({
      ID: z.string(),
      Status: z.literal('Enabled'),
      Filter: z.union([
        z.strictObject({ And: z.object({ Prefix: z.literal('dq/'), Tags: z.array(tag) }) }),
        z.strictObject({ Prefix: z.literal('dq/') }),
      ]),
      Expiration: z.union([days, marker]).optional(),
      NoncurrentVersionExpiration: z.object({ NoncurrentDays: z.number() }).optional(),
      AbortIncompleteMultipartUpload: z.object({ DaysAfterInitiation: z.number() }).optional(),
    });
    const rules = z.object({ Rules: z.array(rule) }).parse(JSON.parse(written)).Rules;
    const asInTemplate = rules.map(({ ID, Filter, Expiration, ...same }) => ({
      Id: ID,
      ...same,
      ...('And' in Filter ? { Prefix: 'dq/', TagFilters: Filter.And.Tags } : {}),
      ...(Expiration !== undefined && 'Days' in Expiration ? { ExpirationInDays: Expiration.Days } : Expiration),
    }));
    const own = aTemplate(aConfig({ warehouse: 's3://my-bucket/dq' }));
    const templateRules = z.object({ Rules: z.array(z.object({ Id: z.string() }).loose()) });
    const { Rules } = templateRules.parse(propertiesOf('AWS::S3::Bucket', own)['LifecycleConfiguration']);
    expect(asInTemplate.sort((a, b) => a.Id.localeCompare(b.Id))).toEqual(
      Rules.filter(({ Id }) => Id !== 'query-results').sort((a, b) => a.Id.localeCompare(b.Id)),
    );
  });
});

describe('the network of the functions', () => {
  const network = {
    subnetIds: ['subnet-0a1b0000', 'subnet-0c2d0000'],
    securityGroupIds: ['sg-0e3f0000'],
    httpsProxy: 'http://proxy.example.com:3128',
    noProxy: 's3.eu-west-1.amazonaws.com',
    caFile: '/etc/ca.pem',
  };
  const functions = (from: Template) =>
    Object.values(from.findResources('AWS::Lambda::Function')).map((each) => each['Properties']);

  it("is Lambda's own by default", () => {
    for (const properties of functions(template)) {
      expect(properties).not.toHaveProperty('VpcConfig');
      expect(Object.keys(properties.Environment.Variables).filter((name) => /PROXY|CERTS/.test(name))).toEqual([]);
    }
  });

  it('has subnets, proxy and private CA for both functions, with the permission to join the subnets', () => {
    const connected = aTemplate(aConfig(), { network });
    expect(functions(connected)).toHaveLength(2);
    for (const properties of functions(connected)) {
      expect(properties).toMatchObject({
        VpcConfig: { SubnetIds: network.subnetIds, SecurityGroupIds: network.securityGroupIds },
        Environment: {
          Variables: {
            HTTPS_PROXY: network.httpsProxy,
            NO_PROXY: network.noProxy,
            NODE_EXTRA_CA_CERTS: '/var/task/ca.pem',
          },
        },
      });
    }
    const policies = Object.entries(connected.findResources('AWS::IAM::Policy'));
    const joining = policies.filter(([, each]) => JSON.stringify(each).includes('ec2:CreateNetworkInterface'));
    expect(joining).toHaveLength(2);
    const needed = Object.values(connected.findResources('AWS::Lambda::Function')).flatMap((each) => each['DependsOn']);
    expect(needed).toEqual(expect.arrayContaining(joining.map(([id]) => id)));
  });
});

describe('the secrets', () => {
  it('are created without a value, one per name, and retained when the stack is deleted', () => {
    const two = aTemplate(
      aConfig({
        targets: [aTarget(), aTarget({ name: 'b' }), aTarget({ name: 'c', credentials: 'secretsmanager:c' })],
      }),
    );
    const secrets = Object.values(two.findResources('AWS::SecretsManager::Secret'));
    expect(secrets.map((secret) => secret['Properties'].Name)).toEqual(['dataarts/sales', 'c']);
    for (const secret of secrets) {
      expect(Object.keys(secret['Properties']).sort()).toEqual(['Description', 'Name']);
      expect(secret['DeletionPolicy']).toBe('RetainExceptOnCreate');
    }
    expect(two.findOutputs('SecretsToFill')).toMatchObject({ SecretsToFill: { Value: 'dataarts/sales, c' } });
  });

  it('are used unchanged if they exist', () => {
    const existing = aTemplate(aConfig(), { existingSecrets: ['dataarts/sales'] });
    expect(countOf(existing, 'AWS::SecretsManager::Secret')).toBe(0);
    expect(existing.findOutputs('SecretsToFill')).toEqual({});
  });
});

describe('the function', () => {
  it('runs on Node 24 and arm64, alone, with time to end after maxRunSeconds', () => {
    expectResource(template, 'AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 900,
      ReservedConcurrentExecutions: 1,
      LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'INFO' },
    });
    expectResource(template, 'AWS::Logs::LogGroup', { RetentionInDays: 90 });
    expectResource(aTemplate(aConfig(), { reservedConcurrency: null }), 'AWS::Lambda::Function', {
      ReservedConcurrentExecutions: Match.absent(),
    });
  });

  it('receives the config as written, with the future bucket', () => {
    const text = joined(environment()['DQSYNC_CONFIG']);
    expect(JSON.parse(text)).toEqual({ ...aConfig(), warehouse: 's3://<WarehouseBucket56A35794>' });
    expect(parseConfig(JSON.parse(text.replace(/<.*>/, 'bucket')), 'it')).toMatchObject({ warehouse: 's3://bucket' });
  });

  it('retries once, stops within the period, and then leaves a dead letter', () => {
    expectResource(template, 'AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 1,
      MaximumEventAgeInSeconds: 1800,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['DeadLettersQueue631681B1', 'Arn'] } } },
    });
  });

  it('lets a sync of a short period wait for a maintenance that takes all of its time', () => {
    const often = aTemplate(aConfig({ maxRunSeconds: 300 }), { schedule: { expression: 'rate(5 minutes)' } });
    expectResource(often, 'AWS::Lambda::EventInvokeConfig', { MaximumEventAgeInSeconds: 300 + 60 + 300 });
    expectResource(often, 'AWS::Scheduler::Schedule', {
      Target: { RetryPolicy: { MaximumEventAgeInSeconds: 150 } },
    });
  });

  it('refuses a config that is too large for its environment', () => {
    const targets = Array.from({ length: 30 }, (_, index) => aTarget({ name: `target-${index}` }));
    expect(() => aTemplate(aConfig({ targets }))).toThrow(/bytes of JSON/);
  });
});

describe('the schedule', () => {
  it('fires hourly, retries rarely, and leaves undeliverable events as dead letters', () => {
    expectResource(template, 'AWS::Scheduler::Schedule', {
      ScheduleExpression: 'rate(1 hour)',
      ScheduleExpressionTimezone: 'UTC',
      FlexibleTimeWindow: { Mode: 'OFF' },
      State: 'ENABLED',
      Target: {
        Arn: { 'Fn::GetAtt': ['SyncFunction878007FF', 'Arn'] },
        Input: '{"mode":"incremental"}',
        RetryPolicy: { MaximumRetryAttempts: 2, MaximumEventAgeInSeconds: 1800 },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['DeadLettersQueue631681B1', 'Arn'] } },
      },
    });
  });

  it('starts the maintenance of the same function once a day', () => {
    expect(countOf(template, 'AWS::Scheduler::Schedule')).toBe(2);
    expectResource(template, 'AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(15 3 * * ? *)',
      Target: { Arn: { 'Fn::GetAtt': ['SyncFunction878007FF', 'Arn'] }, Input: '{"mode":"maintain"}' },
    });
  });

  it('starts the function of the report each hour if a report is configured', () => {
    expect(Object.keys(template.findOutputs('ReportUrl'))).toEqual([]);
    const withReport = aTemplate(aConfig({ warehouse: 's3://my-bucket/dq' }), {
      bucketName: 'my-bucket',
      report: true,
    });
    const [functionId] = Object.keys(
      withReport.findResources('AWS::Lambda::Function', { Properties: { MemorySize: 2048 } }),
    );
    expectResource(withReport, 'AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(40 * * * ? *)',
      Target: { Arn: { 'Fn::GetAtt': [functionId, 'Arn'] }, Input: '{}' },
    });
    expect(withReport.findOutputs('ReportUrl')).toMatchObject({
      ReportUrl: { Value: 's3://my-bucket/dq/report/index.html' },
    });
    expect(countOf(withReport, 'AWS::Scheduler::Schedule')).toBe(3);
  });

  it('accepts a cron expression in a time zone', () => {
    const schedule = { expression: 'cron(5 2 * * ? *)', timeZone: 'Asia/Shanghai', longestGapMinutes: 1440 };
    expectResource(aTemplate(aConfig(), { schedule }), 'AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(5 2 * * ? *)',
      ScheduleExpressionTimezone: 'Asia/Shanghai',
      Target: { RetryPolicy: { MaximumEventAgeInSeconds: 21_600 } },
    });
  });
});

describe('settings for all resources of a stack', () => {
  const permissionsBoundary = 'arn:aws:iam::111122223333:policy/limits';
  const asked = { tags: { team: 'data quality' }, terminationProtection: true, permissionsBoundary };
  const stack = aStack(aConfig(), asked);

  it('add tags, protection, and a boundary on every role', () => {
    const bounded = Template.fromStack(stack);
    expect(stack.terminationProtection).toBe(true);
    const roles = Object.values(bounded.findResources('AWS::IAM::Role')).map((role) => role['Properties']);
    expect(roles.length).toBeGreaterThan(3);
    expect(roles.map((role) => role.PermissionsBoundary)).toEqual(roles.map(() => permissionsBoundary));
    for (const type of ['AWS::S3::Bucket', 'AWS::Lambda::Function', 'AWS::SecretsManager::Secret', 'AWS::SQS::Queue']) {
      expectResource(bounded, type, { Tags: Match.arrayWith([{ Key: 'team', Value: 'data quality' }]) });
    }
  });

  it('are absent by default', () => {
    expect(aStack().terminationProtection).toBe(false);
    expect(JSON.stringify(template.toJSON())).not.toContain('PermissionsBoundary');
  });
});

describe('the outputs', () => {
  it('lead to the dashboard and to the workgroup', () => {
    const [dashboard, athena] = ['DashboardUrl', 'AthenaUrl'].map((name) =>
      joined(template.findOutputs(name)[name]?.['Value']),
    );
    const console = (service: string) =>
      `https://<AWS::Region>.console.aws.amazon.com/${service}/home?region=<AWS::Region>#`;
    expect(dashboard).toBe(`${console('cloudwatch')}dashboards/dashboard/dqsync`);
    expect(athena).toBe(`${console('athena')}workgroups/details/dqsync`);
    expect(aTemplate(aConfig(), { catalog: false }).findOutputs('AthenaUrl')).toEqual({});
  });

  it('show the encryption of objects that the config asks for', () => {
    const storage = { encryption: 'AES256' };
    const encrypted = aTemplate(aConfig({ storage }));
    expect(encrypted.findOutputs('WarehouseStorage')).toMatchObject({
      WarehouseStorage: { Value: JSON.stringify(storage) },
    });
    expect(template.findOutputs('WarehouseStorage')).toEqual({});
  });

  it('name the first day that Athena shows', () => {
    expect(template.findOutputs('FirstDay')).toMatchObject({ FirstDay: { Value: '2025-12-31' } });
  });
});

describe('several deployments in one account', () => {
  it('share no name', () => {
    const names = (stackName: string): string[] => {
      const resources = Object.values(
        aTemplate(aConfig(), { stackName, existingSecrets: ['dataarts/sales'] }).toJSON()['Resources'],
      );
      const named = z.object({ Properties: z.record(z.string(), z.unknown()).default({}) });
      const keys = [
        'AlarmName',
        'DashboardName',
        'FunctionName',
        'QueueName',
        'TopicName',
        'BucketName',
        'LogGroupName',
        'RoleName',
        'StateMachineName',
      ];
      return resources.flatMap((resource) => {
        const { Properties } = named.parse(resource);
        return keys.flatMap((key) => Properties[key] ?? []).filter((name) => typeof name === 'string');
      });
    };

    expect(names('one').length).toBeGreaterThan(7);
    expect(names('one').filter((name) => names('two').includes(name))).toEqual([]);
  });

  it('keep their metrics apart', () => {
    expectResource(aTemplate(aConfig(), { stackName: 'two' }), 'AWS::Lambda::Function', {
      Environment: { Variables: { DQSYNC_METRICS_NAMESPACE: 'dqsync/two' } },
    });
  });
});
