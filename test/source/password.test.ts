import { describe, expect, it } from 'vitest';
import { ConfigError, CredentialsError, SourceError } from '../../functions/errors.ts';
import { startCloud, tokenReply, user } from './cloud.ts';
import { type Answer, aPage, aRequest, aTarget, connect, errorOf, secretFile, startLoopback } from './loopback.ts';

describe('a password', () => {
  it('gets one token, scoped to the project, for many pages', async () => {
    const cloud = await startCloud({ accepts: () => true });
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref });
    await Promise.all([1, 2, 3, 4].map(() => source.fetchPage(aRequest)));
    expect(cloud.issued()).toBe(1);
    expect(cloud.tokensSeen()).toEqual(['t1', 't1', 't1', 't1']);
    const asked = cloud.received.find(({ method }) => method === 'POST');
    expect(JSON.parse(asked?.body ?? '')).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'dq-reader', password: 'planted-password', domain: { name: 'acme' } } },
        },
        scope: { project: { id: aTarget.projectId } },
      },
    });
  });

  it.each([
    ['is used by the next one', 't1', ['t1', 't1'], 1],
    ['is replaced by the next one if it was revoked in between', 't2', ['t1', 't1', 't2'], 2],
  ])('gets a token for clients that share a login: it %s', async (_, later, tokens, issued) => {
    let good = 't1';
    const cloud = await startCloud({ accepts: (token) => token === good });
    const login = { session: null };
    const options = { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref, login };
    await connect(cloud.url, options).fetchPage(aRequest);
    good = later;
    await connect(cloud.url, options).fetchPage(aRequest);
    expect(cloud.tokensSeen()).toEqual(tokens);
    expect(cloud.issued()).toBe(issued);
  });

  it('a password with a revoked token gets a new one each time', async () => {
    let good = 't1';
    const cloud = await startCloud({ accepts: (token) => token === good });
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref });
    for (const token of ['t1', 't2', 't3', 't4']) {
      good = token;
      expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    }
    expect(cloud.issued()).toBe(4);
    expect(source.stats()).toMatchObject({ requests: 7, retries: 3 });
  });

  it.each(['APIG.0307', 'APIGW.0307'])(
    'gets a new token if the source requires it by the code %s alone',
    async (code) => {
      const refused = {
        status: 403,
        body: JSON.stringify({ error_code: code, error_msg: 'The token must be updated.' }),
      };
      const server = await startLoopback((request) =>
        request.method === 'POST'
          ? tokenReply(`t${server.received.length}`)
          : request.headers['x-auth-token'] === 't1'
            ? refused
            : aPage,
      );
      const source = connect(server.url, { iamEndpoint: server.url, credentialsRef: secretFile(user).ref });
      expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    },
  );

  it('a password that is rotated together with the token is read again from the secret', async () => {
    let password = user.password;
    let good = 't1';
    const cloud = await startCloud({ accepts: (token) => token === good, password: () => password });
    const secret = secretFile(user);
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secret.ref });
    await source.fetchPage(aRequest);
    password = 'planted-rotated';
    good = 't2';
    secret.write({ ...user, password });
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    expect(cloud.tokensSeen()).toEqual(['t1', 't1', 't2']);
  });

  it('a password whose new token is refused too is read again from the secret', async () => {
    const secret = secretFile(user);
    const cloud = await startCloud({
      accepts: (token) => {
        secret.write({ ...user, userName: 'other' });
        return token === 't3';
      },
    });
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secret.ref });
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    expect(cloud.tokensSeen()).toEqual(['t1', 't2', 't3']);
  });

  it('a password that is always refused leads to a CredentialsError with the secret and the code, after one new token', async () => {
    const cloud = await startCloud({ accepts: () => false });
    const secret = secretFile(user);
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secret.ref });
    const error = await errorOf<CredentialsError>(source.fetchPage(aRequest));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error).toMatchObject({ code: 'APIG.0301', requestId: 'r-401', target: 'sales', retryable: false });
    expect(error.message).toContain(secret.ref);
    expect(error.message).toContain('decrypt token fail');
    expect(cloud.tokensSeen()).toEqual(['t1', 't2']);
    expect(await errorOf(source.fetchPage(aRequest))).toBe(error);
    expect(cloud.received).toHaveLength(4);
  });

  it('a password that is wrong leads to a CredentialsError with the secret and the code of IAM', async () => {
    const cloud = await startCloud({ accepts: () => true, password: () => 'another' });
    const secret = secretFile(user);
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secret.ref });
    const errors = await Promise.all([1, 2, 3].map(() => errorOf<CredentialsError>(source.fetchPage(aRequest))));
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]).toBeInstanceOf(CredentialsError);
    expect(errors[0]).toMatchObject({ code: '401', target: 'sales' });
    expect(errors[0]?.message).toContain(secret.ref);
    expect(errors[0]?.message).toMatch(/The username or password is wrong$/);
    expect(cloud.received).toHaveLength(1);
  });

  it.each([400, 403, 404])(
    'a password that IAM refuses with status %i is not reported as a refused page',
    async (status) => {
      const cloud = await startCloud({
        accepts: () => true,
        issue: () => ({ status, body: '{"error_code":"IAM.0011"}' }),
      });
      const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref });
      const error = await errorOf(source.fetchPage(aRequest));
      expect(error).toBeInstanceOf(CredentialsError);
      expect(error.remedy).toContain('targets[].projectId');
      expect(error.code).toBe('IAM.0011');
    },
  );

  it.each([
    [401, 'The username or password is wrong.', 'Check domainName, userName and password'],
    [401, 'The account is locked.', 'IAM locks a user for 15 minutes'],
    [401, '当前用户已被锁定,请15分钟后重试', 'IAM locks a user for 15 minutes'],
    [401, 'The password must be changed before the first login.', 'set a new password, and store it in the secret'],
    [403, 'The password of the user has expired', 'set a new password, and store it in the secret'],
    [403, 'Your IP address is not allowed by the ACL of the account.', 'allows only certain IP addresses'],
    [401, 'The request was blocked by access control', 'allows only certain IP addresses'],
    [403, 'Login protection is enabled, a verification code is required', 'another user, or an access key'],
    [403, 'The user is disabled', 'Enable the IAM user'],
    [401, 'The project 0b1c is not found or the user has no access to it.', 'Check targets[].projectId'],
  ])('a password that IAM refuses with %i "%s" has a specific remedy', async (status, message, remedy) => {
    const body = JSON.stringify({ error: { code: status, message } });
    const cloud = await startCloud({ accepts: () => true, issue: () => ({ status, body }) });
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref });
    const error = await errorOf<CredentialsError>(source.fetchPage(aRequest));
    // Its full stop would be the second one of the sentence.
    expect(error.message).toContain(`: ${message.replace(/\.$/, '')}`);
    expect(error.message).not.toMatch(/\.$/);
    expect(error.remedy).toContain(remedy);
  });

  it('is sent again after faults of IAM', async () => {
    const answers: Answer[] = [
      { status: 500 },
      'reset',
      { status: 429 },
      { status: 201, body: '{}' },
      tokenReply('t5'),
    ];
    const cloud = await startCloud({
      accepts: (token) => token === 't5',
      issue: (number) => answers[number - 1] ?? 'hang',
    });
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref });
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    expect(source.stats()).toMatchObject({ requests: 1, retries: 0, throttled: 0 });
  });

  it('a password is used again after IAM failed during the renewal of a token', async () => {
    let good = 't1';
    let isDown = false;
    const cloud = await startCloud({
      accepts: (token) => token === good,
      issue: (number) => (isDown ? { status: 503 } : tokenReply(`t${number}`)),
    });
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref });
    await source.fetchPage(aRequest);
    good = 'none';
    isDown = true;
    const errors = await Promise.all([1, 2, 3].map(() => errorOf(source.fetchPage(aRequest))));
    expect(errors.map((error) => error instanceof SourceError && error.retryable)).toEqual([true, true, true]);
    const refused = cloud.tokensSeen().length;
    isDown = false;
    good = 't8';
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    expect(cloud.tokensSeen().slice(refused)).toEqual(['t8']);
  });

  it.each<[string, Answer, string]>([
    [
      'a redirect',
      { status: 302, headers: { location: 'https://login.example.com/?t=1' } },
      'a redirect to https://login.example.com',
    ],
    [
      'a web page',
      { status: 403, headers: { 'content-type': 'text/html' }, body: '<title>Blocked</title>' },
      'a web page "Blocked"',
    ],
  ])('is not blamed for %s in place of IAM', async (_, issue, said) => {
    const cloud = await startCloud({ accepts: () => true, issue: () => issue });
    const source = connect(cloud.url, { iamEndpoint: cloud.url, credentialsRef: secretFile(user).ref });
    const error = await errorOf(source.fetchPage(aRequest));
    expect(error).toBeInstanceOf(SourceError);
    expect(error.message).toMatch(new RegExp(`: ${said}$`));
    expect(error.remedy).toBe(
      'Check source.iamEndpoint, and whether a proxy or web filter replies instead of the API.',
    );
    expect(cloud.issued()).toBe(1);
  });

  it('leads to an error with source.iamEndpoint if IAM is unreachable', async () => {
    const cloud = await startCloud({ accepts: () => true });
    const source = connect(cloud.url, { iamEndpoint: 'http://127.0.0.1:1', credentialsRef: secretFile(user).ref });
    const error = await errorOf(source.fetchPage(aRequest));
    expect(error).toBeInstanceOf(SourceError);
    expect(error.message).toContain('IAM did not return a token');
    expect(error.remedy).toContain('source.iamEndpoint');
  });

  it('requires source.iamEndpoint', async () => {
    const cloud = await startCloud({ accepts: () => true });
    const source = connect(cloud.url, { credentialsRef: secretFile(user).ref });
    const error = await errorOf(source.fetchPage(aRequest));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.code).toBe('source.iamEndpoint');
  });
});
