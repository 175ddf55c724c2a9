/**
 * I20: days that consist of one compacted file are read without a window function, others with it, and the view is the
 * same.
 */
import { describe, expect, it } from 'vitest';
import type { Observation } from '../../functions/model.ts';
import type { WarehouseSql } from '../../functions/query/duckdb.ts';
import { tableName } from '../../functions/warehouse/layout.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import { compact, dayMs, fill, hourlyObservations } from '../compaction/world.ts';
import { failingStore } from '../support/failing-store.ts';
import { keysOf } from '../support/store-steps.ts';
import { shownView, storedRows, storedView } from '../support/stored-rows.ts';
import { tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const runsPerDay = 4;
const limits = { filesOfDay: 8, memoryBytes: 1, inputBytes: 1e9 };

/** Writes changed rows of the day in files of other runs. */
function again(name: string, change: Partial<Observation>, laterMs = 0): Observation[] {
  return hourlyObservations(1, runsPerDay).map((row) => ({
    ...row,
    ...change,
    runId: `${name}-${row.runId}`,
    observedAtMs: row.observedAtMs + laterMs,
  }));
}

/** Returns the same executions, observed in another state, later or earlier. */
const later = again('later', { runStatus: 'FAILED' }, 40 * dayMs);
const earlier = again('earlier', { runStatus: 'FAILED' }, -40 * dayMs);

/** Restores some of the files that a compaction has replaced, as if it had been killed before. */
async function compactWithout(store: Store, kept: number): Promise<void> {
  const keys = await keysOf(store, tableName);
  const files = await Promise.all(keys.map(async (key) => [key, (await store.get(key))?.bytes] as const));
  await compact(store);
  for (const [key, bytes] of files.slice(0, kept)) {
    await store.putIfAbsent(key, bytes ?? new Uint8Array());
  }
}

/** Renames the only compacted file to a name of earlier versions. */
async function renameToOldForm(store: Store): Promise<void> {
  const [key = ''] = await keysOf(store, tableName);
  const bytes = (await store.get(key))?.bytes ?? new Uint8Array();
  await store.putIfAbsent(key.replace(/-\d+\.parquet$/, '-0.parquet'), bytes);
  await store.setAside(key);
}

/** Whether a query of all rows needs a window function. DuckDB omits branches that read no file. */
async function takesWindow(sql: WarehouseSql): Promise<boolean> {
  const { rows } = await sql.run('EXPLAIN FROM quality_instances');
  return /\bWINDOW\b/.test(String(rows[0]?.[1]));
}

const histories: readonly (readonly [string, boolean, (store: Store) => Promise<unknown>])[] = [
  ['nothing is compacted', true, async () => undefined],
  ['all is compacted', false, compact],
  ['all is compacted, twice', false, (store) => compact(store).then(() => compact(store))],
  ['all replaced files are still there', true, (store) => compactWithout(store, 12)],
  ['one replaced file is still there', true, (store) => compactWithout(store, 1)],
  [
    'a compaction was killed before it set a file aside',
    true,
    (store) => compact(failingStore(store, ({ method }) => (method === 'setAside' ? 'die-before' : 'ok'))),
  ],
  [
    'the file is of a form that says nothing of its rows',
    true,
    (store) => compact(store).then(() => renameToOldForm(store)),
  ],
  ['the day needs several files', true, (store) => compact(store, { limits })],
  [
    'later observations come to a compacted day',
    true,
    (store) => compact(store).then(() => writeObservations(store, later.slice(0, 5))),
  ],
  [
    'earlier observations come to a compacted day',
    true,
    (store) => compact(store).then(() => writeObservations(store, earlier)),
  ],
  [
    'another day comes to a compacted one',
    true,
    async (store) => {
      await compact(store);
      await writeObservations(store, hourlyObservations(2, 3).slice(-3));
    },
  ],
  [
    'a day is compacted again after later observations',
    true,
    async (store) => {
      await compact(store);
      await writeObservations(store, later);
      await compact(store);
    },
  ],
  [
    'two concurrent compactions have listed different files',
    true,
    async (store) => {
      const asListed = await keysOf(store, tableName);
      await writeObservations(store, later);
      const blind: Store = {
        ...failingStore(store, () => 'ok'),
        async *list(prefix) {
          for await (const file of store.list(prefix)) {
            if (asListed.includes(file.key)) {
              yield file;
            }
          }
        },
        setAside: async () => undefined,
      };
      await compact(blind);
      await compact(store);
    },
  ],
];

describe('I20: quality_instances equals the view of the files', () => {
  it.each(histories)('when %s (window: %s)', async (_, hasWindow, happen) => {
    const store = await tempWarehouse();
    await fill(store, 1, runsPerDay);
    // The same instances at the same times in another project.
    await writeObservations(store, again('other', { projectId: 'other' }));

    await happen(store);

    const sql = await opened(store);
    expect(await shownView(sql)).toEqual(await storedView(store));
    expect(await ask(sql, 'SELECT count(*) AS n FROM quality_instance_observations')).toEqual([
      { n: BigInt((await storedRows(store)).length) },
    ]);
    expect(await takesWindow(sql)).toBe(hasWindow);
  });
});
