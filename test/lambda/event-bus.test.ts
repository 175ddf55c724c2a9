/** The events that EventBridge receives from the function. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PendingChange } from '../../functions/checkpoint/last-outcomes.ts';
import { detailsOf, eventBus } from '../../functions/lambda/event-bus.ts';
import { newYearMs } from '../support/builders.ts';
import { startConnectProxy } from '../support/connect-proxy.ts';
import { deploy } from './sandbox.ts';

interface Entry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
}

/** Starts a server that stands in for EventBridge, and points the SDK of this process to it. */
async function aBus(
  reply: unknown = { FailedEntryCount: 0, Entries: [{ EventId: '1' }] },
  statusCode = 200,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as { Entries: Entry[] };
    entries.push(...body.Entries);
    response.writeHead(statusCode, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(reply));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_EVENTBRIDGE', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  return entries;
}

function aChange(index: number, name = '订单金额'): PendingChange {
  const executionId = String(1_180_000_000_000_000_000n + BigInt(index));
  const taskId = '1170000000000000001';
  const id = `${taskId}:${executionId}@${newYearMs}`;
  return { id, taskId, name, from: 'SUCCESS', to: 'FAILED', sinceMs: newYearMs, inARow: 1, executionId };
}

const aTarget = { target: 'sales', workspace: 'w', projectId: 'p', runId: 'r' };

describe('an event', () => {
  it('contains all changes of a run and a target, under the name of the stack', async () => {
    const entries = await aBus();
    const sandbox = await deploy();
    sandbox.environment['DQSYNC_EVENT_SOURCE'] = 'dqsync.prod';
    await sandbox.handler({}, sandbox.context());
    expect(entries).toEqual([]);

    const startTimeMs = Math.floor(Date.now() / 1000) * 1000 - 120_000;
    sandbox.simulator.life.addExecution({ name: '订单', runStatus: 'FAILED', startTimeMs: startTimeMs - 1000 });
    sandbox.simulator.life.addExecution({ name: 'stock', runStatus: 'ALARMING', startTimeMs });
    await sandbox.handler({}, sandbox.context());
    await sandbox.handler({}, sandbox.context());
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ Source: 'dqsync.prod', DetailType: 'Quality state changed' });
    expect(JSON.parse(entries[0]!.Detail)).toMatchObject({
      target: 'target-1',
      failing: 2,
      recovered: 0,
      transitions: [
        { name: '订单', from: null, to: 'FAILED', since: new Date(startTimeMs - 1000).toISOString(), inARow: 1 },
        { name: 'stock', to: 'ALARMING', id: expect.stringMatching(/^\d+:\d+@\d+$/) },
      ],
    });
  });

  it('is sent again by the next run if EventBridge refuses it, and fails no run', async () => {
    const sandbox = await deploy();
    sandbox.environment['DQSYNC_EVENT_SOURCE'] = 'dqsync';
    await aBus({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException', ErrorMessage: 'slow down' }] });
    await sandbox.handler({}, sandbox.context());
    const startTimeMs = Math.floor(Date.now() / 1000) * 1000 - 120_000;
    sandbox.simulator.life.addExecution({ runStatus: 'FAILED', startTimeMs });
    expect(await sandbox.handler({}, sandbox.context())).toMatchObject([{ done: true }]);
    expect(sandbox.printed()).toContain('the next run tries again: EventBridge refused an event: ThrottlingException');

    const entries = await aBus();
    await sandbox.handler({}, sandbox.context());
    expect(entries.map(({ Detail }) => JSON.parse(Detail).transitions.length)).toEqual([1]);
  });

  it.each([
    ['1', {}],
    ['pass-rate', { Passed: 1, NotPassed: 2 }],
  ])('is not sent, but counted in log and metrics, if only outcomes are watched: %s', async (watch, rate) => {
    const entries = await aBus();
    const sandbox = await deploy();
    sandbox.environment['DQSYNC_WATCH_OUTCOMES'] = watch;
    await sandbox.handler({}, sandbox.context());
    const startTimeMs = Math.floor(Date.now() / 1000) * 1000 - 120_000;
    for (const runStatus of ['FAILED', 'ALARMING', 'SUCCESS']) {
      sandbox.simulator.life.addExecution({ runStatus, startTimeMs, notifyStatus: 'FAILED' });
    }
    await sandbox.handler({}, sandbox.context());
    expect(entries).toEqual([]);
    expect(sandbox.logs().at(-1)).toMatchObject({
      quality: { passed: 1, alarms: 1, failed: 1, silent: 1, newlyFailing: 2, recovered: 0, failingNow: 2 },
    });
    expect(sandbox.metrics().filter((line) => 'NewlyFailing' in line)).toMatchObject([{ NewlyFailing: 2, ...rate }]);
    expect(sandbox.metrics().some((line) => 'Passed' in line)).toBe(watch !== '1');
  });

  it('goes through the proxy of the function, and a failure names the proxy and the remedy', async () => {
    const sandbox = await deploy();
    const proxy = await startConnectProxy({ names: {}, refusal: 403 });
    Object.assign(sandbox.environment, { DQSYNC_EVENT_SOURCE: 'dqsync', HTTPS_PROXY: proxy.url });
    await aBus();
    vi.stubEnv('AWS_ENDPOINT_URL_EVENTBRIDGE', 'https://events.test');
    await sandbox.handler({}, sandbox.context());
    sandbox.simulator.life.addExecution({
      runStatus: 'FAILED',
      startTimeMs: Math.floor(Date.now() / 1000) * 1000 - 120_000,
    });

    await sandbox.handler({}, sandbox.context());

    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT events.test:443']));
    expect(sandbox.printed()).toContain(`the proxy ${proxy.url} refused to connect to events.test (HTTP 502)`);
    expect(sandbox.printed()).toContain('add the host to NO_PROXY');
  });

  it('that may not be put is reported with the permission that is missing', async () => {
    const sandbox = await deploy();
    sandbox.environment['DQSYNC_EVENT_SOURCE'] = 'dqsync';
    await aBus({ __type: 'AccessDeniedException', message: 'not authorized to perform: events:PutEvents' }, 400);
    await sandbox.handler({}, sandbox.context());
    sandbox.simulator.life.addExecution({
      runStatus: 'FAILED',
      startTimeMs: Math.floor(Date.now() / 1000) * 1000 - 120_000,
    });

    await sandbox.handler({}, sandbox.context());

    expect(sandbox.printed()).toContain('EventBridge refused an event: AccessDeniedException not authorized');
    expect(sandbox.printed()).toContain('the permission events:PutEvents.');
  });

  it('is split if it is too large, with every change in one part', () => {
    const changes = Array.from({ length: 3_000 }, (_, index) => aChange(index, '订'.repeat(100)));
    const details = detailsOf({ ...aTarget, changes });
    expect(details.length).toBeGreaterThan(5);
    expect(details.every((detail) => Buffer.byteLength(detail) < 220_000)).toBe(true);
    const ids = details.flatMap((detail) => JSON.parse(detail).transitions.map(({ id }: { id: string }) => id));
    expect(ids).toEqual(changes.map(({ id }) => id));
  });

  it('is not sent if the run has no time left', async () => {
    const entries = await aBus();
    const announced = eventBus('dqsync')({ ...aTarget, changes: [aChange(1)] }, AbortSignal.abort());
    await expect(announced).rejects.toThrow();
    expect(entries).toEqual([]);
  });
});
