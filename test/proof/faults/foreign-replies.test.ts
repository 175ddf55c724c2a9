/** Replies that say all is well and are not S3's, or say what makes no sense: named for what they are. */
import { describe, expect, it } from 'vitest';
import { describeError, type StorageError } from '../../../functions/errors.ts';
import { type ProxyFault, rawReply } from '../../support/fault-proxy.ts';
import { bytesOf, textAt } from '../../support/store-steps.ts';
import { methodsAt, proxiedStore } from './proxied-store.ts';

function answer(status: number, body: string, headers = ''): ProxyFault {
  return { kind: 'answer', reply: rawReply(status, body, headers) };
}

const foreign: readonly [string, ProxyFault, RegExp][] = [
  ['a login page', answer(200, '<html>Log in</html>', 'content-type: text/html\r\n'), /status 200 .* no ETag/],
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
