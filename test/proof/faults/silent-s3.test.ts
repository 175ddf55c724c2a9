import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openS3Store } from '../../../functions/warehouse/s3-store.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { FaultProxy } from '../../support/fault-proxy.ts';
import { bytesOf } from '../../support/store-steps.ts';

/** A store whose S3 says nothing; each request that it swallows takes `tookMs` on the store's clock. */
async function silentStore(tookMs: number) {
  const s3 = await FakeS3.start();
  const proxy = await FaultProxy.open({ upstream: s3.endpoint });
  let nowMs = 0;
  proxy.decide = () => {
    nowMs += tookMs;
    return { kind: 'black-hole' };
  };
  const client = new S3Client({
    endpoint: proxy.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'verysecretverysecret' },
    maxAttempts: 1,
    requestHandler: { requestTimeout: 80, throwOnRequestTimeout: true },
  });
  onTestFinished(async () => {
    client.destroy();
    await proxy.close();
  });
  const clock = { now: () => nowMs, sleep: async () => undefined };
  return { store: openS3Store({ bucket: 'warehouse', client, clock }), proxy };
}

describe('an S3 that says nothing', () => {
  it('is asked three times where that goes quickly', async () => {
    const { store, proxy } = await silentStore(100);
    await expect(store.get('a')).rejects.toMatchObject({ kind: 'storage', retryable: true });
    expect(proxy.exchanges).toHaveLength(3);
  });

  it('is not asked again once half a minute is over, so that a run ends in time', async () => {
    const { store, proxy } = await silentStore(31_000);
    await expect(store.get('a')).rejects.toMatchObject({ kind: 'storage', retryable: true });
    expect(proxy.exchanges).toHaveLength(1);
    expect(await store.putIfAbsent('a', bytesOf('1'))).toMatchObject({ kind: 'unknown' });
    expect(proxy.exchanges.map(({ method }) => method)).toEqual(['GET', 'PUT', 'GET']);
  });
});
