/** Tests of the contract of every store, for file-store.test.ts and s3-store.test.ts. */
import { describe, expect, it } from 'vitest';
import { DqsyncError } from '../../functions/errors.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { bytesOf, countIn, increment, keysOf, textAt } from '../support/store-steps.ts';

/** Creates an empty warehouse, and returns a function that opens it. */
export type OpenStores = () => Promise<() => Store>;

/** Registers the tests. */
export function describeStore(name: string, openStores: OpenStores): void {
  describe(`${name}: contract of stores`, () => {
    describeWrites(openStores);
    describeReads(openStores);
    describeKeys(openStores);
  });
}

function describeWrites(openStores: OpenStores): void {
  it('writes a new object and reads back the same bytes', async () => {
    const store = (await openStores())();
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) & 0xff);

    const outcome = await store.putIfAbsent('a/b/c.bin', bytes);

    const object = await store.get('a/b/c.bin');
    expect(outcome).toEqual({ kind: 'won', etag: object?.etag });
    expect(Buffer.from(object?.bytes ?? []).equals(bytes)).toBe(true);
  });

  it('writes an empty object', async () => {
    const store = (await openStores())();

    expect((await store.putIfAbsent('empty', bytesOf(''))).kind).toBe('won');

    expect(await textAt(store, 'empty')).toBe('');
  });

  it('returns lost for a new object whose key exists with other bytes', async () => {
    const store = (await openStores())();
    await store.putIfAbsent('key', bytesOf('first'));

    expect(await store.putIfAbsent('key', bytesOf('second'))).toEqual({ kind: 'lost' });

    expect(await textAt(store, 'key')).toBe('first');
  });

  it('returns won for a new object whose key exists with the same bytes', async () => {
    const store = (await openStores())();
    const first = await store.putIfAbsent('key', bytesOf('same'));

    expect(await store.putIfAbsent('key', bytesOf('same'))).toEqual(first);
  });

  it('replaces an object that is unchanged since it was read', async () => {
    const store = (await openStores())();
    await store.putIfAbsent('key', bytesOf('1'));
    const read = await store.get('key');

    const outcome = await store.putIfMatch('key', bytesOf('2'), read?.etag ?? '');

    const now = await store.get('key');
    expect(outcome).toEqual({ kind: 'won', etag: now?.etag });
    expect(await textAt(store, 'key')).toBe('2');
    expect(now?.etag).not.toBe(read?.etag);
  });

  it('does not replace an object that another writer has replaced', async () => {
    const open = await openStores();
    const [ours, theirs] = [open(), open()];
    await ours.putIfAbsent('key', bytesOf('1'));
    const read = await ours.get('key');
    await theirs.putIfMatch('key', bytesOf('theirs'), read?.etag ?? '');

    expect(await ours.putIfMatch('key', bytesOf('ours'), read?.etag ?? '')).toEqual({ kind: 'lost' });

    expect(await textAt(ours, 'key')).toBe('theirs');
  });

  it('returns lost for the replacement of a missing object', async () => {
    const store = (await openStores())();

    expect(await store.putIfMatch('none', bytesOf('1'), '"0123456789abcdef"')).toEqual({ kind: 'lost' });

    expect(await store.get('none')).toBeNull();
  });

  it('lets exactly one of many concurrent writers create a key', async () => {
    const open = await openStores();

    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => open().putIfAbsent('key', bytesOf(`writer ${index}`))),
    );

    const winners = outcomes.flatMap((outcome, index) => (outcome.kind === 'won' ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.kind === 'lost')).toHaveLength(19);
    expect(await textAt(open(), 'key')).toBe(`writer ${winners[0]}`);
  });

  it('keeps every increment of concurrent writers in one process', async () => {
    const open = await openStores();
    await open().putIfAbsent('counter', bytesOf('0'));

    await Promise.all(Array.from({ length: 5 }, () => increment(open(), 'counter', 10)));

    expect(countIn(await textAt(open(), 'counter'))).toBe(50);
  });
}

