import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../functions/clock.ts';
import { CredentialsError } from '../../functions/errors.ts';
import { createPacer } from '../../functions/source/pacing.ts';
import { startCloud, tokenReply, unauthorized, user } from './cloud.ts';
import { aPage, aRequest, connect, errorOf, everythingIn, secretFile, startLoopback } from './loopback.ts';

describe('a ready-made token', () => {
  it('a ready-made token that is refused fails the request immediately if the secret has not changed', async () => {
    const cloud = await startCloud({ accepts: () => false });
    const secret = secretFile({ token: 'planted' });
    const source = connect(cloud.url, { credentialsRef: secret.ref });
    const error = await errorOf<CredentialsError>(source.fetchPage(aRequest));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error.message).toContain(secret.ref);
    expect(error.remedy).toContain('24 hours');
    expect(cloud.received).toHaveLength(1);
  });

  it('a ready-made token that is refused is read again if the secret has changed', async () => {
    const secret = secretFile({ token: 'old' });
    const cloud = await startCloud({
      accepts: (token) => {
        secret.write({ token: 'new' });
        return token === 'new';
      },
    });
    const source = connect(cloud.url, { credentialsRef: secret.ref });
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
    expect(cloud.tokensSeen()).toEqual(['old', 'new']);
  });

  it('a ready-made token that is refused again after the secret has changed fails the request', async () => {
    const secret = secretFile({ token: 'old' });
    let number = 0;
    const cloud = await startCloud({
      accepts: () => {
        number += 1;
        secret.write({ token: `new${number}` });
        return false;
      },
    });
    const source = connect(cloud.url, { credentialsRef: secret.ref });
    expect(await errorOf(source.fetchPage(aRequest))).toBeInstanceOf(CredentialsError);
    expect(cloud.tokensSeen()).toEqual(['old', 'new1']);
  });

  it('may be replaced by credentials of another form', async () => {
    const secret = secretFile({ token: 'old' });
    const cloud = await startCloud({
      accepts: (token) => {
        secret.write(user);
        return token === 't1';
      },
    });
    const source = connect(cloud.url, { credentialsRef: secret.ref, iamEndpoint: cloud.url });
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
  });

  it('a ready-made token that is refused while the secret is unreadable fails the request with the name of the secret', async () => {
    const secret = secretFile({ token: 'old' });
    const cloud = await startCloud({
      accepts: () => {
        rmSync(secret.ref.slice('file:'.length));
        return false;
      },
    });
    const error = await errorOf(connect(cloud.url, { credentialsRef: secret.ref }).fetchPage(aRequest));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(error).toMatchObject({ code: 'ENOENT', target: 'sales' });
    expect(error.message).toContain(secret.ref);
  });
});

/** A source that accepts one access key and counts the signatures that it refuses. */
async function startKeyed(goodId: () => string, onRefused: () => void = () => undefined) {
  const state = { refused: 0, inFlight: 0 };
  const server = await startLoopback((request) => {
    if (request.headers.authorization?.includes(`Access=${goodId()},`) === true) {
      return aPage;
    }
    state.refused += 1;
    onRefused();
    return unauthorized;
  });
  return { ...server, state };
}

