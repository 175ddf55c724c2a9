import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { SourceError, StoppedError } from '../../functions/errors.ts';
import { createPacer } from '../../functions/source/pacing.ts';
import { type Answer, aPage, aPageBody, aRequest, connect, errorOf, startLoopback, testClock } from './loopback.ts';

function cutOff(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"count":1,"resou');
  setImmediate(() => response.destroy());
}

function cutOffChunked(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"count":1,"resou');
  setImmediate(() => response.destroy());
}

function stallInBody(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"count":1,');
}

const faults: [string, Answer][] = [
  ['HTTP 500', { status: 500, body: '{"error_code":"DQC.0001","error_msg":"oops"}' }],
  [
    'HTTP 502 of a gateway',
    { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway</html>' },
  ],
  ['HTTP 408', { status: 408 }],
  ['a connection reset', 'reset'],
  ['a body shorter than its Content-Length', cutOff],
  ['a chunked body that breaks off', cutOffChunked],
  ['a complete transfer of half the JSON', { body: '{"count":1,"resources":[{"id":1' }],
  ['an empty body', { body: '' }],
  ['a body without resources', { body: '{"count":1}' }],
  ['an HTML page with status 200', { headers: { 'content-type': 'text/html' }, body: '<html>log in</html>' }],
  ['a body that is not UTF-8', { body: Buffer.from(aPageBody().replace('rule', 'r\u00e9gle'), 'latin1') }],
];

describe.each(faults)('%s', (name, fault) => {
  it('is retried after a growing wait', async () => {
    const server = await startLoopback((_, index) => (index < 2 ? fault : aPage));
    const source = connect(server.url);
    const page = await source.fetchPage(aRequest);
    expect(page.executions).toHaveLength(1);
    expect(source.clock.sleeps).toEqual([250, 500]);
    expect(source.stats()).toMatchObject({ requests: 3, retries: 2, throttled: 0 });
  });

  it('leads to it after two attempts if a request for more rows has failed', async () => {
    const server = await startLoopback(() => fault);
    const source = connect(server.url);
    await errorOf<SourceError>(source.fetchPage({ ...aRequest, isDoubtful: true }));
    expect(server.received).toHaveLength(2);
  });

  it('leads to a retryable SourceError after six attempts', async () => {
    const server = await startLoopback(() => fault);
    const source = connect(server.url);
    const error = await errorOf<SourceError>(source.fetchPage(aRequest));
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ target: 'sales', retryable: true, mayBeOfRequest: name !== 'HTTP 408' });
    expect(error.message).toContain('from 2026-01-01T00:00:00.000Z to 2026-01-01T01:00:00.000Z');
    expect(server.received).toHaveLength(6);
  });
});

// Only one attempt fails in these tests, because undici's timers tick about once a second.
describe.each<[string, string, Answer]>([
  ['missing headers', 'UND_ERR_HEADERS_TIMEOUT', 'hang'],
  ['a stalled body', 'UND_ERR_BODY_TIMEOUT', stallInBody],
])('%s', (_name, code, fault) => {
  it('leads to a retry after the time limit', async () => {
    const reasons: unknown[] = [];
    const server = await startLoopback((_, index) => (index === 0 ? fault : aPage));
    const source = connect(server.url, {
      limits: { headersTimeoutMs: 60, bodyTimeoutMs: 60 },
      log: (_level, _message, fields) => reasons.push(fields['reason']),
    });
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    expect(reasons).toEqual([
      expect.stringMatching(`the reply from 127.0.0.1:\\d+ did not arrive in time \\(${code}\\)`),
    ]);
  });
});

describe('waiting between attempts', () => {
  it('takes a random time from a span that doubles, up to 20 seconds', async () => {
    const server = await startLoopback(() => ({ status: 503 }));
    const source = connect(server.url, { random: () => 0.999_999 });
    await errorOf(source.fetchPage(aRequest));
    expect(source.clock.sleeps).toEqual([500, 1000, 2000, 4000, 8000]);
  });

  it('can take no time, because the jitter is full', async () => {
    const server = await startLoopback(() => ({ status: 503 }));
    const source = connect(server.url, { random: () => 0 });
    await errorOf(source.fetchPage(aRequest));
    expect(source.clock.sleeps).toEqual([]);
  });
});

