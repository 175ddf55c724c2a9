/** Every call of the store ends although S3 never replies, and it ends at once when the caller aborts. */
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../support/store-steps.ts';
import { methodsAt, proxiedStore } from './proxied-store.ts';

const silence = { kind: 'black-hole' } as const;

it('a store whose S3 never replies fails a read, and returns unknown for a write', async () => {
  const world = await proxiedStore({ answerTimeoutMs: 80 });
  world.spoil(silence);
  await expect(world.store.get('a')).rejects.toMatchObject({ kind: 'storage', retryable: true });
  expect(await world.store.putIfAbsent('a', bytesOf('1'))).toMatchObject({
    kind: 'unknown',
    cause: { kind: 'storage', code: 'ETIMEDOUT' },
  });
  expect(methodsAt(world)).toEqual(['GET', 'PUT', 'GET']);
});

describe('a store whose caller aborts', () => {
  it('returns unknown for a write without reading the object back', async () => {
    const world = await proxiedStore();
    const stop = new AbortController();
    world.proxy.decide = () => {
      stop.abort(new Error('enough'));
      return silence;
    };
    const outcome = await world.store.putIfAbsent('a', bytesOf('1'), stop.signal);
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { kind: 'storage' } });
    expect(methodsAt(world)).toEqual(['PUT']);
  });

  it('aborts a body that arrives slowly', async () => {
    const world = await proxiedStore();
    await world.store.putIfAbsent('a', new Uint8Array(2_000));
    const stop = new AbortController();
    world.proxy.decide = () => {
      setTimeout(() => stop.abort(new Error('enough')), 100);
      return { kind: 'drip', bytes: 600, ms: 50_000 };
    };
    await expect(world.store.get('a', stop.signal)).rejects.toMatchObject({ kind: 'storage', retryable: true });
    expect(methodsAt(world)).toEqual(['PUT', 'GET']);
  });

  it('returns won for the next write of the same bytes, because the object can be read back', async () => {
    const world = await proxiedStore();
    const stop = new AbortController();
    world.spoil({ kind: 'act-after', act: () => stop.abort(new Error('enough')) });
    expect(await world.store.putIfAbsent('a', bytesOf('1'), stop.signal)).toMatchObject({ kind: 'unknown' });
    world.proxy.decide = () => null;
    expect(await world.store.putIfAbsent('a', bytesOf('1'))).toMatchObject({ kind: 'won' });
  });

  it('fails a read, and does not retry it', async () => {
    const world = await proxiedStore();
    const stop = new AbortController();
    world.proxy.decide = () => {
      stop.abort(new Error('enough'));
      return silence;
    };
    await expect(world.store.get('a', stop.signal)).rejects.toMatchObject({ kind: 'storage', retryable: true });
    expect(methodsAt(world)).toEqual(['GET']);
    await expect(world.store.get('a', stop.signal)).rejects.toMatchObject({ kind: 'storage' });
    expect(methodsAt(world)).toEqual(['GET']);
  });
});
