/** The whole shape, deployed: an emulated AWS with the real stack on it, and a simulated source beside. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { resultTableName, taskTableName } from '../../functions/warehouse/layout.ts';
import { parseWarehouseUrl } from '../../functions/warehouse/location.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { resultProblems } from '../proof/results-check.ts';
import { type SimulatedWorkspace, type Simulator, startSimulator } from '../simulator/server.ts';
import { storedFiles } from '../support/stored-rows.ts';
import { taskProblems } from '../support/task-problems.ts';
import { tempFolder } from '../support/temp-warehouse.ts';
import { ask, opened } from '../support/warehouse-sql.ts';
import { type Deployed, deploy } from './deployed.ts';
import { type MiniStack, region, startMiniStack } from './ministack.ts';

/** Name of the secret with the credentials of a target. */
export function secretOf(target: string): string {
  return `dataarts/${target}`;
}

/** What is deployed. */
export interface StageOptions {
  readonly stackName: string;
  /** Targets by name. */
  readonly targets: Readonly<Record<string, SimulatedWorkspace>>;
  /** Other keys of the config. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly quota: Readonly<Record<string, number>>;
  /** Other keys of the deployment. */
  readonly deployment?: Readonly<Record<string, unknown>>;
}

/** What comes back from an invocation. */
export interface Reply {
  readonly failed: boolean;
  readonly text: string;
}

/** Two systems and what is between them. */
export class Stage {
  readonly ministack: MiniStack;
  readonly simulator: Simulator;
  readonly deployed: Deployed;
  /** The warehouse. */
  readonly store: Store;
  readonly #folder: string;

  private constructor(ministack: MiniStack, simulator: Simulator, deployed: Deployed, folder: string) {
    this.ministack = ministack;
    this.simulator = simulator;
    this.deployed = deployed;
    this.#folder = folder;
    const location = parseWarehouseUrl(deployed.outputs.WarehouseUrl);
    this.store = openS3Store({ bucket: location.kind === 's3' ? location.bucket : '', client: this.s3Client() });
  }

  /** Starts both, and deploys: a schedule of a minute, the secrets still empty. */
  static async open({ stackName, targets, config, quota, deployment }: StageOptions): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'dqsync-e2e-'));
    const workspaces = Object.values(targets);
    const [ministack, simulator] = await Promise.all([startMiniStack(), startSimulator({ workspaces })]);
    const context = {
      config: {
        source: { endpoint: simulator.url, iamEndpoint: simulator.iamUrl, quota },
        targets: Object.entries(targets).map(([name, workspace]) => ({
          name,
          ...workspace,
          credentials: `secretsmanager:${secretOf(name)}`,
        })),
        settleSeconds: 0,
        ...config,
      },
      deployment: { stackName, schedule: { expression: 'rate(1 minute)' }, ...deployment },
    };
    try {
      return new Stage(ministack, simulator, await deploy(ministack, stackName, context, folder), folder);
    } catch (thrown) {
      await Promise.all([ministack.stop(), simulator.close()]);
      throw thrown;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.ministack.stop(), this.simulator.close()]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  s3Client(): S3Client {
    return new S3Client({
      endpoint: this.ministack.endpoint,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
  }

  putSecret(target: string, value: unknown): Promise<unknown> {
    const body = { SecretId: secretOf(target), SecretString: JSON.stringify(value) };
    return this.ministack.call('secretsmanager.PutSecretValue', body);
  }

  /** Invokes a function by hand: the schedule's, unless another is named. */
  async invoke(
    type: 'Event' | 'RequestResponse',
    event: Readonly<Record<string, unknown>> = {},
    functionName = this.deployed.outputs.FunctionName,
  ): Promise<Reply> {
    const path = `/2015-03-31/functions/${functionName}/invocations`;
    const response = await fetch(`${this.ministack.endpoint}${path}`, {
      method: 'POST',
      headers: {
        'X-Amz-Invocation-Type': type,
        Authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/lambda/aws4_request, SignedHeaders=host, Signature=none`,
      },
      body: JSON.stringify(event),
    });
    return { failed: response.headers.has('x-amz-function-error'), text: await response.text() };
  }

  /** Expects the files to hold the rule results of each execution of a workspace that failed or raised an alarm. */
  async expectResults(workspace: string): Promise<void> {
    const files = await storedFiles(this.store, `${resultTableName}/workspace=${workspace}/`);
    expect(await resultProblems(files, this.simulator, 'failed', () => true, workspace)).toEqual([]);
  }

  /** Expects the files to show the tasks and rules that the source lists in a workspace. */
  async expectTasks(workspace: string): Promise<void> {
    const files = await storedFiles(this.store, `${taskTableName}/workspace=${workspace}/`);
    expect(await taskProblems(files, this.simulator, workspace)).toEqual([]);
  }

  /** Expects the view to show what the source holds of each workspace, each execution once. */
  async expectTruth(): Promise<void> {
    const sql = await opened(this.store, join(await tempFolder(), 'cache'));
    for (const { workspace } of this.simulator.workspaces) {
      const rows = await ask(
        sql,
        `SELECT id, run_status, epoch_ms(start_time) AS start_ms FROM quality_instances WHERE workspace = '${workspace}' ORDER BY id`,
      );
      const truth = this.simulator.truth(workspace).executions.map(({ id, runStatus, startTimeMs }) => ({
        id,
        run_status: runStatus,
        start_ms: BigInt(startTimeMs),
      }));
      expect(rows).toEqual(truth.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    }
  }
}
