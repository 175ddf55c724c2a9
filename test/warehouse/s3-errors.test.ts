/** Messages about error replies of S3 and compatible stores: the store's code and text, and a specific remedy. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { describeError, type StorageError } from '../../functions/errors.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import { addExecutions, aWorld } from '../cli/world.ts';
import { FakeS3 } from '../support/fake-s3.ts';

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message?: string;
  readonly more?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const kmsArn = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const user = 'User: arn:aws:iam::111122223333:user/dq is not authorized to perform:';

async function failedWrite({ status, code, message = code, more = '', headers = {} }: Answer): Promise<StorageError> {
  const fake = await FakeS3.start();
  const store = openS3Store({ bucket: fake.bucket, client: fake.client() });
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`;
  fake.faults.push(
    ...Array.from({ length: 3 }, () => ({ method: 'PUT' as const, failure: { status, body, headers } })),
  );
  const outcome = await store.putIfAbsent('key', Buffer.from('1')).catch((thrown: unknown) => thrown as StorageError);
  return 'kind' in outcome && outcome.kind === 'unknown' ? (outcome.cause as StorageError) : (outcome as StorageError);
}

describe('a refusal of S3', () => {
  it.each<[string, Answer, RegExp]>([
    [
      'a missing permission',
      { status: 403, code: 'AccessDenied', message: `${user} s3:PutObject on resource: arn:aws:s3:::warehouse/key` },
      /access denied .*s3:PutObject on resource.*Allow s3:GetObject, s3:PutObject and/,
    ],
    [
      'a missing permission to tag',
      {
        status: 403,
        code: 'AccessDenied',
        message: `${user} s3:PutObjectTagging on resource: arn:aws:s3:::warehouse/key`,
      },
      /s3:PutObjectTagging on resource.*Allow s3:GetObject, s3:PutObject and, for compaction, s3:PutObjectTagging/,
    ],
    [
      'a policy that demands an encryption',
      {
        status: 403,
        code: 'AccessDenied',
        message: `${user} s3:PutObject with an explicit deny in a resource-based policy`,
      },
      /access denied by a policy .*explicit deny.*set storage\.encryption/,
    ],
    [
      'a KMS key without permission',
      { status: 403, code: 'AccessDenied', message: `${user} kms:GenerateDataKey on resource: ${kmsArn}` },
      /the KMS key may not be used .*Allow kms:GenerateDataKey and kms:Decrypt/,
    ],
    [
      'a disabled KMS key',
      { status: 400, code: 'KMS.DisabledException', message: `${kmsArn} is disabled.` },
      /the KMS key cannot be used \(KMS\.DisabledException: .*is disabled.*Enable the key/,
    ],
    ['a deleted KMS key', { status: 400, code: 'KMS.KMSInvalidStateException' }, /cannot be used.*cancel its deletion/],
    ['an unknown KMS key', { status: 400, code: 'KMS.NotFoundException' }, /no such KMS key.*storage\.kmsKeyId/],
    [
      'an encryption it lacks',
      { status: 400, code: 'InvalidEncryptionAlgorithmError' },
      /Set storage\.encryption to one/,
    ],
    ['a full bucket of Ceph', { status: 403, code: 'QuotaExceeded' }, /the bucket is full.*Raise the quota/],
    ['a full bucket of MinIO', { status: 400, code: 'XMinioAdminBucketQuotaExceeded' }, /the bucket is full/],
    [
      'a full store',
      { status: 507, code: 'XMinioStorageFull', message: 'Storage backend is full.' },
      /Storage backend is full/,
    ],
    ['an archived object', { status: 403, code: 'InvalidObjectState' }, /is archived.*restore-object/],
    [
      'an operation that it does not implement',
      {
        status: 501,
        code: 'NotImplemented',
        message: 'A header you provided implies functionality that is not implemented',
      },
      /not implemented.*AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED/,
    ],
    [
      'an operation that it does not allow',
      { status: 405, code: 'MethodNotAllowed' },
      /AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED/,
    ],
    [
      'another region, which a header names',
      { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-central-1' } },
      /the bucket is in the region eu-central-1.*Set AWS_REGION=eu-central-1\./,
    ],
    [
      'another region, which the body names',
      { status: 400, code: 'AuthorizationHeaderMalformed', more: '<Region>cn-north-1</Region>' },
      /in the region cn-north-1.*Set AWS_REGION=cn-north-1\./,
    ],
    [
      'another region, which nothing names',
      { status: 301, code: 'PermanentRedirect' },
      /another region.*Set AWS_REGION to the region/,
    ],
    ['expired credentials', { status: 400, code: 'ExpiredToken' }, /have expired.*AWS_SESSION_TOKEN/],
    ['a wrong clock of this machine', { status: 403, code: 'RequestTimeTooSkewed' }, /clock is wrong.*NTP/],
    [
      'an unknown reason',
      { status: 400, code: 'InvalidTag', message: 'The tag is odd' },
      /status 400 \(InvalidTag: The tag is odd\)/,
    ],
  ])(
    'because of %s is not retryable, and is reported with its code, its message and a remedy',
    async (_what, answer, pattern) => {
      const error = await failedWrite(answer);
      expect(error).toMatchObject({ kind: 'storage', code: answer.code, retryable: false });
      const text = describeError(error);
      expect(text).toMatch(pattern);
      expect(text.split(answer.code)).toHaveLength(2);
      expect(text).toContain('cannot write s3://warehouse/key: ');
    },
  );

  it("a refusal of S3 with status 503 is retryable, and contains S3's message", async () => {
    const error = await failedWrite({ status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' });
    expect(error.retryable).toBe(true);
    expect(describeError(error)).toMatch(/status 503 \(SlowDown: Please reduce your request rate\).*Run again later/);
  });

  it('is reported in one line of limited length, without signatures', async () => {
    const signature = 'f'.repeat(64);
    const error = await failedWrite({ status: 400, code: 'Odd', message: `a\nb ${signature} ${'word '.repeat(200)}` });
    expect(error.message).toContain('(Odd: a b [redacted] word');
    expect(error.message.length).toBeLessThan(420);
  });
});

it.each([
  [{}, { encryption: undefined, key: undefined }],
  [{ encryption: 'AES256' }, { encryption: 'AES256', key: undefined }],
  [{ encryption: 'aws:kms' }, { encryption: 'aws:kms', key: undefined }],
  [
    { encryption: 'aws:kms:dsse', kmsKeyId: kmsArn },
    { encryption: 'aws:kms:dsse', key: kmsArn },
  ],
] as const)('settings of encryption %j are sent with every write', async (storage, { encryption, key }) => {
  const fake = await FakeS3.start();
  const store = openS3Store({ bucket: fake.bucket, client: fake.client(), storage });
  const outcome = await store.putIfAbsent('key', Buffer.from('1'));
  await store.putIfMatch('key', Buffer.from('2'), outcome.kind === 'won' ? outcome.etag : '');
  expect(fake.writtenHeaders).toHaveLength(2);
  for (const headers of fake.writtenHeaders) {
    expect(headers['x-amz-server-side-encryption']).toBe(encryption);
    expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe(key);
  }
});

it('a missing region is reported with the variable to set', async () => {
  vi.stubEnv('AWS_REGION', undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
  onTestFinished(() => void vi.unstubAllEnvs());
  const error = await openS3Store({ bucket: 'warehouse' })
    .get('key')
    .catch((thrown: unknown) => thrown as StorageError);
  expect(error).toMatchObject({ code: 'RegionMissing', retryable: false });
  expect(describeError(error as StorageError)).toMatch(
    /no AWS region is set .*Set AWS_REGION to the region of the bucket/,
  );
});

describe('a store that ignores conditions', () => {
  it.each(['if-none-match', 'if-match'] as const)('is refused by the first sync if it ignores %s', async (name) => {
    const world = await aWorld();
    addExecutions(world, 10);
    const s3 = await FakeS3.start();
    s3.ignored.add(name);
    await world.configure((config) => {
      config['warehouse'] = `s3://${s3.bucket}`;
    });
    for (const command of ['sync', 'doctor']) {
      const { exitCode, stdout } = await world.cli([command], { env: s3.environment });
      expect(exitCode).toBe(1);
      expect(stdout).toContain('is not safe to use: it accepted a conditional write whose condition was false');
    }
    expect([...s3.objects.keys()].filter((key) => key.endsWith('checkpoint.json'))).toEqual([]);
  });

  it('is detected by two more requests per run, if the store is not AWS', async () => {
    const fake = await FakeS3.start();
    const store = openS3Store({ bucket: fake.bucket, client: fake.client(), triesConditions: true });
    expect((await store.putIfAbsent('a', Buffer.from('1'))).kind).toBe('won');
    expect((await store.putIfAbsent('b', Buffer.from('1'))).kind).toBe('won');
    expect(fake.requests).toEqual(['PUT a', 'PUT a', 'PUT a', 'PUT b']);
  });
});
