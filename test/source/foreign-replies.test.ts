/** Undocumented replies: errors with status 200, content codings, replies of proxies, long waits. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { SourceError } from '../../functions/errors.ts';
import { type Answer, aPage, aPageBody, aRequest, connect, startLoopback, testClock } from './loopback.ts';

/** Returns the error of a source that always gives the same reply. */
async function errorOf(answer: Answer, options: Parameters<typeof connect>[1] = {}): Promise<SourceError> {
  const server = await startLoopback(() => answer);
  const thrown = await connect(server.url, options)
    .fetchPage(aRequest)
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(SourceError);
  return thrown as SourceError;
}

describe('an error with status 200', () => {
  it.each([
    ['DQC.5000', 'internal: workspace offline'],
    ['DAYU.3001', 'project is frozen'],
  ])("is reported with the source's message: %s", async (code, text) => {
    const error = await errorOf({ body: JSON.stringify({ error_code: code, error_msg: text, request_id: 'r1' }) });
    expect(error.message).toContain(`with an error (HTTP 200): ${text}`);
    expect(error).toMatchObject({ code, requestId: 'r1', httpStatus: 200 });
  });

  it.each<[string, object]>([
    ['names in camel case', { errorCode: 'GW.1', errorMessage: 'no route' }],
    ['capitals', { ErrorCode: 'GW.1', ErrorMessage: 'no route' }],
    ['short names', { code: 'GW.1', msg: 'no route' }],
    ['a message', { code: 'GW.1', message: 'no route', data: null }],
    ['an object', { error: { code: 'GW.1', message: 'no route', title: 'Bad' } }],
    ['an object with the same names', { error: { error_code: 'GW.1', error_msg: 'no route' } }],
    ['a list', { errors: [{ code: 'GW.1', detail: 'no route' }] }],
    ['a fault', { fault: { code: 'GW.1', description: 'no route' } }],
    ['OAuth', { error: 'GW.1', error_description: 'no route' }],
    ['a text alone', { error: 'no route' }],
    ['a message alone', { message: 'no route' }],
  ])("is reported with the gateway's message, also with status 400 and 500: %s", async (_, body) => {
    for (const status of [200, 400, 500]) {
      const error = await errorOf({ status, body: JSON.stringify(body) });
      expect(error.message).toMatch(/ (HTTP 400|HTTP 500|an error \(HTTP 200\)): no route$/);
      expect(error.code).toBe(JSON.stringify(body).includes('GW.1') ? 'GW.1' : undefined);
    }
  });

  it('may be plain text, but not with status 200', async () => {
    const answer = { headers: { 'content-type': 'text/plain' }, body: 'upstream connect error' };
    expect((await errorOf({ ...answer, status: 503 })).message).toContain('HTTP 503: upstream connect error');
    expect((await errorOf(answer)).message).toContain('garbled');
  });

  it('an error with status 200 and the code of throttling is handled like status 429', async () => {
    let asked = 0;
    const server = await startLoopback(() =>
      ++asked === 1 ? { body: '{"error_code":"APIG.0308","error_msg":"slow down"}' } : aPage,
    );
    const source = connect(server.url);
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    expect(source.stats().throttled).toBe(1);
  });

  it.each([
    '{"count":0,"resources":null,"error_code":"DQC.1","error_msg":"no"}',
    '{"count":0,"resources":[],"error_code":"DQC.1","error_msg":"no"}',
    '{"count":0,"resources":null,"errorCode":"DQC.1","errorMessage":"no"}',
    '{"count":0,"resources":null,"code":"DQC.1","message":"no"}',
    '{"count":0,"resources":[],"error":{"message":"no"}}',
    '{"count":0,"message":"no"}',
  ])('is not treated as an empty list, whatever its count: %s', async (body) => {
    expect((await errorOf({ body })).message).toMatch(/\(HTTP 200\): no$/);
  });
});

describe('an empty list', () => {
  it.each([
    '{"count":0,"resources":null,"request_id":"abc"}',
    '{"count":0,"resources":null}',
    '{"count":0,"resources":[],"request_id":"abc"}',
    '{"count":"0","resources":null}',
    '{"count":0}',
    '{"count":0,"resources":[],"error_code":"","error_msg":null,"message":"success"}',
    '{"count":0,"resources":null,"requestId":"abc","error_code":null}',
  ])('may be written as %s', async (body) => {
    const server = await startLoopback(() => ({ body }));
    expect(await connect(server.url).fetchPage(aRequest)).toMatchObject({ count: 0, executions: [], unreadable: [] });
  });

  it.each(['{"count":3,"resources":null}', '{"resources":null}', '{"count":0,"rows":[1]}'])(
    'is not %s',
    async (body) => {
      expect((await errorOf({ body })).message).toContain('no array "resources"');
    },
  );
});

