import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeError, StorageError } from '../../functions/errors.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { FakeS3, type Fault } from '../support/fake-s3.ts';
import { bytesOf, keysOf, textAt } from '../support/store-steps.ts';
import { describeStore } from './store-contract.ts';

function open(fake: FakeS3, prefix = ''): Store {
  return openS3Store({ bucket: fake.bucket, prefix, client: fake.client() });
}

async function started(): Promise<{ fake: FakeS3; store: Store }> {
  const fake = await FakeS3.start();
  return { fake, store: open(fake) };
}

/** Returns more faults than the SDK makes attempts. */
function always(method: Fault['method'], failure: Fault['failure']): Fault[] {
  return Array.from({ length: 30 }, () => ({ method, failure }));
}

describeStore('S3 store', async () => {
  const fake = await FakeS3.start();
  return () => open(fake, 'some/prefix');
});

describeStore('S3 store at the bucket root', async () => {
  const fake = await FakeS3.start();
  return () => open(fake);
});

describe('S3 store: places of objects', () => {
  it('writes and lists only keys with its prefix', async () => {
    const fake = await FakeS3.start();
    fake.objects.set('other/a', bytesOf('1'));
    fake.objects.set('dq-else/a', bytesOf('1'));
    const store = open(fake, 'dq');

    await store.putIfAbsent('a', bytesOf('2'));

    expect([...fake.objects.keys()].sort()).toEqual(['dq-else/a', 'dq/a', 'other/a']);
    expect(await keysOf(store, '')).toEqual(['a']);
    expect(store.url).toBe('s3://warehouse/dq');
  });

  it('does not list folders created in the console', async () => {
    const { fake, store } = await started();
    fake.objects.set('k/', bytesOf(''));
    fake.objects.set('k/a', bytesOf('1'));

    expect(await keysOf(store, 'k/')).toEqual(['k/a']);
  });

  it('lists more keys than one page holds', async () => {
    const { fake, store } = await started();
    fake.pageSize = 3;
    const keys = Array.from({ length: 10 }, (_, index) => `k/${index}`);
    for (const key of keys) {
      fake.objects.set(key, bytesOf('1'));
    }

    expect(await keysOf(store, 'k/')).toEqual(keys);
  });
});

describe('S3 store: lost replies', () => {
  it('returns won if the write took effect: the SDK repeats it, gets 412, and the store finds its own bytes', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure: 'lostReply' });

    expect((await store.putIfAbsent('key', bytesOf('ours'))).kind).toBe('won');

    expect(fake.requests).toEqual(['PUT key', 'PUT key', 'GET key']);
  });

  it('returns won for a replacement whose reply is lost', async () => {
    const { fake, store } = await started();
    await store.putIfAbsent('key', bytesOf('1'));
    const read = await store.get('key');
    fake.faults.push({ method: 'PUT', failure: 'lostReply' });

    const outcome = await store.putIfMatch('key', bytesOf('2'), read?.etag ?? '');

    expect(outcome).toEqual({ kind: 'won', etag: (await store.get('key'))?.etag });
  });

  it('returns lost if another writer replaced our bytes before they were read back', async () => {
    const { fake, store } = await started();
    await store.putIfAbsent('key', bytesOf('1'));
    const read = await store.get('key');
    fake.faults.push({ method: 'PUT', failure: 'lostReply' });
    fake.faults.push({
      method: 'PUT',
      failure: 'PreconditionFailed',
      before: () => fake.objects.set('key', bytesOf('theirs')),
    });

    expect(await store.putIfMatch('key', bytesOf('2'), read?.etag ?? '')).toEqual({ kind: 'lost' });
  });

  it('returns unknown if reading back fails too', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure: 'lostReply' }, ...always('GET', 'InternalError'));

    const outcome = await store.putIfAbsent('key', bytesOf('ours'));

    expect(outcome.kind).toBe('unknown');
    expect(outcome).toHaveProperty('cause', expect.any(StorageError));
  });

  it('returns unknown if no write succeeds', async () => {
    const { fake, store } = await started();
    fake.faults.push(...always('PUT', 'reset'));

    const outcome = await store.putIfAbsent('key', bytesOf('ours'));

    expect(outcome.kind).toBe('unknown');
    expect(fake.requests.filter((request) => request === 'PUT key')).toHaveLength(3);
  });
});

it('S3 store: a reply without an ETag leads to a read of the ETag for the next conditional write', async () => {
  const { fake, store } = await started();
  fake.returnsEtagOfPut = false;

  const outcome = await store.putIfAbsent('key', bytesOf('1'));

  expect(outcome).toEqual({ kind: 'won', etag: (await store.get('key'))?.etag });
  expect((await store.putIfMatch('key', bytesOf('2'), 'another')).kind).toBe('lost');
});

