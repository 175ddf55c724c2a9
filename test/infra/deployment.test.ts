import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deploymentKeys, parseDeployment } from '../../infra/deployment.ts';
import { readDeploymentFile } from '../../infra/deployment-file.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { aConfig, aTarget } from './synthesized.ts';

/** The message a wrong document is refused with. */
function refusal(config: unknown, deployment: unknown = {}): string {
  try {
    parseDeployment({ config, deployment });
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  return 'not refused';
}

describe('what a deployment file says', () => {
  it('is documented key by key in infra/README.md', () => {
    const text = readFileSync(new URL('../../infra/README.md', import.meta.url), 'utf8');
    expect(deploymentKeys.length).toBeGreaterThan(14);
    expect(deploymentKeys.filter((key) => !text.includes(`\n| \`${key}\` |`))).toEqual([]);
  });

  it('needs no more than a config', () => {
    expect(parseDeployment({ config: aConfig() })).toMatchObject({
      stackName: 'dqsync',
      schedule: { expression: 'rate(1 hour)', timeZone: 'UTC', maintenance: 'cron(15 3 * * ? *)' },
      periodMinutes: 60,
      memoryMb: 512,
      reservedConcurrency: 1,
      database: 'dqsync',
      warehouse: { bucketName: undefined, isExisting: false, prefix: '' },
      config: { maxRunSeconds: 840 },
    });
  });

  it.each([
    ['config', [aConfig({ initialFrom: 'yesterday' })], '"config" is not a valid', '"initialFrom"'],
    ['config', [aConfig({ targets: [aTarget({ workspace: 'a/b' })] })], '"targets[0].workspace"'],
    ['config', [aConfig({ tragets: [] })], 'unknown key "tragets"'],
    ['deployment', [aConfig(), { memoryMB: 1 }], '"deployment" is not a valid', 'unknown key "memoryMB"'],
    ['deployment', [aConfig(), { memoryMb: 100 }], '"memoryMb"'],
    ['deployment', [aConfig(), { logRetentionDays: 8 }], '"logRetentionDays"'],
    ['deployment', [aConfig(), { alarmEmail: 'nobody' }], '"alarmEmail"', 'must be an email address'],
    [
      'deployment',
      [aConfig(), { otherWorkspaces: ['null'] }],
      '"otherWorkspaces[0]"',
      'read these partition names as NULL',
    ],
    ['deployment', [aConfig(), { otherWorkspaces: ['a b'] }], '"otherWorkspaces[0]"', 'must be 1 to 128 letters'],
    ['deployment', [aConfig(), { bucketName: 'My_Bucket' }], '"bucketName"'],
    ['deployment', [aConfig(), { bucketName: '192.168.1.1' }], '"bucketName": must be a bucket name that S3 allows'],
    ['deployment', [aConfig(), { firstDay: '2026' }], '"firstDay"', 'must be a day'],
    ['deployment', [aConfig(), { existingKeys: ['alias/dataarts'] }], '"existingKeys[0]"', 'ARN of a KMS key'],
    ['deployment', [aConfig(), { bucketKey: 'alias/dataarts' }], '"bucketKey"', 'ARN of a KMS key'],
    ['deployment', [aConfig(), { tags: { 'aws:team': 'dq' } }], '"tags', 'not starting with "aws:"'],
    ['deployment', [aConfig(), { tags: { 'AWS:team': 'dq' } }], '"tags', 'not starting with "aws:"'],
    ['deployment', [aConfig(), { tags: { team: '' } }], '"tags.team"', '1 to 256 letters'],
    ['deployment', [aConfig(), { tags: { team: 'R&D' } }], '"tags.team"', '1 to 256 letters'],
    ['deployment', [aConfig(), { permissionsBoundary: 'limits' }], '"permissionsBoundary"', 'ARN of an IAM policy'],
    ['deployment', [aConfig(), { terminationProtection: 'yes' }], '"terminationProtection"'],
    ['deployment', [aConfig(), { qualityAlarm: {} }], '"qualityAlarm"', '"newlyFailing", "passRatePercent" or both'],
    ['deployment', [aConfig(), { qualityAlarm: { passRatePercent: 101 } }], '"qualityAlarm.passRatePercent"'],
    ['deployment', [aConfig(), { analystPolicy: 1 }], '"analystPolicy"'],
    ['deployment', [aConfig(), { analystPolicy: true, catalog: false }], 'deployment.analystPolicy', 'no workgroup'],
    ['deployment', [aConfig(), { schedule: { expression: 'hourly' } }], '"schedule.expression"', 'rate('],
    ['deployment', [aConfig(), { schedule: { expression: 'rate(2 days)' } }], '"schedule.expression"', 'once a day'],
    ['deployment', [aConfig(), { schedule: { expression: 'cron(0 * * * ? *)' } }], '"schedule.longestGapMinutes"'],
    [
      'deployment',
      [aConfig(), { schedule: { expression: 'cron(0 * * *)', longestGapMinutes: 60 } }],
      '"schedule.expression"',
    ],
    ['deployment', [aConfig(), { schedule: { expression: 'rate(1 hour)', timeZone: 'Mars' } }], '"schedule.timeZone"'],
    [
      'deployment',
      [aConfig(), { schedule: { expression: 'rate(1 hour)', timeZone: 'CST' } }],
      'such as "Asia/Shanghai"',
    ],
    ['deployment', [aConfig(), { schedule: { expression: 'rate(1 hour)', timeZone: 'Mars/X' } }], 'IANA database'],
    [
      'deployment',
      [aConfig(), { network: { subnetIds: ['subnet-0a000000'] } }],
      '"network.securityGroupIds"',
      'go together',
    ],
    [
      'deployment',
      [aConfig(), { network: { securityGroupIds: ['sg-0a000000'] } }],
      '"network.subnetIds"',
      'go together',
    ],
    ['deployment', [aConfig(), { network: { subnetIds: ['10.0.0.0/8'] } }], '"network.subnetIds[0]"', 'a subnet'],
    ['deployment', [aConfig(), { network: { noProxy: '*' } }], '"network.noProxy"', 'with httpsProxy'],
    ['deployment', [aConfig(), { network: { httpsProxy: 'proxy:3128' } }], '"network.httpsProxy"', 'http://proxy'],
    ['deployment', [aConfig(), { network: { httpsProxy: 'socks5://proxy' } }], '"network.httpsProxy"', 'http://proxy'],
    ['deployment', [aConfig(), { network: { httpsProxy: 'http://a:b@proxy' } }], '"network.httpsProxy"', 'a password'],
    ['deployment', [aConfig(), { network: { httpProxy: 'http://proxy' } }], 'unknown key "network.httpProxy"'],
    [
      'deployment',
      [aConfig(), { schedule: { expression: 'cron(0 25 * * ? *)', longestGapMinutes: 60 } }],
      '"schedule.expression"',
      'hour "25"',
    ],
  ] as const)('names the wrong key of the %s by its path: %j', (_, [config, deployment], ...parts) => {
    for (const part of parts) {
      expect(refusal(config, deployment)).toContain(part);
    }
  });

  it('fills in the defaults of the other keys of a schedule', () => {
    const { schedule } = parseDeployment({
      config: aConfig(),
      deployment: { schedule: { timeZone: 'Asia/Shanghai' } },
    });
    expect(schedule).toEqual({
      expression: 'rate(1 hour)',
      timeZone: 'Asia/Shanghai',
      maintenance: 'cron(15 3 * * ? *)',
    });
  });

  it('takes a cron expression with its time zone and longest gap', () => {
    const schedule = { expression: 'cron(0 2,14 * * ? *)', timeZone: 'Asia/Shanghai', longestGapMinutes: 720 };
    expect(parseDeployment({ config: aConfig(), deployment: { schedule } })).toMatchObject({
      schedule,
      periodMinutes: 720,
    });
  });

  it('refuses credentials that a Lambda function cannot read', () => {
    const config = aConfig({ targets: [aTarget(), aTarget({ name: 'b', credentials: 'file:./secret.json' })] });
    expect(refusal(config)).toContain('"config.targets[1].credentials" is a "file:" reference');
  });

  it.each(['my secret', 'a:b', 'arn:aws:secretsmanager:eu-west-1:1234:secret:a', 'arn:aws:s3:::a'])(
    'refuses what cannot be the name or ARN of a secret: %s',
    (name) => {
      const config = aConfig({ targets: [aTarget({ credentials: `secretsmanager:${name}` })] });
      expect(refusal(config)).toContain('"config.targets[0].credentials" is not the name or the ARN of a secret');
    },
  );

  it('refuses runs that Lambda would cut off, or that would overlap with the next', () => {
    expect(refusal(aConfig({ maxRunSeconds: 900 }))).toContain('"config.maxRunSeconds" is 900');
    expect(refusal(aConfig(), { schedule: { expression: 'rate(5 minutes)' } })).toContain('the 300 s between two');
  });

  it('requires a database name if the stack name has capitals, because Glue ignores case', () => {
    expect(refusal(aConfig(), { stackName: 'Dqsync' })).toContain('"deployment.database" is required');
    const named = { stackName: 'Dqsync', database: 'dq_upper' };
    expect(parseDeployment({ config: aConfig(), deployment: named }).database).toBe('dq_upper');
  });

  it('refuses an existing secret that no target reads', () => {
    expect(refusal(aConfig(), { existingSecrets: ['dataarts/sale'] })).toContain('"deployment.existingSecrets[0]"');
  });
});

describe('the warehouse', () => {
  const warehouseOf = (config: unknown, deployment = {}) => parseDeployment({ config, deployment }).warehouse;

  it('is a new bucket with the name in its URL', () => {
    expect(warehouseOf(aConfig({ warehouse: 's3://my-bucket/dq/' }))).toEqual({
      bucketName: 'my-bucket',
      isExisting: false,
      prefix: 'dq/',
    });
  });

  it('is an existing bucket if one is named, with the prefix of the URL', () => {
    const existing = { bucketName: 'my-bucket', isExisting: true };
    expect(warehouseOf(aConfig(), { bucketName: 'my-bucket' })).toEqual({ ...existing, prefix: '' });
    expect(warehouseOf(aConfig({ warehouse: 's3://my-bucket/a/b' }), { bucketName: 'my-bucket' })).toEqual({
      ...existing,
      prefix: 'a/b/',
    });
  });

  it('cannot be two buckets or a folder', () => {
    const config = aConfig({ warehouse: 's3://my-bucket' });
    expect(refusal(config, { bucketName: 'other-bucket' })).toContain('"config.warehouse" is in bucket');
    expect(refusal(aConfig({ warehouse: 'file:./here' }))).toContain('is a folder');
  });
});

describe('a KMS key that writes ask for', () => {
  const key = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
  const config = aConfig({ storage: { encryption: 'aws:kms', kmsKeyId: key } });

  it('must be one that the stack allows to be used', () => {
    expect(refusal(config)).toContain('"config.storage.kmsKeyId" is a key that no function of the stack may use');
    expect(refusal(config, { bucketKey: key })).toBe('not refused');
  });
});

describe('the deployment file', () => {
  it.each([
    ['nowhere.pem', 'but there is no such file'],
    ['mine.json', 'which contains no certificate'],
  ])('is refused with an invalid file of certificates: %s', async (caFile, what) => {
    const folder = await tempFolder();
    const file = join(folder, 'mine.json');
    await writeFile(file, JSON.stringify({ config: aConfig(), deployment: { network: { caFile } } }));
    const message = `"deployment.network.caFile" names ${join(folder, caFile)}, ${what}`;
    expect(() => readDeploymentFile(file)).toThrow(message);
  });

  it('is refused with the lines of wrong keys', async () => {
    const file = join(await tempFolder(), 'mine.json');
    const text = `{
      "config": ${JSON.stringify({ ...aConfig(), results: 'some' })},
      "deployment": {
        "schedul": {}
      }
    }`;
    await writeFile(file, text);
    expect(() => readDeploymentFile(file)).toThrow('line 2: "results": must be one of "failed", "all", "none"');
    await writeFile(file, text.replace('some', 'all'));
    expect(() => readDeploymentFile(file)).toThrow('line 4: unknown key "schedul" (did you mean "schedule"?)');
  });

  it('is named by cdk.json, and the error on a fresh clone, which has none, names the command that writes it', () => {
    const top = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
    const { config } = JSON.parse(top('cdk.json')).context;
    // The README also has `npm pack` write its package there.
    expect(top('.gitignore')).toMatch(new RegExp(`\n/${config}\n[^]*\n/dqsync-\\*\\.tgz\n`));
    expect(() => readDeploymentFile(`/nowhere/${config}`)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('there is no such deployment file'),
        remedy: expect.stringContaining('"npx dqsync init --deploy"'),
      }),
    );
  });
});
