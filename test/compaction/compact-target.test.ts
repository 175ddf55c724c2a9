/** What a compaction makes of the files of settled days, on every kind of store. */
import { readdir, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instanceTable, observationColumns } from '../../functions/warehouse/columns.ts';
import { openFileStore } from '../../functions/warehouse/file-store.ts';
import { ParquetBuilder } from '../../functions/warehouse/parquet.ts';
import { openS3Store } from '../../functions/warehouse/s3-store.ts';
import type { Store } from '../../functions/warehouse/store.ts';
import type { StoredColumn } from '../../functions/warehouse/table.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { failingStore } from '../support/failing-store.ts';
import { FakeS3 } from '../support/fake-s3.ts';
import { duckdb, hyparquetFooter, hyparquetRows } from '../support/referee.ts';
import { bytesOf, keysOf } from '../support/store-steps.ts';
import { storedRows, storedView } from '../support/stored-rows.ts';
import { tempFolder, tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';
import { compact, dayMs, fill, hourlyObservations, hourMs, workspace } from './world.ts';

const table = 'quality_instance_observations/';
const prefixOf = (day: number) =>
  `${table}workspace=${workspace}/dt=${new Date(newYearMs + day * dayMs).toISOString().slice(0, 10)}/`;

/** Texts and numbers that a reader or writer may spoil. */
const oddities = [
  '\ufeffwith a byte order mark',
  'beyond the BMP: 𝒳 🜁',
  '',
  'null',
  'quote \' and " and \\ and \u0000',
  'x'.repeat(5000),
  '日本語',
].map((text, index) =>
  anObservation({
    workspace,
    id: 9_223_372_036_854_775_807n - BigInt(index),
    name: index % 2 === 0 ? text : null,
    taskId: index % 3 === 0 ? null : -9_223_372_036_854_775_808n + BigInt(index),
    runStatus: index === 4 ? null : text,
    notifyStatus: index === 2 ? null : 'SUCCESS',
    startTimeMs: newYearMs + index,
    endTimeMs: index % 2 === 0 ? null : 0,
    extra: index % 2 === 0 ? null : JSON.stringify({ text, big: '1180000000000000001' }),
    runId: `odd${index}`,
  }),
);

describe('a compaction', () => {
  it('replaces the files of each settled day by one file of the same rows, sorted', async () => {
    const store = await tempWarehouse();
    await fill(store, 2, 12);
    await writeObservations(store, oddities);
    const [rows, view] = [(await storedRows(store)).sort(), await storedView(store)];
    const asked = await ask(await opened(store), 'FROM quality_instances ORDER BY ALL');

    const { days, done } = await compact(store);

    expect(done).toBe(true);
    expect(days.map(({ dt, filesBefore, filesAfter }) => [dt, filesBefore, filesAfter])).toEqual([
      ['2026-01-02', 16, 1],
      ['2026-01-01', 23, 1],
    ]);
    expect((await storedRows(store)).sort()).toEqual(rows);
    expect(await storedView(store)).toEqual(view);
    expect(await ask(await opened(store), 'FROM quality_instances ORDER BY ALL')).toEqual(asked);
    const keys = await keysOf(store, table);
    expect(keys.map((key) => key.replace(/compact-\d+-[0-9a-f]{32}/, 'C'))).toEqual(
      [43, 36].map((executions, day) => `${prefixOf(day)}C-${executions}.parquet`),
    );
    const bytes = (await store.get(keys[0] ?? ''))?.bytes ?? new Uint8Array();
    const read = await hyparquetRows(bytes);
    const order = read.map((row) => [(row['start_time'] as Date).getTime(), row['id'] as bigint] as const);
    // The latest of each execution, then the others.
    for (const part of [order.slice(0, 43), order.slice(43)]) {
      expect(part).toEqual(
        [...part].sort((a, b) => (a[0] === b[0] ? (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0) : a[0] - b[0])),
      );
    }
    const min = hyparquetFooter(bytes).row_groups[0]?.columns[0]?.meta_data?.statistics?.min_value;
    expect(min).toBe(read.map((row) => row['id'] as bigint).sort((a, b) => (a < b ? -1 : 1))[0]);
    const path = join(store.folder, keys[0] ?? '');
    expect(await duckdb(`SELECT count(*) AS n FROM '${path}' WHERE name = '\ufeffwith a byte order mark'`)).toEqual([
      { n: '1' },
    ]);
  });

  it('keeps each observation of an execution, and one of several that are the same', async () => {
    const store = await tempWarehouse();
    const row = anObservation({ workspace });
    const seen = Array.from({ length: 6 }, (_, n) => ({ ...row, observedAtMs: newYearMs + n, runId: `seen${n}` }));
    // A crash wrote the first observations twice: the same rows in files of other names.
    await writeObservations(store, seen);
    for (const key of (await keysOf(store, table)).slice(0, 4)) {
      const object = await store.get(key);
      await store.putIfAbsent(key.replace('-0.parquet', '-1.parquet'), object?.bytes ?? new Uint8Array());
    }
    expect(await storedRows(store)).toHaveLength(10);

    const { days } = await compact(store);

    expect(days).toMatchObject([{ filesBefore: 10, filesAfter: 1, rows: 6 }]);
    expect(new Set(await storedRows(store)).size).toBe(6);
  });

  it('skips days with 8 files, unsettled days, other workspaces, and files that do not belong to the table', async () => {
    const store = await tempWarehouse();
    await fill(store, 1, 6);
    await writeObservations(store, hourlyObservations(1, 24, { workspace: 'ops' }));
    const recent = hourlyObservations(1, 12).map((row) => ({ ...row, startTimeMs: row.startTimeMs + 53 * dayMs }));
    await writeObservations(store, recent);
    await store.putIfAbsent(`${prefixOf(0)}notes.txt`, bytesOf('x'));
    const before = await keysOf(store, '');

    expect(await compact(store)).toEqual({ target: 'sales', days: [], failed: [], done: true });
    expect(await keysOf(store, '')).toEqual(before);
  });

  it('compacts only the days of its window, and only reports them in a dry run', async () => {
    const store = await tempWarehouse();
    await fill(store, 4, 12);
    const before = await keysOf(store, '');
    const window = { fromMs: newYearMs + dayMs, toMs: newYearMs + 3 * dayMs };

    const planned = await compact(store, { window, isDryRun: true });
    expect(planned.days.map(({ dt }) => dt)).toEqual(['2026-01-03', '2026-01-02']);
    expect(planned.days[0]).toMatchObject({ filesBefore: 16, filesAfter: 1 });
    expect(await keysOf(store, '')).toEqual(before);

    const done = await compact(store, { window });
    expect(done.days.map(({ dt }) => dt)).toEqual(['2026-01-03', '2026-01-02']);
    expect(await keysOf(store, prefixOf(0))).toHaveLength(16);
    expect(await keysOf(store, prefixOf(3))).toHaveLength(16);
  });

  it('sets nothing aside in a dry run, not even what an interrupted compaction has replaced', async () => {
    const store = await tempWarehouse();
    await fill(store, 1, 12);
    await compact(failingStore(store, ({ method }) => (method === 'setAside' ? 'die-before' : 'ok')));
    const interrupted = await keysOf(store, '');
    expect(interrupted).toHaveLength(17);

    expect(await compact(store, { isDryRun: true })).toMatchObject({ days: [], done: true });

    expect(await keysOf(store, '')).toEqual(interrupted);
  });

  it('stops at its time limit with whole days done, and continues the next time', async () => {
    const store = await tempWarehouse();
    await fill(store, 3, 12);
    const view = await storedView(store);
    let asked = 0;

    const first = await compact(store, { remainingMs: () => (asked++ < 12 ? 1 : 0) });
    expect(first.done).toBe(false);
    expect(first.days.map(({ dt }) => dt)).toEqual(['2026-01-03', '2026-01-02']);
    expect(await storedView(store)).toEqual(view);

    const second = await compact(store);
    expect(second).toMatchObject({ done: true, days: [{ dt: '2026-01-01' }] });
    expect(await storedView(store)).toEqual(view);
  });

  it('gives listings that began before its new file time to end before it sets files aside', async () => {
    const steps: string[] = [];
    const store = failingStore(await tempWarehouse(), ({ method }) => {
      steps.push(method);
      return 'ok';
    });
    await fill(store, 1, 12);
    steps.length = 0;

    const sleep = async (ms: number) => void steps.push(ms >= 100 ? 'pause' : 'too short');
    await compact(store, { clock: { now: () => newYearMs + 60 * dayMs, sleep } });

    const changes = steps.filter((step) => step !== 'get');
    expect(changes.slice(0, 3)).toEqual(['putIfAbsent', 'pause', 'setAside']);
  });

  it('writes several files if one would need too much memory', async () => {
    const store = await tempWarehouse();
    const view = await fill(store, 1, 40).then(() => storedView(store));

    const { days } = await compact(store, { limits: { filesOfDay: 8, memoryBytes: 1, inputBytes: 1e9 } });

    // Four files are read at a time; of 54, the last new file replaces two.
    expect(days).toMatchObject([{ filesBefore: 54, filesAfter: 14, rows: 134 }]);
    expect(await keysOf(store, table)).toHaveLength(14);
    expect(await storedView(store)).toEqual(view);
    expect((await compact(store)).days).toEqual([]);
  });

  it.each([
    ['is damaged', () => bytesOf('PAR1 this is no Parquet PAR1'), 'cannot be read as Parquet'],
    [
      'has a column of a later version',
      fileOf((column) => (column.name === 'extra' ? { ...column, name: 'severity' } : column)),
      'a column severity of type',
    ],
    [
      'has a column of another type',
      fileOf((column) => {
        const asTaskId = column.name === 'extra' ? { ...column, name: 'task_id' } : column;
        return column.name === 'task_id' ? null : asTaskId;
      }),
      'a column task_id of type BYTE_ARRAY',
    ],
  ])('does not change a day with a file that %s', async (_, bytes, message) => {
    const store = await tempWarehouse();
    await fill(store, 2, 12);
    await store.putIfAbsent(`${prefixOf(0)}zzz-0.parquet`, await bytes());
    const before = await keysOf(store, prefixOf(0));

    expect(await compact(store)).toMatchObject({
      days: [{ dt: '2026-01-02' }],
      failed: [{ dt: '2026-01-01', error: { kind: 'storage', message: expect.stringContaining(message) } }],
      done: true,
    });

    expect(await keysOf(store, prefixOf(0))).toEqual(before);
    expect(await keysOf(store, prefixOf(1))).toHaveLength(1);
  });

  it('reads columns missing in files of an earlier version as null', async () => {
    const store = await tempWarehouse();
    await writeObservations(store, hourlyObservations(2, 12, { extra: '{"beside":1}' }));
    await store.putIfAbsent(
      `${prefixOf(0)}old-0.parquet`,
      await fileOf((column) => (column.name === 'extra' ? null : column))(),
    );

    await compact(store);

    const rows = await ask(await opened(store), 'FROM quality_instances WHERE id = 1');
    expect(rows).toMatchObject([{ name: 'rule_orders_not_null', extra: null, run_id: 'old' }]);
  });
});

/** Makes a file of one row as another version of the product would: with other columns, or without some. */
function fileOf(change: (column: StoredColumn) => StoredColumn | null): () => Promise<Uint8Array> {
  return async () => {
    const columns = observationColumns.map(change).filter((column) => column !== null);
    const file = new ParquetBuilder(columns);
    file.add(tableBatch(instanceTable, [anObservation({ id: 1n, runId: 'old', extra: '{"later":1}' })]));
    return file.finish();
  };
}

describe('what a compaction replaces', () => {
  const parquetFiles = async (folder: string): Promise<string[]> =>
    (await readdir(folder, { recursive: true }).catch(() => [])).filter((name) => name.endsWith('.parquet'));

  it('is kept aside in a folder for two days', async () => {
    const folder = join(await tempFolder(), 'warehouse');
    // The clock of this process is two months ahead of the file system's.
    const clock = { now: () => Date.now() + 60 * dayMs, sleep: async () => undefined };
    const store = openFileStore(`file:${folder}`, clock);
    await fill(store, 2, 12);

    await compact(store);
    expect(await parquetFiles(join(folder, '.replaced'))).toHaveLength(32);
    expect(await parquetFiles(join(folder, table))).toHaveLength(2);

    await compact(store, { clock });
    expect(await parquetFiles(join(folder, '.replaced'))).toHaveLength(32);
    for (const [day, ageMs] of [2 * dayMs - hourMs, 2 * dayMs + hourMs].entries()) {
      const movedAt = (Date.now() - ageMs) / 1000;
      await utimes(join(folder, '.replaced', prefixOf(day)), movedAt, movedAt);
    }
    await compact(store, { isDryRun: true });
    expect(await parquetFiles(join(folder, '.replaced'))).toHaveLength(32);
    await compact(store);
    const kept = await parquetFiles(join(folder, '.replaced'));
    expect([kept.length, new Set(kept.map((name) => dirname(name))).size]).toEqual([16, 1]);
    expect(join('.', kept[0] ?? '')).toContain(join('.', prefixOf(0)));
    expect(await parquetFiles(join(folder, table))).toHaveLength(2);
  });

  it('carries a tag in S3, and stays readable', async () => {
    const fake = await FakeS3.start();
    const store = openS3Store({ bucket: fake.bucket, prefix: 'dq', client: fake.client() });
    const keys = await fill(store, 1, 12);
    const view = await storedView(store);

    await compact(store);

    expect([...fake.tags]).toEqual([...keys].sort().map((key) => [`dq/${key}`, 'dqsync=replaced']));
    expect(await keysOf(store, table)).toHaveLength(17);
    expect(await storedView(store)).toEqual(view);
    const sql = await opened(store, join(await tempFolder(), 'cache'));
    expect(await ask(sql, 'SELECT count(*) AS n FROM quality_instances')).toEqual([{ n: BigInt(view.length) }]);
  });

  it('is not compacted again, whatever part of it the lifecycle rule has expired', async () => {
    const fake = await FakeS3.start();
    const store = openS3Store({ bucket: fake.bucket, client: fake.client() });
    const keys = await fill(store, 1, 12);
    const view = await storedView(store);
    await compact(store);
    for (const count of [0, 1, 5, 10, 16]) {
      for (const key of keys.slice(0, count)) {
        fake.objects.delete(key);
      }

      expect((await compact(store)).days, `${count} expired`).toEqual([]);
      expect(fake.objects.size).toBe(17 - count);
      expect(await storedView(store)).toEqual(view);
    }
  });

  it('is compacted separately when more is written later', async () => {
    const store: Store = await tempWarehouse();
    await fill(store, 1, 12);
    await compact(store);
    const again = hourlyObservations(1, 12).map((row) => ({
      ...row,
      runId: `again-${row.runId}`,
      observedAtMs: row.observedAtMs + 9 * dayMs,
    }));
    await writeObservations(store, again);
    const [rows, view] = [(await storedRows(store)).sort(), await storedView(store)];

    expect((await compact(store)).days).toMatchObject([{ filesBefore: 17, filesAfter: 2 }]);

    expect((await storedRows(store)).sort()).toEqual(rows);
    expect(await storedView(store)).toEqual(view);
    expect(await keysOf(store, table)).toHaveLength(2);
  });
});