describe('HTTP 429', () => {
  const throttled = { status: 429, body: '{"error_code":"APIG.0308","error_msg":"throttled","request_id":"r1"}' };

  const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
  it.each<[string, object, number]>([
    ['for the seconds in Retry-After', { headers: { 'retry-after': '7' } }, 7000],
    [
      'until the date in Retry-After, by the clock of the source',
      { headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT', date } },
      9000,
    ],
    ["for the quota's window without Retry-After", {}, 10_300],
    ["for the quota's window if only the code is that of throttling", { status: 403 }, 10_300],
    ['for fractions of a second in Retry-After', { headers: { 'retry-after': '1.5' } }, 1500],
    ...['-1', '+5', '5 seconds', '1,5', '99999999999999999999'].map((text): [string, object, number] => [
      `for the quota's window if Retry-After is unreadable: ${text}`,
      { headers: { 'retry-after': text } },
      10_300,
    ]),
  ])('leads to a wait %s', async (_, change, waitMs) => {
    const server = await startLoopback((__, index) => (index === 0 ? { ...throttled, ...change } : aPage));
    const source = connect(server.url);
    await source.fetchPage(aRequest);
    expect(source.clock.sleeps).toEqual([waitMs]);
    expect(source.stats()).toMatchObject({ requests: 2, retries: 1, throttled: 1 });
  });

  it('delays the other targets of the same user too', async () => {
    const clock = testClock();
    const pacer = createPacer({ requests: 1_000_000, perSeconds: 10 }, clock);
    const server = await startLoopback((_, index) => (index === 0 ? throttled : aPage));
    const one = connect(server.url, { clock, pacer });
    const other = connect(server.url, { clock, pacer });
    await one.fetchPage(aRequest);
    expect(clock.sleeps).toEqual([10_300]);
    await other.fetchPage(aRequest);
    expect(clock.now()).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 2) + 10_300);
  });

  it('leads to a SourceError after its own retry budget of eight attempts', async () => {
    const server = await startLoopback(() => throttled);
    const source = connect(server.url);
    const error = await errorOf<SourceError>(source.fetchPage(aRequest));
    expect(error).toMatchObject({ httpStatus: 429, code: 'APIG.0308', requestId: 'r1', mayBeOfRequest: false });
    expect(error.remedy).toContain('source.quota.requests');
    expect(source.stats()).toMatchObject({ requests: 9, throttled: 9, retries: 8 });
  });

  it('does not use up the retry budget of faults', async () => {
    const answers = [throttled, throttled, ...Array.from({ length: 5 }, () => ({ status: 500 })), throttled, aPage];
    const server = await startLoopback((_, index) => answers[index] ?? aPage);
    const source = connect(server.url);
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
  });
});

describe('a failed connection', () => {
  it('is retried up to four attempts, and then reported with the endpoint to check', async () => {
    const source = connect('http://127.0.0.1:1');
    const error = await errorOf<SourceError>(source.fetchPage(aRequest));
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', retryable: true, mayBeOfRequest: false });
    expect(error.remedy).toContain('Check source.endpoint');
    expect(source.clock.sleeps).toEqual([250, 500, 1000]);
  });

  it('is reported with DNS if the host is unknown', async () => {
    const source = connect('http://no-such-host.invalid');
    const error = await errorOf<SourceError>(source.fetchPage(aRequest));
    expect(error.code).toMatch(/ENOTFOUND|EAI_AGAIN/);
    expect(error.remedy).toContain('DNS');
  });

  it('is not retried over TLS to a server without TLS', async () => {
    const server = await startLoopback(() => aPage);
    const source = connect(server.url.replace('http:', 'https:'));
    const error = await errorOf<SourceError>(source.fetchPage(aRequest));
    expect(error).toMatchObject({ retryable: false });
    expect(error.remedy).toContain('source.endpoint');
    expect(source.stats().requests).toBe(1);
  });
});

describe('a large or slow reply', () => {
  it('is not read beyond the size limit, and not retried', async () => {
    const server = await startLoopback(() => ({ body: Buffer.alloc(200_000, 0x20) }));
    const source = connect(server.url, { limits: { maxReplyBytes: 100_000 } });
    const error = await errorOf<SourceError>(source.fetchPage(aRequest));
    expect(error).toMatchObject({ code: 'UND_ERR_RES_EXCEEDED_MAX_SIZE', mayBeOfRequest: true });
    expect(server.received).toHaveLength(1);
  });

  it('may be as large as the size limit', async () => {
    const body = aPageBody(100).padEnd(100_000, ' ');
    const server = await startLoopback(() => ({ body }));
    const source = connect(server.url, { limits: { maxReplyBytes: 100_000 } });
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(100);
  });

  it('fails if it takes longer than the time limit of a request', async () => {
    const server = await startLoopback(() => (response) => {
      const timer = setInterval(() => response.write(' '), 10);
      response.on('close', () => clearInterval(timer));
    });
    const source = connect(server.url, { limits: { requestTimeoutMs: 80 } });
    const error = await errorOf<SourceError>(source.fetchPage(aRequest));
    expect(error).toMatchObject({ code: 'REQUEST_TIMEOUT', retryable: true, mayBeOfRequest: false });
  });
});

