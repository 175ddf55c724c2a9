import { beforeEach, describe, expect, it } from 'vitest';
import { type AccessKeyCredential, defaultAccount } from './accounts.ts';
import { type Answer, ask, askToken } from './ask.ts';
import { frozenClock, type MovableClock } from './movable-clock.ts';
import { defaultWorkspace, type Simulator, startSimulator } from './server.ts';
import { expectedSignature } from './signature.ts';

const temporaryKey = { accessKeyId: 'TEMPORARY', secretAccessKey: 'temporary-secret', securityToken: 'session' };
let clock: MovableClock;
let simulator: Simulator;

beforeEach(async () => {
  clock = frozenClock(1_790_000_000_000);
  simulator = await startSimulator({
    clock,
    workspaces: [defaultWorkspace, { projectId: 'second-project', workspace: 'second' }],
    accounts: [{ ...defaultAccount, accessKeys: [...defaultAccount.accessKeys, temporaryKey] }],
  });
  return () => simulator.close();
});

const password = defaultAccount.password;
const key = defaultAccount.accessKeys[0];

async function newToken(): Promise<string> {
  return (await askToken(simulator, password)).headers.get('x-subject-token') ?? '';
}

async function askWithToken(token: string): Promise<number> {
  return (await ask(simulator, {}, { 'x-auth-token': token })).status;
}

/** Sends a request that is signed by the simulator's own implementation, which is tested with the published vector. */
function askSigned(credential: AccessKeyCredential, options: { dateMs?: number; sent?: string } = {}): Promise<Answer> {
  const date = new Date(options.dateMs ?? clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const headers = { host: new URL(simulator.url).host, 'x-sdk-date': date };
  const signedHeaders = ['host', 'x-sdk-date'];
  const url = `/v2/${defaultWorkspace.projectId}/quality/instances?name=a%20b`;
  const request = { method: 'GET', url, headers, body: '' };
  const signature = expectedSignature(request, signedHeaders, credential.secretAccessKey);
  const security = options.sent ?? credential.securityToken;
  return ask(
    simulator,
    { name: 'a b' },
    {
      ...headers,
      'x-auth-token': '',
      authorization: `SDK-HMAC-SHA256 Access=${credential.accessKeyId}, SignedHeaders=host;x-sdk-date, Signature=${signature}`,
      ...(security === undefined ? {} : { 'x-security-token': security }),
    },
  );
}

describe('tokens', () => {
  it('are issued for the right password, with their expiry, and grant access to the list', async () => {
    const answer = await askToken(simulator, password);
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.text).token.expires_at).toBe('2026-09-22T14:13:20.000000Z');
    expect(await askWithToken(answer.headers.get('x-subject-token') ?? '')).toBe(200);
  });

  it('are not issued for a wrong password, an unknown project or an invalid body', async () => {
    const wrong = await askToken(simulator, { ...password, password: 'wrong' });
    const unknown = await askToken(simulator, password, 'nowhere');
    const empty = await fetch(`${simulator.iamUrl}/v3/auth/tokens`, { method: 'POST', body: '{}' });
    expect([wrong.status, unknown.status, empty.status]).toEqual([401, 401, 400]);
    expect(wrong.text).toContain('The username or password is wrong.');
  });

  it('expire after a day', async () => {
    const token = await newToken();
    clock.advance(86_399_999);
    expect(await askWithToken(token)).toBe(200);
    clock.advance(1);
    const answer = await ask(simulator, {}, { 'x-auth-token': token });
    expect([answer.status, answer.code]).toEqual([401, 'APIG.0301']);
  });

  it('grant access only to the project they were issued for', async () => {
    const token = (await askToken(simulator, password, 'second-project')).headers.get('x-subject-token') ?? '';
    expect(await askWithToken(token)).toBe(403);
  });

  it('are refused after they were revoked, until a new one is requested', async () => {
    const token = await newToken();
    simulator.auth.revokeTokens();
    expect(await askWithToken(token)).toBe(401);
    expect(await askWithToken(await newToken())).toBe(200);
  });

  it('can be revoked in the middle of a run, by the number of a request', async () => {
    const token = await newToken();
    simulator.traps.faults = [{ kind: 'revoke-tokens', when: { nth: 2 } }];
    const statuses = [await askWithToken(token), await askWithToken(token), await askWithToken(token)];
    expect(statuses).toEqual([200, 401, 401]);
    expect(await askWithToken(await newToken())).toBe(200);
  });

  it('become invalid when the password they were issued for is rotated', async () => {
    const token = await newToken();
    simulator.auth.rotatePassword(password.userName, 'new one');
    const old = await askToken(simulator, password);
    const fresh = await askToken(simulator, { ...password, password: 'new one' });
    expect([await askWithToken(token), old.status, fresh.status]).toEqual([401, 401, 201]);
  });

  it('are required of a request without a signature', async () => {
    const answer = await ask(simulator, {}, { 'x-auth-token': '' });
    expect([answer.status, answer.code]).toEqual([401, 'APIG.0301']);
    expect(simulator.counters.unauthorized).toBe(1);
  });
});

describe('access keys', () => {
  it('grant access to the list with a right signature', async () => {
    expect((await askSigned(key)).status).toBe(200);
  });

  it('are refused with a wrong secret and if they are unknown', async () => {
    const wrong = await askSigned({ ...key, secretAccessKey: 'wrong' });
    const unknown = await askSigned({ ...key, accessKeyId: 'NOBODY' });
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(wrong.text).toContain('verify aksk signature fail');
  });

  it('are refused if the date is more than fifteen minutes off', async () => {
    const quarterMs = 900_000;
    const near = await askSigned(key, { dateMs: clock.now() - quarterMs });
    const old = await askSigned(key, { dateMs: clock.now() - quarterMs - 1_000 });
    const ahead = await askSigned(key, { dateMs: clock.now() + quarterMs + 1_000 });
    expect([near.status, old.status, ahead.status]).toEqual([200, 401, 401]);
  });

  it('need their security token if they are temporary', async () => {
    const right = await askSigned(temporaryKey);
    const wrong = await askSigned(temporaryKey, { sent: 'other' });
    const none = await askSigned(temporaryKey, { sent: '' });
    expect([right.status, wrong.status, none.status]).toEqual([200, 401, 401]);
  });

  it('are locked for five minutes by five failures in a row, even for right signatures', async () => {
    for (let n = 0; n < 5; n += 1) {
      await askSigned({ ...key, secretAccessKey: 'wrong' });
    }
    expect((await askSigned(key)).status).toBe(401);
    clock.advance(300_000);
    expect((await askSigned(key)).status).toBe(200);
  });

  it('are not locked if a success interrupts the failures', async () => {
    for (let n = 0; n < 8; n += 1) {
      await askSigned(n === 4 ? key : { ...key, secretAccessKey: 'wrong' });
    }
    expect((await askSigned(key)).status).toBe(200);
  });
});
