/**
 * A real HTTP server on loopback whose replies the test determines, a clock that the test moves, and a client connected
 * to both.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import type { DqsyncError } from '../../functions/errors.ts';
import type { PageRequest, Target } from '../../functions/model.ts';
import { connectSource, type Source } from '../../functions/source/client.ts';
import { createPacer } from '../../functions/source/pacing.ts';
import type { SourceOptions } from '../../functions/source/requester.ts';

/** A received request. */
export interface Received {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A reply, or a way to fail. */
export type Answer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string | Buffer }
  | 'reset'
  | 'hang'
  | ((response: ServerResponse) => void);

/** A server that records its requests. */
export interface Loopback {
  readonly url: string;
  readonly received: Received[];
}

/** Starts a server that is closed when the test is finished. */
export async function startLoopback(
  answer: (request: Received, index: number) => Answer | Promise<Answer>,
): Promise<Loopback> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void readRequest(request).then(async (one) => {
      received.push(one);
      reply(response, await answer(one, received.length - 1));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, received };
}

async function readRequest(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return {
    method: request.method ?? '',
    url: new URL(request.url ?? '', 'http://loopback'),
    headers: request.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

function reply(response: ServerResponse, answer: Answer): void {
  if (answer === 'hang') {
    return;
  }
  if (answer === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (typeof answer === 'function') {
    answer(response);
    return;
  }
  response.writeHead(answer.status ?? 200, { 'content-type': 'application/json', ...answer.headers });
  response.end(answer.body ?? '');
}

/** Makes a clock whose sleeps end immediately and advance the time. */
export interface TestClock extends Clock {
  readonly sleeps: number[];
  advance(ms: number): void;
}

export function testClock(startMs = Date.UTC(2026, 0, 2)): TestClock {
  let nowMs = startMs;
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => nowMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      sleeps.push(ms);
      nowMs += ms;
    },
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

export const aTarget: Target = { name: 'sales', projectId: '0b1c2d', workspace: '9f2e3d', filter: {} };

export const aRequest: PageRequest = {
  startTimeMs: 1_767_225_600_000,
  endTimeMs: 1_767_229_200_000,
  filter: {},
  limit: 100,
  offset: 0,
};

/** Returns the body of a page of `rowCount` rows. */
export function aPageBody(rowCount = 1): string {
  const rows = Array.from(
    { length: rowCount },
    (_, index) =>
      `{"id":${9_007_199_254_740_993n + BigInt(index)},"name":"rule ${index}","task_id":1,"task_type":"QUALITY_TASK",` +
      `"run_status":"SUCCESS","notity_status":"SUCCESS","start_time":${1_767_225_600_000 + index},"end_time":1767225700000}`,
  );
  return `{"count":${rowCount},"resources":[${rows.join(',')}]}`;
}

export const aPage = { body: aPageBody() };

/** Writes a secret to a file, which the test may rewrite. */
export function secretFile(secret: object): { ref: string; write(secret: object): void } {
  const folder = mkdtempSync(join(tmpdir(), 'dqsync-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'secret.json');
  const write = (value: object) => writeFileSync(path, JSON.stringify(value));
  write(secret);
  return { ref: `file:${path}`, write };
}

/** Connects a client, by default with an unlimited quota, a token as secret and a test clock. */
export function connect(endpoint: string, options: Partial<SourceOptions> = {}): Source & { clock: TestClock } {
  const clock = testClock();
  const source = connectSource({
    target: aTarget,
    source: { endpoint },
    iamEndpoint: undefined,
    credentialsRef: options.credentialsRef ?? secretFile({ token: 'planted-token-7f3a' }).ref,
    pacer: createPacer({ requests: 1_000_000, perSeconds: 10 }, options.clock ?? clock),
    clock,
    random: () => 0.5,
    ...options,
  });
  onTestFinished(() => source.close());
  return { ...source, clock };
}

/** Returns the error that a promise rejects with. */
export async function errorOf<E extends DqsyncError>(promise: Promise<unknown>): Promise<E> {
  try {
    await promise;
  } catch (error) {
    return error as E;
  }
  throw new Error('it did not fail');
}

/** Returns everything that could be printed of an error, hidden properties and causes included. */
export function everythingIn(error: unknown): string {
  return [
    inspect(error, { depth: null, showHidden: true, getters: true }),
    JSON.stringify(error),
    String(error),
    error instanceof Error ? `${error.stack}` : '',
  ].join('\n');
}
