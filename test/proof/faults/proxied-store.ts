/** A store on an emulated S3 behind a proxy that injects faults. */
import { S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { openS3Store } from '../../../functions/warehouse/s3-store.ts';
import type { Store } from '../../../functions/warehouse/store.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { FaultProxy, type ProxyFault } from '../../support/fault-proxy.ts';

/** The store, the proxy and the S3 behind it. */
export interface ProxiedStore {
  readonly store: Store;
  readonly proxy: FaultProxy;
  readonly s3: FakeS3;
  /** Injects the fault into every following exchange. */
  spoil(fault: ProxyFault): void;
}

/** Options of the store. */
export interface ProxiedStoreOptions {
  /** Time after which the SDK stops waiting for the head of a reply. Default: longer than any test. */
  readonly answerTimeoutMs?: number;
}

/** Opens a store until the test is finished. The SDK makes one attempt per request. */
export async function proxiedStore(options: ProxiedStoreOptions = {}): Promise<ProxiedStore> {
  const { answerTimeoutMs = 50_000 } = options;
  const s3 = await FakeS3.start();
  const proxy = await FaultProxy.open({ upstream: s3.endpoint });
  const client = new S3Client({
    endpoint: proxy.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'verysecretverysecret' },
    maxAttempts: 1,
    requestHandler: { throwOnRequestTimeout: true, requestTimeout: answerTimeoutMs },
  });
  onTestFinished(async () => {
    client.destroy();
    await proxy.close();
  });
  return {
    store: openS3Store({ bucket: s3.bucket, client, answerTimeoutMs }),
    proxy,
    s3,
    spoil: (fault) => {
      proxy.decide = () => fault;
    },
  };
}

/** Returns the methods of all exchanges so far. */
export function methodsAt({ proxy }: ProxiedStore): string[] {
  return proxy.exchanges.map(({ method }) => method);
}
