/** Queries of a folder while a compaction replaces its files. */
import { mkdir, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../functions/clock.ts';
import { tableName } from '../../functions/warehouse/layout.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import { type Store, waitedForUntil } from '../../functions/warehouse/store.ts';
import { compact, dayMs, fill } from '../compaction/world.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { FakeS3 } from '../support/fake-s3.ts';
import { keysOf } from '../support/store-steps.ts';
import { tempFolder, tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

/** More than 8 days of a month are listed together, so that each try of a query makes one listing. */
const days = 9;

/** Returns a folder in which something happens after each listing of data files, before they are opened. */
function changing(store: Store & { readonly folder: string }, afterListing: () => Promise<unknown>): Store {
  return {
    ...waitedForUntil(store, new AbortController().signal),
    // Without this, the store would be a bucket, whose files are copied.
    ...{ folder: store.folder },
    async *list(prefix) {
      yield* await Array.fromAsync(store.list(prefix));
      await afterListing();
    },
  };
}

/** Makes a clock that records its waits and ends them immediately. */
function recordingClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return { waits, now: () => newYearMs, sleep: async (ms) => void waits.push(ms) };
}

/** Makes a warehouse of which one more day is compacted after each listing. */
async function aWarehouseInCompaction() {
  const store = await tempWarehouse();
  await fill(store, days, 12);
  let compacted = 0;
  const compactNextDay = async (): Promise<void> => {
    const fromMs = newYearMs + compacted * dayMs;
    compacted += 1;
    await compact(store, { window: { fromMs, toMs: fromMs + dayMs } });
  };
  return { store, inCompaction: changing(store, compactNextDay) };
}

describe('a query during a compaction of a folder', () => {
  it.each([
    'SELECT dt, run_status, count(*) FROM quality_instances GROUP BY ALL ORDER BY ALL',
    'SELECT DISTINCT * FROM quality_instance_observations ORDER BY ALL',
    'PIVOT quality_instances ON run_status USING count(*) GROUP BY dt ORDER BY dt',
    'CREATE TABLE kept AS SELECT DISTINCT dt FROM quality_instances; SELECT k.dt, count(*) FROM kept k JOIN quality_instances USING (dt) GROUP BY ALL ORDER BY ALL',
  ])('returns the same rows, although a day is replaced after each listing: %s', async (query) => {
    const { store, inCompaction } = await aWarehouseInCompaction();
    const { rows } = await (await opened(store)).run(query);
    const clock = recordingClock();

    expect((await (await opened(inCompaction, '/nowhere', clock)).run(query)).rows).toEqual(rows);

    expect(rows.length).toBeGreaterThanOrEqual(days);
    // One wait for each day, and each twice as long, so that the compaction leaves the days of the query behind.
    expect(clock.waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600]);
  });

  it('runs all statements again if files are replaced between two of them', async () => {
    const store = await tempWarehouse();
    await fill(store, 1, 12);
    let compaction: Promise<unknown> | undefined;
    const inCompaction = changing(store, async () => {
      // Not awaited: it replaces the files after they were opened, while the first statement runs.
      compaction ??= compact(store);
    });
    const sql = await opened(inCompaction, '/nowhere', recordingClock());

    const rows = await ask(
      sql,
      `CREATE TABLE slow AS SELECT count(*) AS n FROM range(300000000) WHERE hash(range) = 0;
      PIVOT (SELECT run_status FROM quality_instances, slow) ON run_status USING count(*)`,
    );

    expect(rows).toEqual([{ SUCCESS: 36n }]);
    expect(await compaction).toMatchObject({ days: [{ filesAfter: 1 }] });
  });

  it('keeps the rows of known partitions, as a report does', async () => {
    const { inCompaction } = await aWarehouseInCompaction();
    const sql = await opened(inCompaction, '/nowhere', recordingClock());

    await sql.keep('runs', 'FROM quality_instances', () => true);

    expect(await ask(sql, 'SELECT count(*) AS n FROM runs')).toEqual([{ n: BigInt(days * 12 * 3) }]);
  });

  it('names the compaction, and not damage, if files are always gone when they are read', async () => {
    const store = await tempWarehouse();
    await writeObservations(store, [anObservation()]);
    let moved = 0;
    const moving = changing(store, async () => {
      const [key = ''] = await keysOf(store, tableName);
      moved += 1;
      const next = key.replace(/[^/]*$/, `run-${moved}.parquet`);
      await store.putIfAbsent(next, (await store.get(key))?.bytes ?? new Uint8Array());
      await store.setAside(key);
    });
    const clock = recordingClock();

    await expect((await opened(moving, '/nowhere', clock)).run('FROM quality_instances')).rejects.toMatchObject({
      kind: 'storage',
      retryable: true,
      message: expect.stringMatching(/^a compaction is .* 10 times in a row, .*run-9\.parquet$/),
      remedy: expect.stringMatching(/^No rows are lost\. Run the command again when the compaction has ended/),
    });

    expect(moved).toBe(10);
    expect(clock.waits).toHaveLength(9);
  });

  it('copies what has replaced the files of a linked day', async () => {
    const { store, inCompaction } = await aWarehouseInCompaction();
    const root = await tempFolder();
    const [key = ''] = await keysOf(store, tableName);
    const day = join(store.folder, dirname(key));
    await mkdir(join(root, 'elsewhere'));
    await rename(day, join(root, 'elsewhere/day'));
    await symlink(join(root, 'elsewhere/day'), day);
    const query = 'SELECT dt, count(*) FROM quality_instances GROUP BY ALL ORDER BY ALL';
    const { rows } = await (await opened(store, join(root, 'cache'))).run(query);

    const sql = await opened(inCompaction, join(root, 'other cache'), recordingClock());

    expect((await sql.run(query)).rows).toEqual(rows);
  });
});

describe('a query of S3', () => {
  it('lists again if a listed file has expired before it is copied', async () => {
    const fake = await FakeS3.start();
    const store = openS3Store({ bucket: fake.bucket, client: fake.client() });
    const keys = await fill(store, 1, 12);
    await compact(store);
    const expiring: Store = {
      ...waitedForUntil(store, new AbortController().signal),
      async *list(prefix) {
        yield* await Array.fromAsync(store.list(prefix));
        fake.objects.delete(keys[0] ?? '');
      },
    };
    const sql = await opened(expiring, join(await tempFolder(), 'cache'), recordingClock());

    expect(await ask(sql, 'SELECT count(*) AS n FROM quality_instances')).toEqual([{ n: 36n }]);
  });
});