describe('S3 store: temporary failures', () => {
  it.each(['InternalError', 'SlowDown', 'reset'] as const)('retries a write after one %s', async (failure) => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure });

    expect((await store.putIfAbsent('key', bytesOf('1'))).kind).toBe('won');
  });

  it.each(['InternalError', 'SlowDown', 'reset', 'brokenBody'] as const)(
    'retries a read after one %s',
    async (failure) => {
      const { fake, store } = await started();
      fake.objects.set('key', bytesOf('1'));
      fake.faults.push({ method: 'GET', failure });

      expect(await textAt(store, 'key')).toBe('1');
    },
  );

  it('returns unknown after a conflict, and leaves the retry to the caller', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure: 'ConditionalRequestConflict' });

    expect((await store.putIfAbsent('key', bytesOf('1'))).kind).toBe('unknown');

    expect(fake.requests).toEqual(['PUT key']);
  });

  it('returns unknown after a 412 although there is no object', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure: 'PreconditionFailed' });

    expect((await store.putIfAbsent('key', bytesOf('1'))).kind).toBe('unknown');
  });

  it('fails a read after three attempts', async () => {
    const { fake, store } = await started();
    fake.faults.push(...always('GET', 'InternalError'));

    await expect(store.get('key')).rejects.toMatchObject({ kind: 'storage', code: 'InternalError', retryable: true });
    expect(fake.requests).toHaveLength(3);
  });
});

describe('S3 store: refusals', () => {
  it.each([
    ['AccessDenied', /access denied/, /s3:GetObject/],
    ['NoSuchBucket', /the bucket does not exist/, /"warehouse"/],
    ['ExpiredToken', /expired/, /sign in again/],
    ['InvalidAccessKeyId', /not valid/, /AWS_PROFILE/],
    ['PermanentRedirect', /another region/, /AWS_REGION/],
  ] as const)('explains %s with a remedy', async (failure, what, remedy) => {
    const { fake, store } = await started();
    fake.objects.set('key', bytesOf('1'));
    const etag = (await store.get('key'))?.etag ?? '';
    for (const method of ['GET', 'PUT', 'PUT', 'LIST'] as const) {
      fake.faults.push({ method, failure });
    }

    for (const attempt of [
      () => store.get('key'),
      () => store.putIfAbsent('key', bytesOf('2')),
      () => store.putIfMatch('key', bytesOf('2'), etag),
      () => keysOf(store, ''),
    ]) {
      const error = await attempt().then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(StorageError);
      expect(error).toMatchObject({ code: failure, retryable: false, requestId: expect.any(String) });
      expect(error).toHaveProperty('message', expect.stringMatching(what));
      expect(error).toHaveProperty('remedy', expect.stringMatching(remedy));
    }
  });

  it('shows no credentials', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'GET', failure: 'AccessDenied' });

    const error = await store.get('key').catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(StorageError);
    const shown = `${describeError(error as StorageError)} ${JSON.stringify(error)} ${(error as Error).stack}`;
    expect(shown).not.toMatch(/AKIDEXAMPLE|verysecret/);
  });

  it.each([
    'x-amz-security-token: FwoGZXIvYXdzEXAMPLETOKEN',
    'FwoGZXIvYXdzEXAMPLETOKEN'.repeat(10),
    'Bad+FwoGZXIvYXdzEXAMPLETOKEN/=',
  ])('does not show the code %s, which may echo a secret of the request', async (code) => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'GET', failure: { status: 400, body: `<Error><Code>${code}</Code></Error>` } });

    const error = await store.get('key').catch((thrown: unknown) => thrown as StorageError);

    expect(error).toMatchObject({ kind: 'storage', code: 'Unknown' });
    expect(`${describeError(error as StorageError)} ${JSON.stringify(error)}`).not.toContain('EXAMPLETOKEN');
  });
});

it('S3 store: a URL has the signature that S3 computes, also for a prefix that is encoded', async () => {
  const fake = await FakeS3.start();
  fake.objects.set('data quality/a.html', bytesOf('1'));
  const store = openS3Store({ bucket: fake.bucket, prefix: 'data quality', client: fake.client() });

  const url = new URL((await store.signedUrl('a.html', 3600, Date.UTC(2026, 0, 2, 3, 4, 5))) ?? '');

  const parameters = new Map(url.searchParams);
  const scope = ['20260102', 'us-east-1', 's3', 'aws4_request'];
  expect(parameters.get('X-Amz-Credential')?.split('/').slice(1)).toEqual(scope);
  const query = [...parameters]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  // User guide of S3, "Authenticating Requests: Using Query Parameters".
  const request = ['GET', url.pathname, query.sort().join('&'), `host:${url.host}\n`, 'host', 'UNSIGNED-PAYLOAD'];
  const hash = createHash('sha256').update(request.join('\n')).digest('hex');
  const text = ['AWS4-HMAC-SHA256', '20260102T030405Z', scope.join('/'), hash].join('\n');
  const secret = Buffer.from(`AWS4${fake.environment['AWS_SECRET_ACCESS_KEY']}`);
  const key = [...scope, text].reduce((last, part) => createHmac('sha256', last).update(part).digest(), secret);
  expect(parameters.get('X-Amz-Signature')).toBe(key.toString('hex'));
});