describe('an unrequested content coding', () => {
  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZIP', gzipSync],
    ['deflate', deflateSync],
    ['identity', Buffer.from],
  ] as const)('is decoded: %s', async (coding, encode) => {
    const server = await startLoopback(() => ({
      headers: { 'content-encoding': coding },
      body: Buffer.from(encode(aPageBody(3))),
    }));
    expect((await connect(server.url).fetchPage(aRequest)).executions).toHaveLength(3);
  });

  it.each([
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip', gzipSync],
  ] as const)('is ruled out by the request: %s', async (coding, encode) => {
    const server = await startLoopback(({ headers }) => {
      const { 'accept-encoding': accepted = coding } = headers;
      return accepted.includes(coding)
        ? { headers: { 'content-encoding': coding }, body: Buffer.from(encode(aPageBody(3))) }
        : { body: aPageBody(3) };
    });
    expect((await connect(server.url).fetchPage(aRequest)).executions).toHaveLength(3);
  });

  it('is refused if the body does not match it', async () => {
    const error = await errorOf({ headers: { 'content-encoding': 'gzip' }, body: aPageBody(1) });
    expect(error.message).toContain('garbled');
  });

  it('is named if it cannot be decoded', async () => {
    const body = brotliCompressSync(aPageBody(1));
    const error = await errorOf({ headers: { 'content-encoding': 'br' }, body });
    expect(error.message).toContain('it cannot be decoded to UTF-8 (application/json, content coding br)');
  });
});

it('a web page with status 401 is reported as one, with the proxy to check', async () => {
  const server = await startLoopback(() => ({
    status: 401,
    headers: { 'content-type': 'text/html' },
    body: '<title>Proxy login</title>',
  }));
  const error = await connect(server.url)
    .fetchPage(aRequest)
    .catch((thrown: unknown) => thrown);
  expect(String(error)).toContain('with HTTP 401: a web page "Proxy login"');
  expect(error).toHaveProperty('remedy', expect.stringContaining('proxy or web filter'));
});

it.each([
  [
    { status: 302, headers: { location: 'https://login.example.com/sso?token=abc' } },
    'a redirect to https://login.example.com',
  ],
  [{ status: 301, headers: { location: '/v3' } }, 'a redirect to another path'],
  [
    { status: 403, headers: { 'content-type': 'text/html', server: 'squid' }, body: '<html><title>Blocked</title>' },
    'a web page "Blocked" from squid',
  ],
  [{ status: 407, headers: { 'content-type': 'text/html' }, body: '<!doctype html><p>' }, 'a web page'],
  [
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><title>Log in</title>' },
    'a web page "Log in"',
  ],
])('a reply of a middlebox in front of the API is reported as such: %j', async (answer, said) => {
  const error = await errorOf(answer);
  expect(error.message).toContain(said);
  expect(error.message).not.toContain('token=abc');
  expect(error.remedy).toContain('proxy');
});

describe('a wait that the source requests', () => {
  const throttled = (retryAfter: string): Answer => ({
    status: 429,
    headers: { 'retry-after': retryAfter },
    body: '{"error_code":"APIG.0308","error_msg":"quota of the day is used up"}',
  });

  it.each([
    ['hours', '21600', Number.POSITIVE_INFINITY, '2026-01-02T06:00:00.000Z'],
    ['a date', 'Fri, 02 Jan 2026 06:00:00 GMT', Number.POSITIVE_INFINITY, '2026-01-02T06:00:00.000Z'],
    ['more than the time left', '60', 25_000, '2026-01-02T00:01:00.000Z'],
  ])(
    'a requested wait that is too long ends the run immediately with its own message: %s',
    async (_, retryAfter, timeLeftMs, until) => {
      const clock = testClock();
      const server = await startLoopback(() => ({
        ...(throttled(retryAfter) as object),
        headers: { 'retry-after': retryAfter, date: new Date(clock.now()).toUTCString() },
      }));
      const source = connect(server.url, { clock, timeLeftMs: () => timeLeftMs });
      const error = await source.fetchPage(aRequest).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ httpStatus: 429, code: 'APIG.0308' });
      expect(String(error)).toContain('quota of the day is used up');
      expect((error as SourceError).remedy).toContain(`The source asks to wait until ${until}: run again after that`);
      expect(server.received).toHaveLength(1);
      expect(clock.sleeps).toEqual([]);
    },
  );

  it('a requested wait that is short enough is respected', async () => {
    const clock = testClock();
    let asked = 0;
    const server = await startLoopback(() => (++asked === 1 ? throttled('20') : aPage));
    await connect(server.url, { clock, timeLeftMs: () => 25_000 }).fetchPage(aRequest);
    expect(clock.now()).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 2) + 20_000);
  });
});
