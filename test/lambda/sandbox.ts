/**
 * A stand-in for the Lambda service: the real handler with real connections, a simulated source, a warehouse in a
 * folder, and everything that was printed.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from 'aws-lambda';
import { onTestFinished } from 'vitest';
import { openConnections } from '../../functions/connect.ts';
import { createHandler, type Handler } from '../../functions/lambda/create-handler.ts';
import { defaultAccount } from '../simulator/accounts.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../simulator/server.ts';
import { duckdb } from '../support/referee.ts';
import { tempFolder } from '../support/temp-warehouse.ts';

/** All texts that must not be printed. */
export const secretTexts: readonly string[] = [
  defaultAccount.password.password,
  defaultAccount.accessKeys[0].secretAccessKey,
  defaultAccount.tokens[0],
];

/** A JSON line that the function printed. */
export type PrintedLine = Readonly<Record<string, unknown>>;

/** A deployed function. */
export interface Sandbox {
  readonly simulator: Simulator;
  readonly environment: Record<string, string | undefined>;
  readonly warehouseFolder: string;
  readonly handler: Handler;
  /** Returns a context with this much time left from now. */
  context(remainingMs?: number): Context;
  /** Returns everything printed so far. */
  printed(): string;
  /** Returns the log lines, without metrics. */
  logs(): PrintedLine[];
  /** Returns the EMF documents. */
  metrics(): PrintedLine[];
  /** Returns the numbers of distinct and of all rows of the table. */
  countRows(): Promise<{ readonly executions: number; readonly rows: number }>;
}

/** Options of a function. */
export interface SandboxOptions {
  readonly simulator?: SimulatorOptions;
  /** Stored as the secret. Default: an access key. */
  readonly secret?: unknown;
}

/** The configuration in the function's environment. */
interface SandboxConfig {
  readonly warehouse: string;
  readonly source: Readonly<Record<string, unknown>>;
  readonly targets: readonly Readonly<Record<string, unknown>>[];
  readonly initialFrom: string;
  readonly maxRunSeconds?: number;
}

/** Changes the configuration before the first invocation. */
export function changeConfig(sandbox: Sandbox, change: (config: SandboxConfig) => SandboxConfig): void {
  const config = JSON.parse(sandbox.environment['DQSYNC_CONFIG'] ?? '') as SandboxConfig;
  sandbox.environment['DQSYNC_CONFIG'] = JSON.stringify(change(config));
}

/** The start of the source's rows: two hours before now. */
export const rowsFromMs = Date.now() - 2 * 3_600_000;

/** Starts a source and a function, until the test is finished. */
export async function deploy(options: SandboxOptions = {}): Promise<Sandbox> {
  const folder = await tempFolder();
  const simulator = await startSimulator(options.simulator);
  onTestFinished(() => simulator.close());
  const secretFile = join(folder, 'secret.json');
  await writeFile(secretFile, JSON.stringify(options.secret ?? defaultAccount.accessKeys[0]));
  const warehouseFolder = join(folder, 'warehouse');
  const config: SandboxConfig = {
    warehouse: `file:${warehouseFolder}`,
    source: {
      endpoint: simulator.url,
      iamEndpoint: simulator.iamUrl,
      quota: { requests: 10_000, perSeconds: 1 },
    },
    targets: simulator.workspaces.map(({ projectId, workspace }, index) => ({
      name: `target-${index + 1}`,
      projectId,
      workspace,
      credentials: `file:${secretFile}`,
    })),
    initialFrom: new Date(rowsFromMs - 60_000).toISOString(),
  };
  const environment: Record<string, string | undefined> = { DQSYNC_CONFIG: JSON.stringify(config) };
  const chunks = capturedStreams();
  const lines = (): PrintedLine[] =>
    chunks
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as PrintedLine);
  return {
    simulator,
    environment,
    warehouseFolder,
    handler: createHandler({ environment, open: openConnections }),
    context: fakeContext,
    printed: () => chunks.join(''),
    logs: () => lines().filter((line) => !('_aws' in line)),
    metrics: () => lines().filter((line) => '_aws' in line),
    countRows: () => countRows(warehouseFolder),
  };
}

/** Makes a context with this much time left from now. */
export function fakeContext(remainingMs = 900_000): Context {
  const endMs = Date.now() + remainingMs;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'dqsync-test',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:dqsync-test',
    memoryLimitInMB: '512',
    awsRequestId: '6f0e3b1c-2f3f-4a7e-9d2b-5b7c1d8e9f00',
    logGroupName: '/aws/lambda/dqsync-test',
    logStreamName: '2026/01/01/[$LATEST]0123456789abcdef',
    getRemainingTimeInMillis: () => endMs - Date.now(),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}

/** Captures the process's streams, to which Powertools writes through its own console, as in Lambda. */
export function capturedStreams(): string[] {
  const chunks: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    const original = stream.write;
    stream.write = (chunk: string | Uint8Array): boolean => {
      chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
      return true;
    };
    onTestFinished(() => {
      stream.write = original;
    });
  }
  return chunks;
}

async function countRows(warehouseFolder: string): Promise<{ executions: number; rows: number }> {
  const files = join(warehouseFolder, 'quality_instance_observations', '**', '*.parquet');
  const [row] = await duckdb(
    `SELECT count(DISTINCT (workspace, id, start_time))::INTEGER AS executions, count(*)::INTEGER AS rows
     FROM read_parquet('${files}', hive_partitioning = true)`,
  );
  return { executions: Number(row?.['executions']), rows: Number(row?.['rows']) };
}
