import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CredentialsError } from '../../functions/errors.ts';
import { parseCredentials, readCredentials, sameCredentials, secretsOf } from '../../functions/source/credentials.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { errorOf, everythingIn, secretFile, startLoopback } from './loopback.ts';

const key = { accessKeyId: 'AK', secretAccessKey: 'planted-sk' };
const user = { domainName: 'acme', userName: 'reader', password: 'planted pässword' };

afterEach(() => {
  vi.unstubAllEnvs();
});

function refusalOf(text: string): CredentialsError {
  try {
    parseCredentials(text, 'file:secret.json', 'sales');
  } catch (error) {
    return error as CredentialsError;
  }
  throw new Error('it was accepted');
}

describe('a secret', () => {
  it.each([
    [key, { form: 'accessKey', ...key }],
    [
      { ...key, securityToken: 'st' },
      { form: 'accessKey', ...key, securityToken: 'st' },
    ],
    [user, { form: 'password', ...user }],
    [{ token: 'planted' }, { form: 'token', token: 'planted' }],
  ])('a secret of the shape %j is accepted', (secret, credentials) => {
    expect(parseCredentials(JSON.stringify(secret), 'env:X')).toEqual(credentials);
  });

  it.each([
    ['is no JSON', 'planted-secret {', 'is not JSON'],
    ['is UTF-16', Buffer.from('{"token":"planted"}', 'utf16le').toString(), 'is not UTF-8 text'],
    ['is a string', '"planted-secret"', 'is JSON, but not an object'],
    ['is a list', '["planted-secret"]', 'is JSON, but not an object'],
    ['is null', 'null', 'is JSON, but not an object'],
    ['is empty', '', 'is empty'],
    ['is blank', ' \n', 'is empty'],
    ['has no known key', '{"planted-secret":"planted-secret"}', 'has none of the keys of a secret'],
    ['has a key too many', '{"token":"planted-secret","planted-secret":"planted"}', 'it has 1 key too many'],
    ['has two too many', '{"token":"planted-secret","planted-secret":"planted","a":1}', 'it has 2 keys too many'],
    ['mixes two shapes', '{"token":"planted","accessKeyId":"a"}', 'keys of several shapes: "accessKeyId", "token"'],
    ['lacks a key', '{"accessKeyId":"planted-secret"}', 'wrong shape: "secretAccessKey" is missing'],
    ['lacks two', '{"password":"planted"}', 'wrong shape: "domainName" is missing; "userName" is missing'],
    [
      'misspells one',
      '{"accessKeyId":"a","secretAcessKey":"planted"}',
      '"secretAccessKey" is missing; it has 1 key too many',
    ],
    [
      'is not filled in',
      '{"domainName":"d","userName":"planted","password":""}',
      'is not filled in: "password" is empty',
    ],
    [
      'is a template',
      '{"accessKeyId":"","secretAccessKey":""}',
      'in: "accessKeyId" is empty; "secretAccessKey" is empty',
    ],
    ['is a number', '{"token":12345678901}', '"token" is not text'],
    ['is null inside', '{"domainName":null,"userName":"planted","password":"planted"}', '"domainName" is not text'],
    ['has a line break', '{"token":"planted-secret\\nX-Evil: 1"}', '"token" has a blank, a line break'],
    ['has a blank', '{"accessKeyId":"planted ","secretAccessKey":"planted"}', '"accessKeyId" has a blank'],
  ])(
    'that %s is refused with the reference, the key and the three shapes, but without values',
    (_name, text, problem) => {
      const error = refusalOf(text);
      expect(error).toBeInstanceOf(CredentialsError);
      expect(error).toMatchObject({ target: 'sales', retryable: false });
      expect(error.message).toContain('file:secret.json');
      expect(error.message).toContain(problem);
      for (const part of [
        '"accessKeyId","secretAccessKey"',
        '"securityToken"',
        '"domainName","userName","password"',
        '"token"',
      ]) {
        expect(error.remedy).toContain(part);
      }
      expect(everythingIn(error)).not.toMatch(/planted|12345678901/);
    },
  );

  it('may begin with a byte order mark', () => {
    expect(parseCredentials(`\uFEFF${JSON.stringify(key)}`, 'env:X')).toEqual({ form: 'accessKey', ...key });
  });

  it('has a list of texts that must not be printed', () => {
    expect(secretsOf({ form: 'accessKey', ...key, securityToken: 'st' })).toEqual(['planted-sk', 'st']);
    expect(secretsOf({ form: 'password', ...user })).toEqual([user.password]);
    expect(secretsOf({ form: 'token', token: 't' })).toEqual(['t']);
  });

  it('is equal to one with another order of keys, and differs from one with another value', () => {
    const one = parseCredentials('{"accessKeyId":"a","secretAccessKey":"b"}', 'env:X');
    expect(sameCredentials(one, parseCredentials('{"secretAccessKey":"b","accessKeyId":"a"}', 'env:X'))).toBe(true);
    expect(sameCredentials(one, parseCredentials('{"secretAccessKey":"b","accessKeyId":"c"}', 'env:X'))).toBe(false);
    expect(sameCredentials(one, parseCredentials('{"token":"b"}', 'env:X'))).toBe(false);
  });
});

