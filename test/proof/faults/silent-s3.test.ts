/** An S3 that says nothing, or too little at a time: every try and every call of the store has an end. */
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../support/store-steps.ts';
import { methodsAt, proxiedStore } from './proxied-store.ts';

const silence = { kind: 'black-hole' } as const;

describe('an S3 that says nothing', () => {
  it('is asked three times where that goes quickly', async () => {
    const world = await proxiedStore({ answerTimeoutMs: 80 });
    world.spoil(silence, 100);
    await expect(world.store.get('a')).rejects.toMatchObject({ kind: 'storage', retryable: true });
    expect(methodsAt(world)).toEqual(['GET', 'GET', 'GET']);
  });

  it('is not asked again once half a minute is over, so that a run ends in time', async () => {
    const world = await proxiedStore({ answerTimeoutMs: 80 });
    world.spoil(silence, 31_000);
    await expect(world.store.get('a')).rejects.toMatchObject({ kind: 'storage', retryable: true });
    expect(methodsAt(world)).toEqual(['GET']);
    expect(await world.store.putIfAbsent('a', bytesOf('1'))).toMatchObject({ kind: 'unknown' });
    expect(methodsAt(world)).toEqual(['GET', 'PUT', 'GET']);
  });

  it('is given up after the time of a try, whatever the SDK waits for', async () => {
    const world = await proxiedStore({ tryTimeoutMs: 80 });
    world.spoil(silence, 31_000);
    await expect(world.store.get('a')).rejects.toMatchObject({ kind: 'storage', code: 'SlowReplyError' });
    const outcome = await world.store.putIfAbsent('a', bytesOf('1'));
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { kind: 'storage', code: 'SlowReplyError' } });
    expect(methodsAt(world)).toEqual(['GET', 'PUT', 'GET']);
  });
});

describe('an S3 whose replies come in drops', () => {
  it('is given up after the time of a try, though each drop comes in time', async () => {
    const world = await proxiedStore({ tryTimeoutMs: 400 });
    await world.store.putIfAbsent('a', new Uint8Array(2_000));
    world.spoil({ kind: 'drip', bytes: 600, ms: 50_000 }, 31_000);
    const failure = { kind: 'storage', code: 'SlowReplyError', retryable: true };
    await expect(world.store.get('a')).rejects.toMatchObject(failure);
    expect(methodsAt(world)).toEqual(['PUT', 'GET']);
  });

  it('is waited for as long as a large object takes on a slow line', async () => {
    const world = await proxiedStore({ tryTimeoutMs: 300 });
    const bytes = new Uint8Array(64_000).fill(7);
    await world.store.putIfAbsent('a', bytes);
    world.spoil({ kind: 'drip', bytes: 3_000, ms: 20 });
    expect((await world.store.get('a'))?.bytes).toEqual(bytes);
    world.spoil({ kind: 'delay', ms: 500 });
    expect(await world.store.putIfAbsent('b', bytes)).toMatchObject({ kind: 'won' });
    expect(methodsAt(world)).toEqual(['PUT', 'GET', 'PUT']);
  });
});

describe('a caller who waits no longer', () => {
  it('leaves a write unknown, without asking what became of it', async () => {
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

  it('has won all the same where that can be read back later', async () => {
    const world = await proxiedStore();
    const stop = new AbortController();
    world.spoil({ kind: 'act-after', act: () => stop.abort(new Error('enough')) });
    expect(await world.store.putIfAbsent('a', bytesOf('1'), stop.signal)).toMatchObject({ kind: 'unknown' });
    world.proxy.decide = () => null;
    expect(await world.store.putIfAbsent('a', bytesOf('1'))).toMatchObject({ kind: 'won' });
  });

  it('is told so of a read, which is not tried again', async () => {
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
