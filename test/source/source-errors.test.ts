import { describe, expect, it } from 'vitest';
import { describeError, SourceError } from '../../functions/errors.ts';
import { aRequest, connect, errorOf, everythingIn, secretFile, startLoopback } from './loopback.ts';

async function refusedWith(status: number, body: unknown, headers: Record<string, string> = {}): Promise<SourceError> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const server = await startLoopback(() => ({ status, headers, body: text }));
  const source = connect(server.url);
  const error = await errorOf<SourceError>(source.fetchPage(aRequest));
  expect(server.received).toHaveLength(1);
  return error;
}

describe('a refusal', () => {
  it("a refusal with status 400 is reported with the source's message and never retried", async () => {
    const error = await refusedWith(400, { error_code: 'DQC.1002', error_msg: 'offset is too deep' });
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ httpStatus: 400, code: 'DQC.1002', target: 'sales', retryable: false });
    expect(error.window).toEqual({ fromMs: 1_767_225_600_000, toMs: 1_767_229_200_000 });
    expect(error.message).toBe(
      'the source refused the list of instances from 2026-01-01T00:00:00.000Z to 2026-01-01T01:00:00.000Z ' +
        'with HTTP 400: offset is too deep',
    );
    expect(describeError(error)).toContain('target sales: the source refused');
    expect(describeError(error)).toContain('(code DQC.1002)');
  });

  it.each([
    [400, 'The workspace does not exist.'],
    [404, 'project_id is invalid'],
  ])('a refusal with status %i about %s is reported with the keys to check', async (status, error_msg) => {
    const error = await refusedWith(status, { error_code: 'DQC.1', error_msg });
    expect(error.httpStatus).toBe(status);
    expect(error.remedy).toBe('Check targets[].workspace and targets[].projectId.');
  });

  it('a refusal with status 403 is reported with the permission', async () => {
    const error = await refusedWith(403, { error_code: 'DQC.0403', error_msg: 'no permission' });
    expect(error).toMatchObject({ httpStatus: 403, retryable: false });
    expect(error.remedy).toMatch(/permission.*DataArts.*targets\[\]\.workspace/);
  });

  it('is reported with the request id of the body', async () => {
    const error = await refusedWith(404, { error_code: 'APIG.0101', error_msg: 'no API', request_id: 'abc123' });
    expect(error).toMatchObject({ code: 'APIG.0101', requestId: 'abc123' });
  });

  it('is reported with the request id of the header if the body has none', async () => {
    const error = await refusedWith(400, { error_code: 'DQC.1' }, { 'x-request-id': 'from-header' });
    expect(error.requestId).toBe('from-header');
  });

  it.each([
    ['its request id if there is one', { 'x-request-id': 'abc' }, 'give the request id to'],
    ['the time and the code if there is no request id', {}, 'give the time and the error code to'],
  ])('with status 500 is reported with what to give to support: %s', async (_, headers, advice) => {
    const server = await startLoopback(() => ({
      status: 500,
      headers,
      body: '{"error_code":"DQC.5","error_msg":"no"}',
    }));
    const error = await errorOf<SourceError>(connect(server.url).fetchPage(aRequest));
    expect(error.remedy).toContain(advice);
  });

  it.each([['null'], ['[]'], ['3'], ['{"error_code":{},"error_msg":[]}'], ['']])(
    'with the body %s is reported with the status',
    async (body) => {
      expect((await refusedWith(400, body)).httpStatus).toBe(400);
    },
  );

  it('is reported with at most 300 characters of the source, without control characters', async () => {
    const error = await refusedWith(400, { error_msg: `first\r\nsecond\u001b[31m\u0000${' word'.repeat(200)}` });
    const said = error.message.split('HTTP 400: ')[1] ?? '';
    expect(said).toMatch(/^first second \[31m/);
    expect(said).toHaveLength(301);
    expect(said).not.toMatch(/[\p{Cc}]/u);
  });
});

describe('a secret that the source echoes', () => {
  it.each([
    ['with a final period', 'planted.pass.', 'planted.pass.', 'planted.pass'],
    ['with a tab', 'planted\tpass', 'planted\tpass', 'planted pass'],
    ['with an invisible character', 'planted\u200bpass', 'planted\u200bpass', 'planted pass'],
    ['with a blank at its end, which the source removes', 'planted ', 'planted', 'planted'],
    ['with a blank, in place of which the source begins a line', 'planted pass', 'planted\npass', 'planted pass'],
    ['as a URL with lower-case escapes', 'planted/pass', 'planted%2fpass', 'planted%2fpass'],
  ])('is redacted if it is a password %s', async (_, password, echoed, shown) => {
    const server = await startLoopback(() => ({
      status: 401,
      body: JSON.stringify({ error: { message: `wrong: ${echoed}` } }),
    }));
    const secret = secretFile({ domainName: 'd', userName: 'u', password });
    const source = connect(server.url, { iamEndpoint: server.url, credentialsRef: secret.ref });
    const error = await errorOf(source.fetchPage(aRequest));
    expect(error.message).toContain('wrong: [redacted]');
    expect(everythingIn(error)).not.toContain(shown);
  });

  it('is redacted if it is in the title of a web page', async () => {
    const password = `planted&<"'>`;
    const body = '<html><title>wrong: planted&amp;&lt;&quot;&#39;&gt;</title>';
    const server = await startLoopback(() => ({ status: 401, headers: { 'content-type': 'text/html' }, body }));
    const secret = secretFile({ domainName: 'd', userName: 'u', password });
    const source = connect(server.url, { iamEndpoint: server.url, credentialsRef: secret.ref });
    expect((await errorOf(source.fetchPage(aRequest))).message).toContain('a web page "wrong: [redacted]"');
  });

  it('is redacted if a part of it has the form of a token', async () => {
    const longToken = 'MIIFbQYJKoZIhvcNAQcCoIIFXjCCBVoCAQExDTALBglghkgBZQMEAgEwggN7BgkqhkiG9w0BBwGgggNs';
    const error = await refusedWith(400, { error_msg: `decrypt token fail, token:${longToken.slice(0, 70)}` });
    expect(error.message).toContain('decrypt token fail, token:[redacted]');
  });
});