describe('an access key', () => {
  const key = (accessKeyId: string) => ({ accessKeyId, secretAccessKey: 'planted-secret-key' });
  const sixteen = Array.from({ length: 16 }, (_, index) => ({ ...aRequest, offset: index * 100 }));

  it('an access key that is wrong leads to one wrong signature, however many requests wait', async () => {
    const server = await startKeyed(() => 'GOOD');
    const secret = secretFile(key('BAD'));
    const source = connect(server.url, { credentialsRef: secret.ref });
    const errors = await Promise.all(sixteen.map((request) => errorOf<CredentialsError>(source.fetchPage(request))));
    expect(server.state.refused).toBe(1);
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]).toBeInstanceOf(CredentialsError);
    expect(errors[0]).toMatchObject({ code: 'APIG.0301', requestId: 'r-401' });
    expect(errors[0]?.message).toContain(secret.ref);
    expect(errors[0]?.remedy).toContain('five minutes');
    expect(everythingIn(errors[0])).not.toContain('planted-secret-key');
  });

  it('an access key that is rotated during many requests leads to at most one wrong signature per request', async () => {
    let good = 'OLD';
    const server = await startKeyed(() => good);
    const secret = secretFile(key('OLD'));
    const source = connect(server.url, { credentialsRef: secret.ref });
    await source.fetchPage(aRequest);
    good = 'NEW';
    secret.write(key('NEW'));
    const pages = await Promise.all(sixteen.map((request) => source.fetchPage(request)));
    expect(pages.map(({ executions }) => executions.length)).toEqual(sixteen.map(() => 1));
    expect(server.state.refused).toBeLessThanOrEqual(16);
    expect(server.state.refused).toBeGreaterThan(0);
  });

  it('an access key that is rotated to a wrong one leads to one more wrong signature', async () => {
    let good = 'OLD';
    const server = await startKeyed(() => good);
    const secret = secretFile(key('OLD'));
    const source = connect(server.url, { credentialsRef: secret.ref });
    await source.fetchPage(aRequest);
    good = 'NEW';
    secret.write(key('WRONG'));
    const errors = await Promise.all(sixteen.map((request) => errorOf(source.fetchPage(request))));
    expect(errors.every((error) => error instanceof CredentialsError)).toBe(true);
    const withNew = server.received.filter(({ headers }) => headers.authorization?.includes('Access=WRONG,'));
    expect(withNew).toHaveLength(1);
  });

  it('an access key that is refused is not used by requests that were waiting for the quota', async () => {
    let good = 'OLD';
    const server = await startKeyed(() => good);
    const pacer = createPacer({ requests: 1, perSeconds: 0.01 }, systemClock);
    const source = connect(server.url, { credentialsRef: secretFile(key('OLD')).ref, pacer, clock: systemClock });
    await source.fetchPage(aRequest);
    good = 'NEW';
    const errors = await Promise.all(sixteen.map((request) => errorOf(source.fetchPage(request))));
    expect(new Set(errors).size).toBe(1);
    expect(server.state.refused).toBe(1);
  });

  it('is tried by the next request if the first one failed for another reason', async () => {
    const server = await startLoopback((_, index) => (index < 2 ? { status: 500 } : aPage));
    const source = connect(server.url, { credentialsRef: secretFile(key('ANY')).ref });
    const pages = await Promise.all(sixteen.map((request) => source.fetchPage(request)));
    expect(pages).toHaveLength(16);
  });

  it.each([
    ['behind', 'Fri, 02 Jan 2026 00:20:00 GMT', "clock is 20 minutes behind the source's"],
    ['ahead of', 'Thu, 01 Jan 2026 23:50:00 GMT', "clock is 10 minutes ahead of the source's"],
  ])("reports the skew if it is refused while the clock is %s the source's", async (_name, date, hint) => {
    const server = await startLoopback(() => ({ status: 401, headers: { date } }));
    const source = connect(server.url, { credentialsRef: secretFile(key('ANY')).ref });
    expect((await errorOf(source.fetchPage(aRequest))).remedy).toContain(hint);
  });

  it('does not mention clocks if it is refused while the clock is right', async () => {
    const server = await startLoopback(() => unauthorized);
    const source = connect(server.url, { credentialsRef: secretFile(key('ANY')).ref });
    expect((await errorOf(source.fetchPage(aRequest))).remedy).not.toContain('clock');
  });
});

describe('replies with status 401 to many requests', () => {
  it('lead to one new token, even if one of them arrives late', async () => {
    let good = 't1';
    let late: Promise<void> | undefined;
    const server = await startLoopback(async (request) => {
      const token = request.headers['x-auth-token'];
      if (request.method === 'POST') {
        return tokenReply(good);
      }
      if (token === good) {
        return aPage;
      }
      await (request.url.searchParams.get('offset') === '900' ? late : undefined);
      return unauthorized;
    });
    const source = connect(server.url, { iamEndpoint: server.url, credentialsRef: secretFile(user).ref });
    await source.fetchPage(aRequest);
    good = 't2';
    const accepted = Promise.withResolvers<void>();
    late = accepted.promise;
    const slow = source.fetchPage({ ...aRequest, offset: 900 });
    await Promise.all([0, 100, 200].map((offset) => source.fetchPage({ ...aRequest, offset })));
    accepted.resolve();
    expect((await slow).executions).toHaveLength(1);
    expect(server.received.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it('fail a request after six attempts if only that request is refused', async () => {
    const server = await startLoopback((request) => {
      if (request.method === 'POST') {
        return tokenReply('any');
      }
      return request.url.searchParams.get('offset') === '900' ? unauthorized : aPage;
    });
    const others: Promise<unknown>[] = [];
    const source = connect(server.url, {
      iamEndpoint: server.url,
      credentialsRef: secretFile(user).ref,
      log: (_level, message) => {
        if (message.startsWith('retrying')) {
          others.push(source.fetchPage(aRequest));
        }
      },
    });
    const error = await errorOf(source.fetchPage({ ...aRequest, offset: 900 }));
    expect(error).toBeInstanceOf(CredentialsError);
    expect(await Promise.all(others)).toHaveLength(5);
    expect((await source.fetchPage(aRequest)).executions).toHaveLength(1);
  });
});
