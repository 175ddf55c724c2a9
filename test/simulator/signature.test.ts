import { describe, expect, it } from 'vitest';
import { canonicalHash, expectedSignature, parseAuthorization, type SignedRequest } from './signature.ts';

/** Huawei's published example. */
const published: SignedRequest = {
  method: 'GET',
  url: '/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs/?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0',
  headers: {
    'content-type': 'application/json',
    host: 'service.region.example.com',
    'x-sdk-date': '20191115T033655Z',
  },
  body: '',
};
const signedHeaders = ['content-type', 'host', 'x-sdk-date'];
const secret = 'MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc';

describe('SDK-HMAC-SHA256', () => {
  it('agrees with the published test vector', () => {
    expect(canonicalHash(published, signedHeaders)).toBe(
      'b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a',
    );
    expect(expectedSignature(published, signedHeaders, secret)).toBe(
      '7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe',
    );
  });

  it('parses an Authorization header, and refuses one with a wrong separator', () => {
    const signature = 'a'.repeat(64);
    expect(
      parseAuthorization(`SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature=${signature}`),
    ).toEqual({
      accessKeyId: 'AK',
      signedHeaders: ['host', 'x-sdk-date'],
      signature,
    });
    expect(parseAuthorization(`SDK-HMAC-SHA256, Access=AK, SignedHeaders=host, Signature=${signature}`)).toBeNull();
  });
});
