/**
 * The whole shape on an emulator of AWS: schedule → function → secret, source, bucket → SQL over the result.
 *
 * What MiniStack cannot show: remaining time (constant), time zones, retries and dead letters of Scheduler, partition
 * projection and views of Athena.
 */

import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { newToken } from '../../functions/clock.ts';
import { reportKey } from '../../functions/warehouse/layout.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { defaultWorkspace, type Simulator } from '../simulator/server.ts';
import type { TrueExecution } from '../simulator/truth.ts';
import { dataInPage } from '../support/page-data.ts';
import { runCli } from '../support/run-cli.ts';
import { bytesOf } from '../support/store-steps.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { describeStore } from '../warehouse/store-contract.ts';
import { eventually, type MiniStack, provideMiniStack } from './ministack.ts';
import { Stage, secretOf } from './stage.ts';

const isProvided = await provideMiniStack();
const secretId = secretOf('sales');
const hourMs = 3_600_000;
const hasFailed = ({ runStatus }: TrueExecution): boolean => runStatus === 'FAILED' || runStatus === 'ALARMING';

describe.skipIf(!isProvided)('on an emulated AWS', () => {
  let stage: Stage;
  let ministack: MiniStack;
  let simulator: Simulator;
  let store: Store;
  let running: bigint;

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

  beforeAll(async () => {
    const nowMs = Date.now();
    stage = await Stage.open({
      stackName: 'dqsync-e2e',
      targets: { sales: defaultWorkspace },
      quota: { requests: 1000, perSeconds: 1 },
      config: { initialFrom: new Date(nowMs - 4 * hourMs).toISOString(), maxRunSeconds: 45 },
      deployment: { report: true },
    });
    ({ ministack, simulator, store } = stage);
    simulator.life.addMany(250, { fromMs: nowMs - 3 * hourMs, toMs: nowMs - hourMs });
    running = simulator.life.addExecution({ startTimeMs: nowMs - hourMs, runStatus: 'RUNNING' }).id;
  }, 180_000);

  afterAll(() => stage?.close());

  it('waits for the value of its secret, without failing', async () => {
    expect(stage.deployed.outputs.SecretsToFill).toBe(secretId);

    const waiting = await stage.invoke('RequestResponse');
    expect(waiting.failed).toBe(false);
    expect(JSON.parse(waiting.text)).toMatchObject([{ target: 'sales', waitingFor: 'credentials' }]);
  });

  it('fails with a wrong secret, reports it, and leaves a dead letter', async () => {
    await stage.putSecret('sales', { token: '' });
    const refused = await stage.invoke('RequestResponse');
    expect(refused.failed).toBe(true);
    expect(refused.text).toContain(`target sales: the secret secretsmanager:${secretId} `);

    await stage.invoke('Event');
    const messages = z.object({ Messages: z.array(z.object({ Body: z.string() })) });
    let body = '';
    await eventually('a dead letter', 60_000, async () => {
      const QueueUrl = stage.deployed.outputs.DeadLetterQueueUrl;
      body = messages.parse(await ministack.call('AmazonSQS.ReceiveMessage', { QueueUrl })).Messages[0]?.Body ?? '';
      return body !== '';
    });
    expect(body).toContain('RetriesExhausted');
    expect(body).toContain(`the secret secretsmanager:${secretId} `);
    expect(await runIds()).toEqual(new Set());
  });

  it('syncs as soon as it has a secret, tried by dqsync smoke: all but the view, which the emulator does not know', async () => {
    await stage.putSecret('sales', defaultAccount.password);

    const run = await runCli(['smoke', 'dqsync-e2e', '--json'], {
      cwd: await tempFolder(),
      env: ministack.environment,
    });

    expect(run.stderr).toBe('');
    const check = z.object({ name: z.string(), outcome: z.string(), finding: z.string() });
    const { checks } = z.object({ checks: z.array(check) }).parse(JSON.parse(run.stdout));
    expect(checks).toMatchObject([
      { name: 'run', outcome: 'passed', finding: 'the function ran 1 target' },
      { name: 'warehouse', outcome: 'passed' },
      { name: 'table', outcome: 'passed', finding: expect.stringMatching(/has \d+ rows since/) },
      { name: 'view', outcome: 'failed' },
      { name: 'alarm', outcome: expect.stringMatching(/passed|noticed/) },
    ]);
    expect(run.exitCode).toBe(1);
    await stage.expectTruth();
  }, 120_000);

  it('syncs by its schedule what has changed', async () => {
    const earlier = await runIds();
    simulator.life.finish(running, 'ALARMING');
    simulator.life.addExecution({ startTimeMs: Date.now() - 1000 });

    await eventually('the schedule fires', 100_000, async () => {
      const run = await endedRun();
      return !earlier.has(run) && (await runIds()).has(run);
    });
    await stage.expectTruth();
  }, 150_000);

  it('reads the secret again when the password was rotated', async () => {
    const password = 'another one';
    simulator.auth.rotatePassword('dq-reader', password);
    await stage.putSecret('sales', { ...defaultAccount.password, password });
    simulator.life.addExecution({ startTimeMs: Date.now() - 1000 });

    const { failed, text } = await stage.invoke('RequestResponse');

    expect(JSON.parse(text)).toMatchObject([{ target: 'sales', done: true, rowsWritten: 1 }]);
    expect(failed).toBe(false);
    await stage.expectTruth();
  });

  it('keeps the rule results of its syncs, and by its maintenance all tasks and rules', async () => {
    const { failed, text } = await stage.invoke('RequestResponse', { mode: 'maintain' });

    expect(JSON.parse(text)).toMatchObject([{ target: 'sales', mode: 'maintain', done: true }]);
    expect(failed).toBe(false);
    await stage.expectTruth();
    await stage.expectResults(defaultWorkspace.workspace);
    await stage.expectTasks(defaultWorkspace.workspace);
  });

  it('publishes the report of what was synced, by a function of its own with DuckDB beside it', async () => {
    const functions = z.object({ Functions: z.array(z.object({ FunctionName: z.string(), Description: z.string() })) });
    const listed = await fetch(`${ministack.endpoint}/2015-03-31/functions/`).then((reply) => reply.json());
    const named = functions.parse(listed).Functions.find(({ Description }) => Description.includes('the report'));

    const { failed, text } = await stage.invoke('RequestResponse', {}, named?.FunctionName);

    expect(failed, text).toBe(false);
    expect(JSON.parse(text)).toMatchObject({ key: reportKey, executions: simulator.truth().executions.length });
    const page = Buffer.from((await store.get(reportKey))?.bytes ?? bytesOf('')).toString();
    expect(page).toMatch(/^<!doctype html>/i);
    const shown = dataInPage(page).tasks.map(({ id }) => id);
    expect(shown).toEqual(expect.arrayContaining(simulator.tasks().map(({ definition }) => definition.task.taskId)));
  }, 60_000);

  it('has the tables, the views and the workgroup in its catalog, and takes the named queries', async () => {
    const table = z.object({ Table: z.looseObject({ TableType: z.string(), PartitionKeys: z.array(z.unknown()) }) });
    const get = async (Name: string) =>
      table.parse(await ministack.call('AWSGlue.GetTable', { DatabaseName: 'dqsync_e2e', Name })).Table;
    for (const name of ['quality_instance_observations', 'quality_task_observations', 'quality_rule_results']) {
      expect(await get(name)).toMatchObject({
        TableType: 'EXTERNAL_TABLE',
        StorageDescriptor: { Location: `${stage.deployed.outputs.WarehouseUrl}/${name}/` },
      });
    }
    const further = ['quality_tasks', 'quality_rules', 'quality_results', 'quality_failures'];
    for (const name of ['quality_instances', ...further]) {
      expect(await get(name)).toMatchObject({ TableType: 'VIRTUAL_VIEW', PartitionKeys: [] });
    }
    expect(stage.deployed.leftOut.length).toBeGreaterThan(6);
    for (const { Properties } of stage.deployed.leftOut) {
      await ministack.call('AmazonAthena.CreateNamedQuery', Properties);
    }
  });

  it.each([
    ['quality_instance_observations', 'id', () => simulator.truth().executions.length],
    ['quality_task_observations', 'task_id', () => simulator.tasks().length],
    ['quality_rule_results', 'instance_id', () => simulator.truth().executions.filter(hasFailed).length],
  ] as const)('answers a question by Athena, over all files of %s', async (table, id, count) => {
    const state = z.object({ QueryExecution: z.object({ Status: z.object({ State: z.string() }) }) });
    const { QueryExecutionId } = z.object({ QueryExecutionId: z.string() }).parse(
      await ministack.call('AmazonAthena.StartQueryExecution', {
        QueryString: `SELECT count(DISTINCT ${id}) FROM dqsync_e2e.${table}`,
        WorkGroup: 'dqsync-e2e',
      }),
    );
    await eventually('the query ends', 30_000, async () => {
      const { QueryExecution } = state.parse(
        await ministack.call('AmazonAthena.GetQueryExecution', { QueryExecutionId }),
      );
      return QueryExecution.Status.State === 'SUCCEEDED';
    });
    const results = await ministack.call('AmazonAthena.GetQueryResults', { QueryExecutionId });
    const row = z.object({ Data: z.array(z.object({ VarCharValue: z.string() })) });
    const { Rows } = z.object({ ResultSet: z.object({ Rows: z.array(row) }) }).parse(results).ResultSet;
    expect(Rows.at(-1)?.Data[0]?.VarCharValue).toBe(String(count()));
  });

  it('treats a write whose reply was lost as won', async () => {
    const client = stage.s3Client();
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
    await stage.s3Client().send(new CreateBucketCommand({ Bucket: bucket }));
    return () => openS3Store({ bucket, prefix: 'p', client: stage.s3Client() });
  });
});
