import { describe, expect, it } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import { describeError, StorageError } from '../../functions/errors.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { FakeS3, type Fault } from '../support/fake-s3.ts';
import { bytesOf, keysOf, textAt } from '../support/store-steps.ts';
import { describeStore } from './store-contract.ts';

/** Sleeps no time at all. */
const impatient: Clock = { now: () => 0, sleep: () => Promise.resolve() };

function open(fake: FakeS3, prefix = ''): Store {
  return openS3Store({ bucket: fake.bucket, prefix, client: fake.client(), clock: impatient });
}

async function started(): Promise<{ fake: FakeS3; store: Store }> {
  const fake = await FakeS3.start();
  return { fake, store: open(fake) };
}

/** As often as the SDK tries by itself. */
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

describe('S3 store: where objects lie', () => {
  it('keeps to its prefix', async () => {
    const fake = await FakeS3.start();
    fake.objects.set('other/a', bytesOf('1'));
    fake.objects.set('dq-else/a', bytesOf('1'));
    const store = open(fake, 'dq');

    await store.putIfAbsent('a', bytesOf('2'));

    expect([...fake.objects.keys()].sort()).toEqual(['dq-else/a', 'dq/a', 'other/a']);
    expect(await keysOf(store, '')).toEqual(['a']);
    expect(store.url).toBe('s3://warehouse/dq');
  });

  it('lists no folder that somebody made in the console', async () => {
    const { fake, store } = await started();
    fake.objects.set('k/', bytesOf(''));
    fake.objects.set('k/a', bytesOf('1'));

    expect(await keysOf(store, 'k/')).toEqual(['k/a']);
  });

  it('lists more keys than fit a page', async () => {
    const { fake, store } = await started();
    fake.pageSize = 3;
    const keys = Array.from({ length: 10 }, (_, index) => `k/${index}`);
    for (const key of keys) {
      fake.objects.set(key, bytesOf('1'));
    }

    expect(await keysOf(store, 'k/')).toEqual(keys);
  });
});

describe('S3 store: a reply is lost', () => {
  it('has won if the write was done: the SDK repeats it, gets 412, and we find our own bytes', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure: 'lostReply' });

    expect((await store.putIfAbsent('key', bytesOf('ours'))).kind).toBe('won');

    expect(fake.requests).toEqual(['PUT key', 'PUT key', 'GET key']);
  });

  it('has won a replacement whose reply was lost', async () => {
    const { fake, store } = await started();
    await store.putIfAbsent('key', bytesOf('1'));
    const read = await store.get('key');
    fake.faults.push({ method: 'PUT', failure: 'lostReply' });

    const outcome = await store.putIfMatch('key', bytesOf('2'), read?.etag ?? '');

    expect(outcome).toEqual({ kind: 'won', etag: (await store.get('key'))?.etag });
  });

  it('has lost if somebody replaced our bytes before we could read them back', async () => {
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

  it('does not know if reading back fails too', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure: 'lostReply' }, ...always('GET', 'InternalError'));

    const outcome = await store.putIfAbsent('key', bytesOf('ours'));

    expect(outcome.kind).toBe('unknown');
    expect(outcome).toHaveProperty('cause', expect.any(StorageError));
  });

  it('writes once more if nothing was written, even after the SDK gave up', async () => {
    const { fake, store } = await started();
    fake.faults.push(...always('PUT', 'reset').slice(0, 3));

    expect((await store.putIfAbsent('key', bytesOf('ours'))).kind).toBe('won');

    expect(await textAt(store, 'key')).toBe('ours');
  });

  it('replaces once more if nothing was replaced, even after the SDK gave up', async () => {
    const { fake, store } = await started();
    await store.putIfAbsent('key', bytesOf('1'));
    const read = await store.get('key');
    fake.faults.push(...always('PUT', 'reset').slice(0, 3));

    expect((await store.putIfMatch('key', bytesOf('2'), read?.etag ?? '')).kind).toBe('won');

    expect(await textAt(store, 'key')).toBe('2');
  });

  it('does not know if no write gets through', async () => {
    const { fake, store } = await started();
    fake.faults.push(...always('PUT', 'reset'));

    const outcome = await store.putIfAbsent('key', bytesOf('ours'));

    expect(outcome.kind).toBe('unknown');
    expect(fake.requests.filter((request) => request === 'PUT key')).toHaveLength(6);
  });
});