describe('reading from a file or a variable', () => {
  it('reads a file', async () => {
    expect(await readCredentials(secretFile(key).ref)).toEqual({ form: 'accessKey', ...key });
  });

  it('reads a variable', async () => {
    vi.stubEnv('DQSYNC_TEST_SECRET', JSON.stringify(user));
    expect(await readCredentials('env:DQSYNC_TEST_SECRET')).toEqual({ form: 'password', ...user });
  });

  it('names a file that does not exist', async () => {
    const error = await errorOf(readCredentials('file:/nowhere/secret.json', { target: 'sales' }));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error).toMatchObject({ code: 'ENOENT', target: 'sales' });
    expect(error.message).toContain('file:/nowhere/secret.json');
  });

  it('names a variable that is not set', async () => {
    const error = await errorOf(readCredentials('env:DQSYNC_TEST_UNSET'));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error.remedy).toContain('Set DQSYNC_TEST_UNSET');
  });

  it('refuses an unknown place', async () => {
    expect(await errorOf(readCredentials('vault:x'))).toBeInstanceOf(CredentialsError);
  });
});

describe('reading from Secrets Manager', () => {
  async function startSecretsManager(status: number, body: object, onAsked: () => void = () => undefined) {
    const server = await startLoopback(() => {
      onAsked();
      return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: JSON.stringify(body) };
    });
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', server.url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'planted-aws-key');
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    return server;
  }

  it('fails without a region, and names the variable to set', async () => {
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    const error = await errorOf(readCredentials('secretsmanager:x', { target: 'sales' }));
    expect(error).toMatchObject({ code: 'RegionMissing', target: 'sales', retryable: false });
    expect(error.message).toContain('no AWS region is set');
    expect(error.remedy).toContain('Set AWS_REGION');
  });

  it('requests the secret by its name', async () => {
    const server = await startSecretsManager(200, { SecretString: JSON.stringify(key) });
    expect(await readCredentials('secretsmanager:dataarts/sales')).toEqual({ form: 'accessKey', ...key });
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ SecretId: 'dataarts/sales' });
    expect(server.received[0]?.headers.authorization).toContain('/eu-west-1/secretsmanager/');
  });

  it('sends the request to the region of an ARN', async () => {
    const server = await startSecretsManager(200, { SecretString: JSON.stringify(key) });
    const arn = 'arn:aws:secretsmanager:us-east-2:123456789012:secret:dataarts/sales-AbCdEf';
    await readCredentials(`secretsmanager:${arn}`);
    expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({ SecretId: arn });
    expect(server.received[0]?.headers.authorization).toContain('/us-east-2/secretsmanager/');
  });

  it.each([
    ['ResourceNotFoundException', 'Create the secret'],
    ['AccessDeniedException', 'secretsmanager:GetSecretValue'],
    ['DecryptionFailure', 'kms:Decrypt'],
    ['DecryptionFailureException', 'kms:Decrypt'],
    ['InvalidRequestException', 'marked for deletion'],
    ['UnrecognizedClientException', 'sign in to AWS'],
  ])('fails with %s and a remedy', async (name, remedy) => {
    await startSecretsManager(400, { __type: name, Message: 'planted words' });
    const error = await errorOf(readCredentials('secretsmanager:dataarts/sales', { target: 'sales' }));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error).toMatchObject({ code: name, target: 'sales', retryable: false });
    expect(error.message).toContain('secretsmanager:dataarts/sales');
    expect(error.remedy).toContain(remedy);
    expect(everythingIn(error)).not.toContain('planted');
  });

  it('distinguishes a secret without a value from one that does not exist', async () => {
    const words = "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT";
    await startSecretsManager(400, { __type: 'ResourceNotFoundException', Message: words });
    const error = await errorOf(readCredentials('secretsmanager:dataarts/sales', { target: 'sales' }));
    expect(error).toMatchObject({ code: 'EmptySecret', target: 'sales', retryable: false });
    expect(error.message).toBe('the secret secretsmanager:dataarts/sales has no value yet');
    expect(error.remedy).toContain('put-secret-value --secret-id dataarts/sales');
  });

  it.each(['', ' \n'])('treats a blank text as no value: %j', async (SecretString) => {
    await startSecretsManager(200, { SecretString });
    expect(await errorOf(readCredentials('secretsmanager:x'))).toMatchObject({ code: 'EmptySecret' });
  });

  it('is retryable after a fault of the service', async () => {
    await startSecretsManager(500, { __type: 'InternalServiceError' });
    const error = await errorOf(readCredentials('secretsmanager:x'));
    expect(error).toMatchObject({ code: 'InternalServiceError', retryable: true });
  });

  it('refuses a binary secret', async () => {
    await startSecretsManager(200, { SecretBinary: 'cGxhbnRlZA==' });
    const error = await errorOf(readCredentials('secretsmanager:x'));
    expect(error.message).toBe('the secret secretsmanager:x is binary');
  });

  describe('over a failing network', () => {
    async function faultySecretsManager(decide: FaultProxy['decide']) {
      const server = await startSecretsManager(200, { SecretString: JSON.stringify(key) });
      const proxy = await FaultProxy.open({ upstream: server.url, decide });
      onTestFinished(() => proxy.close());
      vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', proxy.url);
    }
    const faults = ['reset', 'half-close', 'lose-reply', 'break-body', 'end-body'] as const;

    it.each(faults)('retries after one %s', async (kind) => {
      await faultySecretsManager(({ n }) => (n === 1 ? { kind } : null));
      expect(await readCredentials('secretsmanager:x')).toEqual({ form: 'accessKey', ...key });
    });

    it.each(faults)('is retryable after repeated %s', async (kind) => {
      await faultySecretsManager(() => ({ kind }));
      const error = await errorOf(readCredentials('secretsmanager:x', { target: 'sales' }));
      expect(error).toMatchObject({ kind: 'credentials', target: 'sales', retryable: true });
      expect(error.remedy).toMatch(/run again/);
    });

    it.each(['stall-body', 'black-hole'] as const)('stops waiting after its time limit (%s)', async (kind) => {
      await faultySecretsManager(() => ({ kind }));
      const error = await errorOf(readCredentials('secretsmanager:x', { patienceMs: 300 }));
      expect(error).toMatchObject({ kind: 'credentials', code: 'TimeoutError', retryable: true });
    });
  });

  it('is aborted by the signal', async () => {
    const controller = new AbortController();
    const stop = new Error('stop');
    await startSecretsManager(500, {}, () => controller.abort(stop));
    await expect(readCredentials('secretsmanager:x', { signal: controller.signal })).rejects.toBe(stop);
  });
});
