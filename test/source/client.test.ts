import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import { createPacer } from '../../functions/source/pacing.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { aPage, aPageBody, aRequest, aTarget, connect, secretFile, startLoopback, testClock } from './loopback.ts';

describe('a request for a page', () => {
  it('has the documented form, with all parameters in a fixed order', async () => {
    const server = await startLoopback(() => aPage);
    const source = connect(server.url);
    await source.fetchPage({
      ...aRequest,
      offset: 200,
      filter: { notifyStatus: 'FAILED', runStatus: 'RUNNING', taskType: 'QUALITY_TASK', name: "näme & 'more' (1)*" },
    });
    const [request] = server.received;
    expect(request?.url.pathname).toBe('/v2/0b1c2d/quality/instances');
    expect(request?.url.search).toBe(
      '?name=n%C3%A4me%20%26%20%27more%27%20%281%29%2A&task_type=QUALITY_TASK&run_status=RUNNING&notify_status=FAILED' +
        '&start_time=1767225600000&end_time=1767229200000&limit=100&offset=200',
    );
    expect(request?.headers).toMatchObject({
      workspace: '9f2e3d',
      'x-auth-token': 'planted-token-7f3a',
      accept: 'application/json',
      'user-agent': `dqsync/${packageJson.version}`,
    });
  });

  it('omits unset parameters', async () => {
    const server = await startLoopback(() => aPage);
    await connect(server.url).fetchPage(aRequest);
    expect(server.received[0]?.url.search).toBe('?start_time=1767225600000&end_time=1767229200000&limit=100&offset=0');
  });

  it('returns the rows with exact ids and the time of arrival by our clock', async () => {
    const server = await startLoopback(() => ({ body: aPageBody(2) }));
    const page = await connect(server.url).fetchPage(aRequest);
    expect(page.count).toBe(2);
    expect(page.executions.map(({ id }) => id)).toEqual([9_007_199_254_740_993n, 9_007_199_254_740_994n]);
    expect(page.receivedAtMs).toBe(Date.UTC(2026, 0, 2));
  });

  it('returns the time of the reply, not of the request', async () => {
    const clock = testClock();
    const server = await startLoopback(() => {
      clock.advance(7_000);
      return aPage;
    });
    expect((await connect(server.url, { clock }).fetchPage(aRequest)).receivedAtMs).toBe(clock.now());
  });

  it('is signed if the secret is an access key, and names the project', async () => {
    const server = await startLoopback(() => aPage);
    const { ref } = secretFile({ accessKeyId: 'AK1', secretAccessKey: 'planted-sk', securityToken: 'planted-st' });
    await connect(server.url, { credentialsRef: ref }).fetchPage(aRequest);
    expect(server.received[0]?.headers).toMatchObject({
      'x-sdk-date': '20260102T000000Z',
      'x-project-id': '0b1c2d',
      'x-security-token': 'planted-st',
      authorization: expect.stringMatching(
        /^SDK-HMAC-SHA256 Access=AK1, SignedHeaders=host;workspace;x-project-id;x-sdk-date;x-security-token, Signature=[0-9a-f]{64}$/,
      ),
    });
    expect(server.received[0]?.headers['x-auth-token']).toBeUndefined();
  });

  it('reads the secret once for many pages', async () => {
    const server = await startLoopback(() => aPage);
    const secret = secretFile({ token: 'first' });
    const source = connect(server.url, { credentialsRef: secret.ref });
    await source.fetchPage(aRequest);
    secret.write({ token: 'second' });
    await source.fetchPage(aRequest);
    expect(server.received.map(({ headers }) => headers['x-auth-token'])).toEqual(['first', 'first']);
  });

  it.each([
    ['during the TLS handshake', false],
    ['while a proxy opens a tunnel', true],
  ])('closes a connection that is not open yet: %s', async (_, isProxied) => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const accepted = new Promise<Socket>((resolve) => silent.once('connection', resolve));
    const source = connect(isProxied ? 'https://dayu.example.com' : `https://127.0.0.1:${port}`, {
      environment: isProxied ? { HTTPS_PROXY: `http://127.0.0.1:${port}` } : {},
      limits: { connectTimeoutMs: 60_000 },
    });
    const page = source.fetchPage(aRequest).catch(() => 'failed');
    const socket = await accepted;
    const ended = new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve));
    socket.resume();
    await source.close();
    await ended;
    expect(await page).toBe('failed');
  });

  it('opens nothing before the first page', async () => {
    const server = await startLoopback(() => aPage);
    const source = connect(server.url, { credentialsRef: 'file:/nowhere/secret.json' });
    await source.close();
    expect(server.received).toEqual([]);
  });
});

describe('statistics', () => {
  it('are empty before the first request', async () => {
    const server = await startLoopback(() => aPage);
    expect(connect(server.url).stats()).toEqual({
      requests: 0,
      throttled: 0,
      retries: 0,
      clockSkewMs: null,
      latencyMs: null,
      failing: null,
      quotaOpensAtMs: 0,
    });
  });

  it('count requests and retries', async () => {
    const server = await startLoopback((_, index) => (index === 0 ? { status: 500 } : aPage));
    const source = connect(server.url);
    await source.fetchPage(aRequest);
    await source.fetchPage(aRequest);
    expect(source.stats()).toMatchObject({ requests: 3, retries: 1, throttled: 0 });
  });

  it("measure how far the source's clock is ahead", async () => {
    const server = await startLoopback(() => ({ ...aPage, headers: { date: 'Fri, 02 Jan 2026 00:10:00 GMT' } }));
    const source = connect(server.url);
    await source.fetchPage(aRequest);
    expect(source.stats().clockSkewMs).toBe(600_500);
  });

  it('keep a running mean of the latency, waits not included', async () => {
    const clock = testClock();
    const tookMs = [100, 200];
    const server = await startLoopback((_, index) => {
      clock.advance(tookMs[index] ?? 0);
      return aPage;
    });
    const source = connect(server.url, { clock });
    await source.fetchPage(aRequest);
    expect(source.stats().latencyMs).toBe(100);
    clock.advance(5_000);
    await source.fetchPage(aRequest);
    expect(source.stats().latencyMs).toBe(120);
  });

  it('show when the quota admits the next request while one waits for it', async () => {
    const server = await startLoopback(() => aPage);
    const clock = testClock();
    const controller = new AbortController();
    const sleep: Clock['sleep'] = async () => controller.abort();
    const pacer = createPacer({ requests: 1, perSeconds: 3_600 }, { now: clock.now, sleep });
    const source = connect(server.url, { pacer, signal: controller.signal });
    await source.fetchPage(aRequest);
    expect(source.stats().quotaOpensAtMs).toBe(0);
    await expect(source.fetchPage(aRequest)).rejects.toThrow();
    expect(source.stats().quotaOpensAtMs).toBeGreaterThanOrEqual(clock.now() + 3_600_000);
  });

  it('are separate for each target', async () => {
    const server = await startLoopback(() => aPage);
    const [one, other] = [connect(server.url), connect(server.url, { target: { ...aTarget, name: 'other' } })];
    await one.fetchPage(aRequest);
    expect([one.stats().requests, other.stats().requests]).toEqual([1, 0]);
  });
});
