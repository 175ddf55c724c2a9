/**
 * MiniStack, an AWS on this machine: installed once into a virtual environment of its own, started on a free port of
 * loopback, stopped with the tests.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import { providePython } from '../support/python.ts';

const run = promisify(execFile);
const version = '1.5.33';
/** What MiniStack's Athena asks. */
const duckdbVersion = '1.5.6';
const root = join(import.meta.dirname, '../..');
const venvName = `ministack-${version}-duckdb-${duckdbVersion}`;
const venv = join(root, '.dqsync', venvName);

/** Where MiniStack pretends to be. */
export const region = 'eu-central-1';

/** A running MiniStack. */
export interface MiniStack {
  readonly endpoint: string;
  /** What a process needs in its environment to take MiniStack for AWS. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * Calls one of the services that speak JSON, for example `AWSGlue.GetTable`. Throws where it answers with an error.
   */
  call(target: string, body: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Process ids of the function's sandboxes. */
  sandboxes(functionName: string): Promise<number[]>;
  stop(): Promise<void>;
}

/** Installs MiniStack if it is missing. Returns false without python3; throws under CI. */
export async function provideMiniStack(): Promise<boolean> {
  const packages = [`ministack==${version}`, `duckdb==${duckdbVersion}`];
  return (await providePython(venvName, packages, 'the end-to-end suite')) !== null;
}

/** Starts a MiniStack with nothing in it. */
export async function startMiniStack(): Promise<MiniStack> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const data = await mkdtemp(join(tmpdir(), 'dqsync-ministack-'));
  // It runs Lambda functions by the "node" of its PATH, with its own environment around theirs: so that is a bare one.
  const process_ = spawn(join(venv, 'bin/python'), ['-m', 'ministack'], {
    stdio: 'ignore',
    env: {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: venv,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_HOST: '127.0.0.1',
      MINISTACK_REGION: region,
      LAMBDA_EXECUTOR: 'local',
      // Its Athena reads the objects from there.
      S3_PERSIST: '1',
      S3_DATA_DIR: data,
      // Between two tries of a state machine, by what its definition says.
      SFN_WAIT_SCALE: '0.01',
    },
  });
  const exited = new Promise<void>((resolve) => process_.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    process_.kill('SIGTERM');
    const timer = setTimeout(() => process_.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(timer);
    await rm(data, { recursive: true, force: true });
  };
  try {
    await eventually('MiniStack answers', 30_000, async () => (await fetch(`${endpoint}/_ministack/health`)).ok);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    endpoint,
    environment: environmentFor(endpoint),
    call: (...args) => call(endpoint, ...args),
    sandboxes: (functionName) => sandboxes(process_.pid, functionName),
    stop,
  };
}

/** Asks again and again until it is so. What the question throws counts as not yet. */
export async function eventually(what: string, withinMs: number, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + withinMs;
  let last: unknown;
  while (Date.now() < endMs) {
    try {
      if (await isSo()) {
        return;
      }
    } catch (thrown) {
      last = thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`not within ${withinMs / 1000} s: ${what}`, { cause: last });
}

function environmentFor(endpoint: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

/** A sandbox is a child of MiniStack's, of a script in a folder that is named after the function. */
async function sandboxes(parent: number | undefined, functionName: string): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && args.includes(`ministack-lambda-${functionName}-`) ? [Number(pid)] : [];
  });
}

const services: Readonly<Record<string, string>> = {
  AWSGlue: 'glue',
  AmazonAthena: 'athena',
  AmazonSQS: 'sqs',
  AWSStepFunctions: 'states',
};

/** Signed by nobody: MiniStack reads the service and the region from the header, and believes the rest. */
async function call(endpoint: string, target: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
  const [prefix = ''] = target.split('.');
  const scope = `test/20260101/${region}/${services[prefix] ?? prefix}/aws4_request`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'X-Amz-Target': target,
      'Content-Type': 'application/x-amz-json-1.1',
      Authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${target}: ${response.status} ${text}`);
  }
  return text === '' ? {} : JSON.parse(text);
}

/** Returns a port of loopback that nobody uses at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