it.each([
  ['status 503', { status: 503 }, 'source'],
  ['status 429', { status: 429 }, 'source'],
])(
  'during retries the client reports a failing source after %s, and none after a page',
  async (_name, trouble, kind) => {
    const server = await startLoopback((_, index) => (index < 2 ? trouble : aPage));
    const kinds: (string | undefined)[] = [];
    const source = connect(server.url, { log: () => kinds.push(source.stats().failing?.kind) });
    await source.fetchPage(aRequest);
    expect(kinds).toEqual([kind, kind]);
    expect(source.stats().failing).toBeNull();
  },
);

describe('the signal', () => {
  const stop = new StoppedError('time is up', { remedy: 'Run again.', code: 'SIGINT' });

  it('aborts a request in flight with its reason', async () => {
    const controller = new AbortController();
    const server = await startLoopback(() => {
      controller.abort(stop);
      return 'hang';
    });
    const source = connect(server.url, { signal: controller.signal });
    expect(await errorOf(source.fetchPage(aRequest))).toBe(stop);
    expect(source.stats().retries).toBe(0);
  });

  it.each([
    ['is failing if it gave no reply for two seconds', 2_000, 0, 'source'],
    ['is not failing if it had less than two seconds', 1_999, 0, undefined],
    ['is not failing if it has replied before', 20_000, 1, undefined],
  ])('ends a request, and the source %s', async (_name, waitedMs, replies, kind) => {
    const controller = new AbortController();
    const clock = testClock();
    const server = await startLoopback((_, index) => {
      if (index < replies) {
        return aPage;
      }
      clock.advance(waitedMs);
      controller.abort(stop);
      return 'hang';
    });
    const source = connect(server.url, { signal: controller.signal, clock });
    for (let reply = 0; reply < replies; reply += 1) {
      await source.fetchPage(aRequest);
    }
    expect(await errorOf(source.fetchPage(aRequest))).toBe(stop);
    expect(source.stats().failing?.kind).toBe(kind);
  });

  it('ends a wait between attempts with its reason', async () => {
    const controller = new AbortController();
    const server = await startLoopback(() => ({ status: 500 }));
    const clock = {
      now: () => 0,
      sleep: (_ms: number, signal?: AbortSignal) =>
        new Promise<void>((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason));
          controller.abort(stop);
        }),
    };
    const source = connect(server.url, { signal: controller.signal, clock });
    expect(await errorOf(source.fetchPage(aRequest))).toBe(stop);
    expect(server.received).toHaveLength(1);
  });

  it('ends a wait for the quota with its reason', async () => {
    const controller = new AbortController();
    const server = await startLoopback(() => aPage);
    const pacer = createPacer({ requests: 1, perSeconds: 3600 }, testClock());
    const source = connect(server.url, { signal: controller.signal, pacer });
    await source.fetchPage(aRequest);
    const second = errorOf(source.fetchPage(aRequest));
    setImmediate(() => controller.abort(stop));
    expect(await second).toBe(stop);
    expect(server.received).toHaveLength(1);
  });

  it('prevents requests once it is aborted', async () => {
    const server = await startLoopback(() => aPage);
    const source = connect(server.url, { signal: AbortSignal.abort(stop) });
    expect(await errorOf(source.fetchPage(aRequest))).toBe(stop);
    expect(server.received).toEqual([]);
    expect(source.stats().requests).toBe(0);
  });

  it('does not count requests that it prevented', async () => {
    const controller = new AbortController();
    const server = await startLoopback(() => aPage);
    const pacer = {
      admit: async () => {
        controller.abort(stop);
        return 0;
      },
      slowDown: () => undefined,
      pace: () => 1,
      recent: () => [],
      opensAtMs: () => 0,
    };
    const source = connect(server.url, { signal: controller.signal, pacer });
    expect(await errorOf(source.fetchPage(aRequest))).toBe(stop);
    expect(source.stats().requests).toBe(0);
  });
});
