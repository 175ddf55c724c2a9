import { describe, expect, it } from 'vitest';
import { presignedUrl, signedHeaders } from '../../functions/network/aws-signature.ts';

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const now = '20150830T123600Z';

describe('a signature of AWS', () => {
  it('is that of the published test suite (post-vanilla)', () => {
    const headers = { host: 'example.amazonaws.com' };
    const call = { service: 'service', region: 'us-east-1', path: '/', headers, body: '' };
    expect(signedHeaders(call, credentials, now)['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, ' +
        'Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    );
  });

  it('is that of the SDK, with a body, more headers and a session token', () => {
    const headers = {
      host: 'athena.us-east-1.amazonaws.com',
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AmazonAthena.GetQueryExecution',
    };
    const call = { service: 'athena', region: 'us-east-1', path: '/', headers, body: '{"a":1}' };
    expect(signedHeaders(call, { ...credentials, sessionToken: 'TOKEN/=' }, now)['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/athena/aws4_request, ' +
        'SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, ' +
        'Signature=f609849b8670714a1a94f0d258a17ae40e9f9e757f3f8a2d96e74b86d31934a7',
    );
  });

  it('is that of the published example, in a URL', () => {
    const published = {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    };
    const object = { region: 'us-east-1', url: 'https://examplebucket.s3.amazonaws.com/test.txt', seconds: 86_400 };
    expect(presignedUrl(object, published, '20130524T000000Z')).toBe(
      `${object.url}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request` +
        '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
        '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    );
  });
});
