import { describe, expect, it } from 'vitest';
import { signedHeaders } from '../../../functions/cli/smoke/aws-signature.ts';

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
});
