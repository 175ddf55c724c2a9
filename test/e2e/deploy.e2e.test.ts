/**
 * The whole shape on an emulator of AWS: schedule → function → secret, source, bucket → SQL over the result.
 *
 * What MiniStack cannot show: remaining time (constant), time zones, retries and dead letters of Scheduler, partition
 * projection and views of Athena.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { newToken } from '../../functions/clock.ts';
import { parseWarehouseUrl } from '../../functions/warehouse/location.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace, type Simulator, startSimulator } from '../simulator/server.ts';
import { bytesOf } from '../support/store-steps.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { ask, opened } from '../support/warehouse-sql.ts';
import { describeStore } from '../warehouse/store-contract.ts';
import { type Deployed, deploy } from './deployed.ts';
import { eventually, type MiniStack, provideMiniStack, region, startMiniStack } from './ministack.ts';

const isProvided = await provideMiniStack();
const stackName = 'dqsync-e2e';
const secretId = 'dataarts/sales';
const hourMs = 3_600_000;

describe.skipIf(!isProvided)('on an emulated AWS', () => {
  let ministack: MiniStack;
  let simulator: Simulator;
  let deployed: Deployed;
  let store: Store;
  let folder: string;

  const s3Client = (): S3Client =>
    new S3Client({
      endpoint: ministack.endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  const putSecret = (value: unknown): Promise<unknown> =>
    ministack.call('secretsmanager.PutSecretValue', { SecretId: secretId, SecretString: JSON.stringify(value) });
  const invoke = async (type: 'Event' | 'RequestResponse'): Promise<{ failed: boolean; text: string }> => {
    const path = `/2015-03-31/functions/${deployed.outputs.FunctionName}/invocations`;
    const response = await fetch(`${ministack.endpoint}${path}`, {
      method: 'POST',
      headers: {
        'X-Amz-Invocation-Type': type,
        Authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/lambda/aws4_request, SignedHeaders=host, Signature=none`,
      },
      body: '{}',
    });
    return { failed: response.headers.has('x-amz-function-error'), text: await response.text() };
  };
  const runIds = async (): Promise<Set<string>> => {
    const keys = await Array.fromAsync(store.list('quality_instance_observations/'));
    return new Set(keys.map(({ key }) => /([^/]+)-\d+\.parquet$/.exec(key)?.[1] ?? ''));
  };
  const checkpoint = async (): Promise<unknown> =>
    JSON.parse(Buffer.from((await store.get('state/sales/checkpoint.json'))?.bytes ?? bytesOf('null')).toString());
  const endedRun = async (): Promise<string> => {
    const { lastRun } = z
      .object({ lastRun: z.object({ runId: z.string(), outcome: z.string() }) })
      .parse(await checkpoint());
    return lastRun.outcome === 'running' ? 'none' : lastRun.runId;
  };
  /** What the view says, against what the source holds. */
  const expectTruth = async (): Promise<void> => {
    const rows = await ask(
      await opened(store, join(await tempFolder(), 'cache')),
      'SELECT id, run_status, epoch_ms(start_time) AS start_ms FROM quality_instances ORDER BY id',
    );
    const truth = simulator.truth().executions.map(({ id, runStatus, startTimeMs }) => ({
      id,
      run_status: runStatus,
      start_ms: BigInt(startTimeMs),
    }));
    expect(rows).toEqual(truth.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dqsync-e2e-'));
    [ministack, simulator] = await Promise.all([startMiniStack(), startSimulator({ workspaces: [defaultWorkspace] })]);
    const nowMs = Date.now();
    simulator.life.addMany(250, { fromMs: nowMs - 3 * hourMs, toMs: nowMs - hourMs });
    const config = {
      source: { endpoint: simulator.url, iamEndpoint: simulator.iamUrl, quota: { requests: 1000, perSeconds: 1 } },
      targets: [{ name: 'sales', ...defaultWorkspace, credentials: `secretsmanager:${secretId}` }],
      initialFrom: new Date(nowMs - 4 * hourMs).toISOString(),
      settleSeconds: 0,
      maxRunSeconds: 45,
    };
    const deployment = { stackName, schedule: { expression: 'rate(1 minute)' } };
    deployed = await deploy(ministack, stackName, { config, deployment }, folder);
    const location = parseWarehouseUrl(deployed.outputs.WarehouseUrl);
    store = openS3Store({ bucket: location.kind === 's3' ? location.bucket : '', client: s3Client() });
  }, 180_000);

  afterAll(async () => {
    await Promise.all([ministack?.stop(), simulator?.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  it('waits for its secret, says so, and leaves a dead letter', async () => {
    expect(deployed.outputs.SecretsToFill).toBe(secretId);

    const refused = await invoke('RequestResponse');
    expect(refused.failed).toBe(true);
    expect(refused.text).toContain(`target sales: the secret secretsmanager:${secretId} `);

    await invoke('Event');
    const messages = z.object({ Messages: z.array(z.object({ Body: z.string() })) });
    let body = '';
    await eventually('a dead letter', 60_000, async () => {
      const QueueUrl = deployed.outputs.DeadLetterQueueUrl;
      body = messages.parse(await ministack.call('AmazonSQS.ReceiveMessage', { QueueUrl })).Messages[0]?.Body ?? '';
      return body !== '';
    });
    expect(body).toContain('RetriesExhausted');
    expect(body).toContain('1 of 1 targets failed');
    expect(await runIds()).toEqual(new Set());
  });

  it('syncs by itself as soon as it has a secret, and again what has changed since', async () => {
    const failedRun = await endedRun().catch(() => 'none');
    await putSecret(defaultAccount.password);
    const running = simulator.life.addExecution({ startTimeMs: Date.now() - hourMs, runStatus: 'RUNNING' });

    await eventually('the schedule fires', 100_000, async () => (await runIds()).size === 1);
    await eventually('the run ends', 30_000, async () => (await endedRun()) !== failedRun);
    await expectTruth();

    const firstRun = await endedRun();
    simulator.life.finish(running.id, 'ALARMING');
    simulator.life.addExecution({ startTimeMs: Date.now() - 1000 });
    await eventually('the schedule fires again', 100_000, async () => {
      const run = await endedRun();
      return run !== firstRun && (await runIds()).has(run);
    });
    await expectTruth();
  }, 240_000);

  it('reads the secret again when the password was rotated', async () => {
    const password = 'another one';
    simulator.auth.rotatePassword('dq-reader', password);
    await putSecret({ ...defaultAccount.password, password });
    simulator.life.addExecution({ startTimeMs: Date.now() - 1000 });

    const { failed, text } = await invoke('RequestResponse');

    expect(JSON.parse(text)).toMatchObject([{ target: 'sales', done: true, rowsWritten: 1 }]);
    expect(failed).toBe(false);
    await expectTruth();
  });

  it('has the table, the view and the workgroup in its catalog, and takes the named queries', async () => {
    const table = z.object({ Table: z.looseObject({ TableType: z.string(), PartitionKeys: z.array(z.unknown()) }) });
    const get = async (Name: string) =>
      table.parse(await ministack.call('AWSGlue.GetTable', { DatabaseName: 'dqsync_e2e', Name })).Table;
    expect(await get('quality_instance_observations')).toMatchObject({
      TableType: 'EXTERNAL_TABLE',
      StorageDescriptor: { Location: `${deployed.outputs.WarehouseUrl}/quality_instance_observations/` },
    });
    expect(await get('quality_instances')).toMatchObject({ TableType: 'VIRTUAL_VIEW', PartitionKeys: [] });
    expect(deployed.leftOut).toHaveLength(7);
    for (const { Properties } of deployed.leftOut) {
      await ministack.call('AmazonAthena.CreateNamedQuery', Properties);
    }
  });

  it('counts a write as won whose reply was lost', async () => {
    const client = s3Client();
    let losses = 0;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const reply = await next(args);
        if (context.commandName === 'PutObjectCommand' && losses === 0) {
          losses += 1;
          throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET', $retryable: {} });
        }
        return reply;
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    const { bucket } = { bucket: `lost-${newToken()}` };
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const lossy = openS3Store({ bucket, client });

    expect(await lossy.putIfAbsent('a', bytesOf('1'))).toMatchObject({ kind: 'won' });
    expect(losses).toBe(1);
  });

  describeStore("MiniStack's S3", async () => {
    const bucket = `contract-${newToken()}`;
    await s3Client().send(new CreateBucketCommand({ Bucket: bucket }));
    return () => openS3Store({ bucket, prefix: 'p', client: s3Client() });
  });
});
