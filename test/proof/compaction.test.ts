/** The view does not change when a compaction is killed at any step, or when other runs write at any of its steps. */
import { describe, expect, it } from 'vitest';
import { StorageError } from '../../functions/errors.ts';
import { tableName } from '../../functions/warehouse/layout.ts';
import type { PutOutcome, Store } from '../../functions/warehouse/store.ts';
import { compact as compactWithin, dayMs, fill, hourlyObservations } from '../compaction/world.ts';
import { failingStore, type StoreFate } from '../support/failing-store.ts';
import { keysOf } from '../support/store-steps.ts';
import { shownView, storedRows, storedView } from '../support/stored-rows.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { opened } from '../support/warehouse-sql.ts';
import { MemoryStore } from './memory-store.ts';

/** A store with its lifecycle rule. */
interface CompactedStore {
  readonly store: Store;
  /** Deletes `share` of the replaced files. */
  expire(share: number): void;
}

/** Opens a store that hides replaced files immediately, as a folder does. */
function folderLike(): CompactedStore {
  return { store: new MemoryStore(async () => undefined).handle('compaction'), expire: () => undefined };
}

/** Opens a store that keeps replaced files until a rule expires them, as a bucket does. */
function bucketLike(): CompactedStore {
  const memory = new MemoryStore(async () => undefined);
  const tagged = new Set<string>();
  return {
    store: {
      ...memory.handle('compaction'),
      setAside: async (key) => {
        tagged.add(key);
      },
    },
    expire: (share) => {
      for (const key of [...tagged].slice(0, Math.ceil(tagged.size * share))) {
        memory.objects.delete(key);
      }
    },
  };
}

const stores = [
  ['in a store that hides replaced files immediately', folderLike],
  ['in a store that expires replaced files by a rule', bucketLike],
] as const;

/** A day has 6 files, more than are read in parallel. A compaction reads each, writes one, and sets each aside. */
const runsPerDay = 4;
const callsOfDay = 6 + 1 + 6;
const compact = (store: Store) =>
  compactWithin(store, { limits: { filesOfDay: 3, memoryBytes: 1e9, inputBytes: 1e9 } });

describe.each(stores)('I3, I17, I18: a compaction killed at each step, %s', (_, open) => {
  it.each<StoreFate>(['die-before', 'die-after', 'lose-reply'])(
    'loses and duplicates nothing (%s)',
    async (fate) => {
      for (let at = 1; at <= callsOfDay; at += 1) {
        const { store, expire } = open();
        await fill(store, 1, runsPerDay);
        const view = await storedView(store);
        const killed = failingStore(store, ({ n }) => (n === at ? fate : 'ok'));

        await compact(killed);
        expect(killed.calls.length, `call ${at}`).toBeGreaterThanOrEqual(at);
        expect(await storedView(store), `call ${at}`).toEqual(view);
        expire(0.5);
        expect(await storedView(store), `call ${at}`).toEqual(view);

        await compact(store);
        expire(1);
        expect(await storedView(store), `call ${at}`).toEqual(view);
        expect(await keysOf(store, tableName), `call ${at}`).toHaveLength(1);
        expect(await compact(store)).toMatchObject({ days: [], failed: [], done: true });
      }
    },
    60_000,
  );
});

describe.each(stores)('I16, I18: a compaction with other writers at each step, %s', (_, open) => {
  const later = hourlyObservations(1, runsPerDay).map((row) => ({
    ...row,
    runStatus: 'FAILED',
    runId: `later-${row.runId}`,
    observedAtMs: row.observedAtMs + 40 * dayMs,
  }));

  const others: readonly (readonly [string, (compacted: CompactedStore) => Promise<unknown>])[] = [
    ['another compaction', ({ store }) => compact(store)],
    ['a backfill of the day', ({ store }) => writeObservations(store, later)],
    [
      'a backfill, and a compaction of its files',
      async ({ store }) => {
        await writeObservations(store, later);
        await compact(store);
      },
    ],
    [
      'another compaction, and the expiry of half of what it has replaced',
      async ({ store, expire }) => {
        await compact(store);
        expire(0.5);
      },
    ],
  ];

  it.each(others)(
    'keeps all rows beside %s, and adds none',
    async (_name, happen) => {
      for (let at = 1; at <= callsOfDay; at += 1) {
        const compacted = open();
        const { store } = compacted;
        await fill(store, 1, runsPerDay);
        const view = new Set(await storedView(store));
        const expected = new Set([...(await storedRows(store)), ...(await rowsAfter(open(), happen))]);

        await compact(
          failingStore(store, async ({ n }): Promise<StoreFate> => {
            if (n === at) {
              await happen(compacted);
            }
            return 'ok';
          }),
        );

        expect(new Set(await storedRows(store)), `call ${at}`).toEqual(expected);
        const shown = await storedView(store);
        expect(shown, `call ${at}`).toHaveLength(view.size);
        await compact(store);
        compacted.expire(1);
        expect(await storedView(store), `call ${at}`).toEqual(shown);
        expect(new Set(await storedRows(store)), `call ${at}`).toEqual(expected);
      }
    },
    60_000,
  );

  /** Returns the rows of a warehouse with the same days in which only `happen` writes. */
  async function rowsAfter(
    compacted: CompactedStore,
    happen: (compacted: CompactedStore) => Promise<unknown>,
  ): Promise<string[]> {
    await fill(compacted.store, 1, runsPerDay);
    await happen(compacted);
    return await storedRows(compacted.store);
  }
});

it('I17: a compaction sets no file aside if the write of the compacted file is unknown and has failed', async () => {
  const { store } = folderLike();
  const keys = await fill(store, 1, runsPerDay);
  const unknown: PutOutcome = { kind: 'unknown', cause: new StorageError('no reply', { remedy: '-' }) };

  const { failed } = await compact({ ...store, putIfAbsent: async () => unknown });

  expect(failed).toMatchObject([{ dt: '2026-01-01', error: { kind: 'storage', retryable: true } }]);
  expect(await keysOf(store, tableName)).toEqual([...keys].sort());
});

it('I18, I20: a folder shows the same view at each step of a compaction', async () => {
  const store = await tempWarehouse();
  await fill(store, 1, runsPerDay);
  const view = await storedView(store);
  const sql = await opened(store);
  let looks = 0;

  const { failed } = await compact(
    failingStore(store, async (): Promise<StoreFate> => {
      expect(await storedView(store)).toEqual(view);
      expect(await shownView(sql)).toEqual(view);
      looks += 1;
      return 'ok';
    }),
  );

  expect(failed).toEqual([]);
  expect(looks).toBe(callsOfDay);
  expect(await storedView(store)).toEqual(view);
  expect(await shownView(sql)).toEqual(view);
});

it('I16: two compactions of the same files make the same file, byte for byte', async () => {
  const files = await Promise.all(
    [1, 2].map(async () => {
      const { store } = folderLike();
      await fill(store, 1, 24);
      await compact(store);
      const [key = ''] = await keysOf(store, tableName);
      return { key, bytes: Buffer.from((await store.get(key))?.bytes ?? []).toString('hex') };
    }),
  );

  expect(files[0]).toEqual(files[1]);
});