function describeReads(openStores: OpenStores): void {
  it('returns null for a missing object', async () => {
    const store = (await openStores())();
    await store.putIfAbsent('a/b', bytesOf('1'));

    expect(await store.get('a/c')).toBeNull();
    expect(await store.get('x/y/z')).toBeNull();
  });

  it('lists nothing in an empty warehouse', async () => {
    expect(await keysOf((await openStores())(), '')).toEqual([]);
  });

  it('lists keys and sizes by any prefix of the key', async () => {
    const store = (await openStores())();
    for (const key of ['a/workspace=1/x', 'a/workspace=10/y', 'a/workspace=2/z', 'b/w']) {
      await store.putIfAbsent(key, bytesOf(key));
    }

    expect(await keysOf(store, '')).toEqual(['a/workspace=1/x', 'a/workspace=10/y', 'a/workspace=2/z', 'b/w']);
    expect(await keysOf(store, 'a/')).toEqual(['a/workspace=1/x', 'a/workspace=10/y', 'a/workspace=2/z']);
    expect(await keysOf(store, 'a/workspace=1')).toEqual(['a/workspace=1/x', 'a/workspace=10/y']);
    expect(await keysOf(store, 'a/workspace=1/')).toEqual(['a/workspace=1/x']);
    expect(await keysOf(store, 'c/')).toEqual([]);
    expect(await keysOf(store, 'b/wx')).toEqual([]);
    expect(await Array.fromAsync(store.list('b/'))).toEqual([{ key: 'b/w', sizeBytes: 3 }]);
  });

  it('lists each folder directly below a prefix once', async () => {
    const store = (await openStores())();
    for (const key of ['a/w=1/d=1/x', 'a/w=1/d=2/y', 'a/w=2/z', 'a/file', 'b/w=3/x', 'a/.hidden/x']) {
      await store.putIfAbsent(key, bytesOf(key));
    }
    const foldersBelow = async (prefix: string) => (await Array.fromAsync(store.folders(prefix))).sort();

    expect(await foldersBelow('a/')).toEqual(['a/w=1/', 'a/w=2/']);
    expect(await foldersBelow('a/w=1/')).toEqual(['a/w=1/d=1/', 'a/w=1/d=2/']);
    expect(await foldersBelow('a/w=2/')).toEqual([]);
    expect(await foldersBelow('none/')).toEqual([]);
  });

  it('reads objects with hidden names, and omits them from listings', async () => {
    const store = (await openStores())();
    await store.putIfAbsent('state/.doctor/probe.json', bytesOf('{}'));
    await store.putIfAbsent('state/sales/checkpoint.json', bytesOf('1'));
    await store.putIfMatch(
      'state/sales/checkpoint.json',
      bytesOf('2'),
      (await store.get('state/sales/checkpoint.json'))?.etag ?? '',
    );

    expect(await keysOf(store, 'state/')).toEqual(['state/sales/checkpoint.json']);
    expect(await textAt(store, 'state/.doctor/probe.json')).toBe('{}');
  });
}

function describeKeys(openStores: OpenStores): void {
  it.each(['../out', 'a/../../out', 'a//b', '/etc/passwd', 'a/.', '', 'a/', 'a\\..\\b', 'a\0b'])(
    'refuses the key %j',
    async (key) => {
      const store = (await openStores())();

      await expect(async () => store.get(key)).rejects.toMatchObject({ kind: 'internal' });
      await expect(async () => store.putIfAbsent(key, bytesOf('1'))).rejects.toMatchObject({ kind: 'internal' });
      await expect(async () => store.putIfMatch(key, bytesOf('1'), 'x')).rejects.toBeInstanceOf(DqsyncError);
    },
  );

  it.each(['a b/ö/日本.json', "it's/100%/a+b=c&d.json", 'a/workspace=0b1c/dt=2026-01-01/x-0.parquet'])(
    'accepts the key %j',
    async (key) => {
      const store = (await openStores())();
      await store.putIfAbsent(key, bytesOf('1'));

      expect(await textAt(store, key)).toBe('1');
      expect(await keysOf(store, '')).toEqual([key]);
    },
  );
}