describe('S3 store: a reply without ETag', () => {
  it('is asked for it, so that what comes next still compares', async () => {
    const { fake, store } = await started();
    fake.tellsEtagOfPut = false;

    const outcome = await store.putIfAbsent('key', bytesOf('1'));

    expect(outcome).toEqual({ kind: 'won', etag: (await store.get('key'))?.etag });
    expect((await store.putIfMatch('key', bytesOf('2'), 'another')).kind).toBe('lost');
  });
});

describe('S3 store: S3 is unwell', () => {
  it.each(['InternalError', 'SlowDown', 'reset'] as const)('gets over one %s at a write', async (failure) => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure });

    expect((await store.putIfAbsent('key', bytesOf('1'))).kind).toBe('won');
  });

  it.each(['InternalError', 'SlowDown', 'reset', 'brokenBody'] as const)(
    'gets over one %s at a read',
    async (failure) => {
      const { fake, store } = await started();
      fake.objects.set('key', bytesOf('1'));
      fake.faults.push({ method: 'GET', failure });

      expect(await textAt(store, 'key')).toBe('1');
    },
  );

  it('tries a conflict again and wins', async () => {
    const { fake, store } = await started();
    fake.faults.push(...always('PUT', 'ConditionalRequestConflict').slice(0, 3));

    expect((await store.putIfAbsent('key', bytesOf('1'))).kind).toBe('won');

    expect(fake.requests).toHaveLength(4);
  });

  it('does not know after conflicts without end', async () => {
    const { fake, store } = await started();
    fake.faults.push(...always('PUT', 'ConditionalRequestConflict'));

    expect((await store.putIfAbsent('key', bytesOf('1'))).kind).toBe('unknown');

    expect(fake.requests).toHaveLength(5);
  });

  it('does not know after a 412 with nothing there', async () => {
    const { fake, store } = await started();
    fake.faults.push({ method: 'PUT', failure: 'PreconditionFailed' });

    expect((await store.putIfAbsent('key', bytesOf('1'))).kind).toBe('unknown');
  });

  it('says so when it cannot be read at all', async () => {
    const { fake, store } = await started();
    fake.faults.push(...always('GET', 'InternalError'));

    await expect(store.get('key')).rejects.toMatchObject({ kind: 'storage', code: 'InternalError', retryable: true });
    expect(fake.requests).toHaveLength(9);
  });
});

/** Ten keys on pages of three. */
async function startedWithPages(): Promise<{ fake: FakeS3; store: Store; keys: readonly string[] }> {
  const { fake, store } = await started();
  fake.pageSize = 3;
  const keys = Array.from({ length: 10 }, (_, index) => `k/${index}`);
  for (const key of keys) {
    fake.objects.set(key, bytesOf('1'));
  }
  return { fake, store, keys };
}

const isFirstPage = (url: URL) => !url.searchParams.has('continuation-token');
const isSecondPage = (url: URL) => url.searchParams.get('continuation-token') === 'k/2';

