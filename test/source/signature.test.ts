import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeRfc3986, signRequest } from '../../functions/source/signature.ts';

const vectorKey = { accessKeyId: 'QTWAOYTTINDUT2QVKYUC', secretAccessKey: 'MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc' };
const vectorTime = Date.UTC(2019, 10, 15, 3, 36, 55);
const vectorRequest = {
  method: 'GET',
  path: '/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/',
  query: [
    ['limit', '2'],
    ['marker', '13551d6b-755d-4757-b956-536f674975c0'],
  ] as const,
  host: 'service.region.example.com',
  headers: { 'Content-Type': 'application/json' },
};

const published =
  'SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, ' +
  'Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe';

describe('a signature', () => {
  it("equals that of Huawei Cloud's published test vector", () => {
    expect(signRequest(vectorRequest, vectorKey, vectorTime)).toEqual({
      'X-Sdk-Date': '20191115T033655Z',
      Authorization: published,
    });
  });

  it('covers the path with a slash at its end, whether the request has one or not', () => {
    const request = { ...vectorRequest, path: vectorRequest.path.slice(0, -1) };
    expect(signRequest(request, vectorKey, vectorTime)['Authorization']).toBe(published);
  });

  it('covers the sorted query', () => {
    const request = { ...vectorRequest, query: vectorRequest.query.toReversed() };
    expect(signRequest(request, vectorKey, vectorTime)['Authorization']).toBe(published);
  });

  it('covers trimmed header values, and names in lower case', () => {
    const request = { ...vectorRequest, headers: { 'CONTENT-TYPE': '  application/json ' } };
    expect(signRequest(request, vectorKey, vectorTime)['Authorization']).toBe(published);
  });

  it('covers the time in whole seconds', () => {
    expect(signRequest(vectorRequest, vectorKey, vectorTime + 999)['Authorization']).toBe(published);
  });

  it('a signature of a temporary key covers its security token, which is sent', () => {
    const headers = signRequest(vectorRequest, { ...vectorKey, securityToken: 'st' }, vectorTime);
    expect(headers['X-Security-Token']).toBe('st');
    expect(headers['Authorization']).toContain('SignedHeaders=content-type;host;x-sdk-date;x-security-token,');
    expect(headers['Authorization']).not.toBe(published);
  });

  it('follows the documented steps for special characters and a further header', () => {
    const request = {
      method: 'POST',
      path: '/v2/p',
      query: [['name', "é (*)'!~ +/"]] as const,
      host: 'h:8080',
      headers: { workspace: 'w' },
    };
    const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
    const canonical = [
      'POST',
      '/v2/p/',
      'name=%C3%A9%20%28%2A%29%27%21~%20%2B%2F',
      'host:h:8080',
      'workspace:w',
      'x-sdk-date:20191115T033655Z',
      '',
      'host;workspace;x-sdk-date',
      sha256(''),
    ].join('\n');
    const signature = createHmac('sha256', vectorKey.secretAccessKey)
      .update(`SDK-HMAC-SHA256\n20191115T033655Z\n${sha256(canonical)}`)
      .digest('hex');
    expect(signRequest(request, vectorKey, vectorTime)['Authorization']).toMatch(new RegExp(`Signature=${signature}$`));
  });
});

describe('encoding', () => {
  it('keeps only unreserved characters', () => {
    expect(encodeRfc3986("AZaz09-_.~!*'()/+ é")).toBe('AZaz09-_.~%21%2A%27%28%29%2F%2B%20%C3%A9');
  });

  it('replaces half a surrogate pair', () => {
    expect(encodeRfc3986('\ud800')).toBe('%EF%BF%BD');
  });
});
