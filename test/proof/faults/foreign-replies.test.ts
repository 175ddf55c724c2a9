/** Replies that say all is well and are not S3's, or say what makes no sense: named for what they are. */
import { describe, expect, it } from 'vitest';
import { describeError, type StorageError } from '../../../functions/errors.ts';
import { type Exchange, type ProxyFault, rawReply } from '../../support/fault-proxy.ts';
import { bytesOf, textAt } from '../../support/store-steps.ts';
import { expectOutcome, type FaultCase, spoil } from './expectations.ts';
import { methodsAt, proxiedStore } from './proxied-store.ts';

function answer(status: number, body: string, headers = ''): ProxyFault {
  return { kind: 'answer', reply: rawReply(status, body, headers) };
}

const html = '<html>Log in</html>';
const loginPage = answer(200, html, 'content-type: text/html\r\n');

const foreign: readonly [string, ProxyFault, RegExp][] = [
  ['a login page', loginPage, /status 200 .* no ETag/],
  ['an empty reply', answer(200, ''), /status 200 .* no ETag/],
  ['a reply without content', answer(204, ''), /status 204 .* no ETag/],
  ['a reply whose ETag a proxy has weakened', answer(200, 'text', 'etag: W/"123"\r\n'), /ETag is weak/],
];

describe('what is not a reply of S3', () => {
  it.for(foreign)('%s is no object, and read again', async ([, fault, message]) => {
    const world = await proxiedStore();
    await world.store.putIfAbsent('a', bytesOf('1'));
    world.proxy.decide = ({ n }) => (n <= 3 ? fault : null);
    expect(await textAt(world.store, 'a')).toBe('1');
    expect(methodsAt(world)).toEqual(['PUT', 'GET', 'GET', 'GET']);
    world.spoil(fault);
    await expect(world.store.get('a')).rejects.toMatchObject({
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(/Nothing was lost.*proxy/),
      retryable: true,
    });
  });

  it.for(foreign)('%s is no proof of a write, and no sign of another writer', async ([, fault, message]) => {
    const world = await proxiedStore();
    const etag = await world.store.putIfAbsent('a', bytesOf('1'));
    world.proxy.decide = ({ method }) => (method === 'PUT' ? fault : null);
    const outcome = await world.store.putIfMatch('a', bytesOf('2'), etag.kind === 'won' ? etag.etag : '');
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { message: expect.stringMatching(message) } });
  });

  it('a 412 for what is as it was is named', async () => {
    const world = await proxiedStore();
    world.proxy.decide = ({ method }) =>
      method === 'PUT' ? answer(412, '<Error><Code>PreconditionFailed</Code></Error>') : null;
    expect(await world.store.putIfAbsent('a', bytesOf('1'))).toMatchObject({
      kind: 'unknown',
      cause: { code: 'PreconditionFailed', message: expect.stringMatching(/\(412\), and nobody has/) },
    });
  });
});

describe('a code that echoes what was sent', () => {
  it.for([
    'x-amz-security-token: FwoGZXIvYXdzEXAMPLETOKEN',
    'FwoGZXIvYXdzEXAMPLETOKEN'.repeat(10),
    'Bad+FwoGZXIvYXdzEXAMPLETOKEN/=',
  ])('%s is not shown', async (code) => {
    const world = await proxiedStore();
    world.spoil(answer(400, `<Error><Code>${code}</Code></Error>`, `x-amz-request-id: ${code}\r\n`));
    const thrown = await world.store.get('a').catch((error: unknown) => error as StorageError);
    expect(thrown).toMatchObject({ kind: 'storage', code: 'Unknown', requestId: undefined });
    expect(`${describeError(thrown as StorageError)} ${JSON.stringify(thrown)}`).not.toContain('EXAMPLETOKEN');
  });
});

const isPut = ({ method }: Exchange): boolean => method === 'PUT';
const isGet = ({ method }: Exchange): boolean => method === 'GET';
const between = /Nothing was lost. Look at what stands between/;
const pageWithETag = answer(200, html, 'etag: "of-a-proxy"\r\n');

const runs: readonly FaultCase[] = [
  {
    what: 'for a while instead of the checkpoint is got over',
    arrange: (world) => {
      world.storage.decide = spoil(loginPage, (n) => n <= 2, isGet);
    },
    outcome: 'recovers',
  },
  {
    what: 'with an ETag, for a while instead of the checkpoint, is no reason to move that away',
    arrange: (world) => {
      world.storage.decide = spoil(pageWithETag, (n) => n <= 2, isGet);
    },
    outcome: 'recovers',
  },
  {
    what: 'with an ETag, always instead of the checkpoint, is said to lie there',
    arrange: (world) => {
      world.storage.decide = spoil(pageWithETag, () => true, isGet);
    },
    outcome: { kind: 'state', message: /damaged/, remedy: /Nothing was overwritten/, retryable: false },
  },
  {
    what: 'always instead of the checkpoint is told of as what it is',
    arrange: (world) => {
      world.storage.decide = spoil(loginPage, () => true, isGet);
    },
    outcome: { kind: 'storage', code: /NoETag/, message: /status 200 .* no ETag/, remedy: between, retryable: true },
  },
  {
    what: 'to every write is told of as what it is, and not as another run',
    arrange: (world) => {
      world.storage.decide = spoil(loginPage, () => true, isPut);
    },
    outcome: { kind: 'storage', code: /NoETag/, message: /status 200 .* no ETag/, remedy: between, retryable: true },
  },
  {
    what: 'that says 412 to every write is told of as what it is, and not as a lost reply',
    arrange: (world) => {
      const refusal = answer(412, '<Error><Code>PreconditionFailed</Code></Error>');
      world.storage.decide = spoil(refusal, () => true, isPut);
    },
    outcome: { kind: 'storage', code: /PreconditionFailed/, message: /\(412\), and nobody has/, remedy: between },
  },
];

describe('a run that is given a page of something else', () => {
  it.for(runs)('$what', async (row) => {
    await expectOutcome({ ...row, warm: true });
  });
});