function listingOf(inner: string): string {
  return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</ListBucketResult>`;
}

const entry = '<Contents><Key>k/0</Key><Size>1</Size></Contents>';

/** Replies of status 200 that are no page of a listing, and what they lack. */
const badListings: readonly (readonly [string, string, string])[] = [
  ['HTML', '<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>Sign in</body></html>', 'Unreadable'],
  ['well-formed HTML', '<html><body>Sign in</body></html>', 'NoIsTruncated'],
  ['JSON', '{"error": "sign in"}', 'Unreadable'],
  ['an empty body', '', 'NoIsTruncated'],
  ['an empty listing', listingOf(''), 'NoIsTruncated'],
  ['a listing that does not say whether it ends', listingOf(entry), 'NoIsTruncated'],
  ['a listing cut off', listingOf(`<IsTruncated>true</IsTruncated>${entry}`).slice(0, -40), 'Unreadable'],
  ['a listing that goes on nowhere', listingOf(`<IsTruncated>true</IsTruncated>${entry}`), 'NoContinuationToken'],
  [
    'a listing that goes on with an empty token',
    listingOf(`<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>${entry}`),
    'NoContinuationToken',
  ],
  [
    'an entry without a key',
    listingOf('<IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents>'),
    'NoKeyOrSize',
  ],
  [
    'an entry without a size',
    listingOf('<IsTruncated>false</IsTruncated><Contents><Key>k/0</Key></Contents>'),
    'NoKeyOrSize',
  ],
  [
    'an entry whose size is no number',
    listingOf('<IsTruncated>false</IsTruncated><Contents><Key>k/0</Key><Size>x</Size></Contents>'),
    'NoKeyOrSize',
  ],
];

describe('S3 store: a listing is answered by something that is not S3', () => {
  it.each(badListings)('asks once more after %s, on the first page and on a later one', async (_, body) => {
    const { fake, store, keys } = await startedWithPages();
    fake.faults.push({ method: 'LIST', when: isFirstPage, failure: { body } });
    fake.faults.push({ method: 'LIST', when: isSecondPage, failure: { body } });

    expect(await keysOf(store, 'k/')).toEqual(keys);
    expect(fake.requests).toHaveLength(6);
  });

  it.each([
    ['first', isFirstPage],
    ['second', isSecondPage],
  ])('never takes it for the end, also where it stays so on the %s page', async (_, when) => {
    for (const [title, body, code] of badListings) {
      const { fake, store } = await startedWithPages();
      fake.faults.push(...always('LIST', { body }).map((fault) => ({ ...fault, when })));

      const error = await keysOf(store, 'k/').catch((thrown: unknown) => thrown);

      expect(error, title).toBeInstanceOf(StorageError);
      expect(error, title).toMatchObject({ code, retryable: true, requestId: expect.any(String) });
      expect(describeError(error as StorageError)).toMatch(
        /^cannot list s3:\/\/warehouse\/k\/: what came .* is no whole listing .*AWS_ENDPOINT_URL/,
      );
      expect(fake.requests).toHaveLength(when === isFirstPage ? 3 : 4);
    }
  });

  it('asks once more where a page breaks off', async () => {
    const { fake, store, keys } = await startedWithPages();
    fake.faults.push({ method: 'LIST', failure: 'brokenBody' });

    expect(await keysOf(store, 'k/')).toEqual(keys);
  });

  it('does not go round in circles where a page leads back to an earlier one', async () => {
    const { fake, store } = await startedWithPages();
    const leadsTo = (token: string) =>
      listingOf(`<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>${entry}`);
    const at = (token: string) => (url: URL) => url.searchParams.get('continuation-token') === token;
    for (let count = 0; count < 30; count += 1) {
      fake.faults.push({ method: 'LIST', when: at('k/2'), failure: { body: leadsTo('other') } });
      fake.faults.push({ method: 'LIST', when: at('other'), failure: { body: leadsTo('k/2') } });
    }

    await expect(keysOf(store, 'k/')).rejects.toMatchObject({ kind: 'storage', code: 'SameContinuationToken' });
    expect(fake.requests).toHaveLength(5);
  });
});

describe('S3 store: S3 refuses', () => {
  it.each([
    ['AccessDenied', /access denied/, /s3:GetObject/],
    ['NoSuchBucket', /no such bucket/, /"warehouse"/],
    ['ExpiredToken', /expired/, /log in again/],
    ['InvalidAccessKeyId', /not known/, /AWS_PROFILE/],
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
});
