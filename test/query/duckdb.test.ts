import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { DqsyncError } from '../../functions/errors.ts';
import { viewColumns } from '../../functions/query/view.ts';
import { openFileStore } from '../../functions/warehouse/file-store.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { tempFolder, tempWarehouse } from '../support/temp-warehouse.ts';
import { writeObservations } from '../support/warehouse-data.ts';
import { ask, opened } from '../support/warehouse-sql.ts';

const hourMs = 3_600_000;

describe('SQL over a warehouse', () => {
  it('returns all columns and no rows for an empty one, and creates nothing in it', async () => {
    const folder = await tempFolder();
    const sql = await opened(openFileStore(`file:${folder}/warehouse`));

    for (const table of ['quality_instances', 'quality_instance_observations']) {
      const { columns, rows } = await sql.run(`SELECT * FROM ${table}`);
      expect(rows).toEqual([]);
      expect(columns.map((column) => column.name)).toEqual(viewColumns);
      expect(columns.map((column) => column.type)).toEqual([
        ...['BIGINT', 'VARCHAR', 'BIGINT', 'VARCHAR', 'VARCHAR', 'VARCHAR', 'TIMESTAMP', 'TIMESTAMP'],
        ...['VARCHAR', 'TIMESTAMP', 'VARCHAR', 'VARCHAR', 'VARCHAR', 'VARCHAR'],
      ]);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('returns the same columns and types with rows', async () => {
    const store = await tempWarehouse();
    const empty = await (await opened(store)).run('FROM quality_instances');
    await writeObservations(store, [anObservation()]);

    const { columns, rows } = await (await opened(store)).run('FROM quality_instances');

    expect(columns).toEqual(empty.columns);
    expect(rows).toEqual([
      [
        1_180_000_000_000_000_001n,
        'rule_orders_not_null',
        1_170_000_000_000_000_001n,
        'QUALITY_TASK',
        'SUCCESS',
        'NOT_TRIGGERED',
        '2026-01-01T00:00:00.000Z',
        '2026-01-01T00:01:00.000Z',
        '0b1c2d3e4f5061728394a5b6c7d8e9f0',
        '2026-01-01T00:05:00.000Z',
        '20260101T000500Z-00000001',
        null,
        '9f2e4d6d5c0a4f0e8f3c1b2a7d9e0f11',
        '2026-01-01',
      ],
    ]);
  });

  it('shows each execution once, in its latest state', async () => {
    const store = await tempWarehouse();
    const running = { runStatus: 'RUNNING', endTimeMs: null };
    await writeObservations(store, [
      anObservation({ id: 1n, ...running, observedAtMs: newYearMs + 1, runId: 'run1' }),
      anObservation({ id: 1n, runStatus: 'FAILED', observedAtMs: newYearMs + 3, runId: 'run3' }),
      anObservation({ id: 1n, ...running, observedAtMs: newYearMs + 2, runId: 'run2' }),
      // The same instance at another start time is another execution.
      anObservation({ id: 1n, startTimeMs: newYearMs + hourMs, runId: 'run3' }),
      // Two observations in the same millisecond: the later run wins.
      anObservation({ id: 2n, runStatus: 'FAILED', observedAtMs: newYearMs, runId: 'run4' }),
      anObservation({ id: 2n, runStatus: 'SUCCESS', observedAtMs: newYearMs, runId: 'run5' }),
      // The same id in another workspace or project is another execution.
      anObservation({ id: 2n, workspace: 'other', runId: 'run6' }),
      anObservation({ id: 2n, projectId: 'other', runId: 'run6' }),
    ]);

    const rows = await ask(
      await opened(store),
      `SELECT id, run_status, run_id, start_time, workspace = 'other' AS w, project_id = 'other' AS p FROM quality_instances ORDER BY ALL`,
    );

    expect(rows).toMatchObject([
      { id: 1n, run_status: 'FAILED', run_id: 'run3' },
      { id: 1n, run_status: 'SUCCESS', start_time: '2026-01-01T01:00:00.000Z' },
      { id: 2n, run_id: 'run5', w: false, p: false },
      { id: 2n, run_id: 'run6', w: false, p: true },
      { id: 2n, run_id: 'run6', w: true, p: false },
    ]);
  });

  it('treats workspaces and days as text, even if they look like numbers or dates', async () => {
    const store = await tempWarehouse();
    await writeObservations(store, [
      anObservation({ workspace: '007', runId: 'a' }),
      anObservation({ workspace: '2026-01-01', runId: 'b' }),
    ]);

    expect(
      await ask(await opened(store), 'SELECT workspace, typeof(dt) AS type FROM quality_instances ORDER BY 1'),
    ).toEqual([
      { workspace: '007', type: 'VARCHAR' },
      { workspace: '2026-01-01', type: 'VARCHAR' },
    ]);
  });

  it('finds a folder with any name', async () => {
    const folder = await tempFolder();
    const store = openFileStore(`file:${folder}/it's [1] a*b?/x=y/ö`);
    await writeObservations(store, [anObservation()]);

    expect(await ask(await opened(store), 'SELECT count(*) AS n FROM quality_instances')).toEqual([{ n: 1n }]);
  });

  it.each(['dt=2020-01-01', 'workspace=other', 'workspace=other/dt=2020-01-01'])(
    'takes days and workspaces from folders below the table, not from a folder %s above it',
    async (above) => {
      const store = openFileStore(`file:${await tempFolder()}/${above}/warehouse`);
      await writeObservations(store, [
        anObservation({ workspace: 'sales', runId: 'a' }),
        anObservation({ workspace: 'ops', startTimeMs: newYearMs + 24 * hourMs, runId: 'b' }),
      ]);
      const sql = await opened(store);

      expect(await ask(sql, 'SELECT workspace, dt FROM quality_instances ORDER BY ALL')).toEqual([
        { workspace: 'ops', dt: '2026-01-02' },
        { workspace: 'sales', dt: '2026-01-01' },
      ]);
      expect(await ask(sql, `SELECT run_id FROM quality_instances WHERE dt = '2026-01-02'`)).toEqual([{ run_id: 'b' }]);
    },
  );

  it('ignores files that do not belong to the table', async () => {
    const store = await tempWarehouse();
    await writeObservations(store, [anObservation()]);
    await store.putIfAbsent('quality_instance_observations/notes.txt', new TextEncoder().encode('x'));
    await store.putIfAbsent(
      'quality_instance_observations/workspace=w/dt=2026-01-01/other.parquet',
      new TextEncoder().encode('x'),
    );

    expect(await ask(await opened(store), 'SELECT count(*) AS n FROM quality_instances')).toEqual([{ n: 1n }]);
  });

  it('returns every kind of value as plain JS', async () => {
    const sql = await opened(await tempWarehouse());

    expect(
      (
        await sql.run(`SELECT 1::INTEGER, 2::BIGINT, 3::HUGEINT, 1.5::DOUBLE, 1.50::DECIMAL(9,2), TRUE, 'x', NULL, DATE '2026-01-31',
          TIMESTAMP '2026-01-31 01:02:03.004', TIMESTAMP '2026-01-31 01:02:03.004005', TIMESTAMP '1969-12-31 23:59:59.999999',
          TIMESTAMPTZ '2026-01-31 01:02:03+08', [1, 2]`)
      ).rows,
    ).toEqual([
      [
        ...[1, 2n, 3n, 1.5, '1.50', true, 'x', null, '2026-01-31'],
        ...['2026-01-31T01:02:03.004Z', '2026-01-31T01:02:03.004005Z', '1969-12-31T23:59:59.999999Z'],
        ...['2026-01-30T17:02:03.000Z', '[1, 2]'],
      ],
    ]);
  });

  it('reads JSON in extra, pivots, describes and explains', async () => {
    const store = await tempWarehouse();
    await writeObservations(store, [anObservation({ extra: '{"score": 7}' })]);
    const sql = await opened(store);

    expect(await ask(sql, `SELECT extra->>'$.score' AS score FROM quality_instances`)).toEqual([{ score: '7' }]);
    expect(await ask(sql, 'PIVOT quality_instances ON run_status USING count(*) GROUP BY dt')).toEqual([
      { dt: '2026-01-01', SUCCESS: 1n },
    ]);
    expect((await sql.run('DESCRIBE quality_instances')).rows).toHaveLength(viewColumns.length);
    expect((await sql.run('EXPLAIN FROM quality_instances')).rows).toHaveLength(1);
  });

  it('sorts more rows than its memory holds', async () => {
    const sql = await opened(await tempWarehouse());

    expect(
      await ask(
        sql,
        `SELECT count(*) AS n FROM (SELECT row_number() OVER (ORDER BY hash(range)) AS r FROM range(3000000)) WHERE r > 0`,
      ),
    ).toEqual([{ n: 3_000_000n }]);
  });

  it.each([
    ['quality_instance_observations', 'dqsync verify --from 2026-02-28 --to 2026-03-01 --deep --repair'],
    ['quality_rule_results', 'dqsync backfill --from 2026-02-28 --to 2026-03-01 --again --results'],
    ['quality_task_observations', 'dqsync sync --tasks'],
  ])('names a damaged file of %s, quotes no SQL, and gives the command that reads it again', async (table, command) => {
    const store = await tempWarehouse();
    const key = `${table}/workspace=sales/dt=2026-02-28/20260301T000000Z-9f86d081-0.parquet`;
    await store.putIfAbsent(key, Buffer.from('archived long ago'));

    const error: DqsyncError = await (await opened(store)).run(`SELECT count(run_id) FROM ${table}`).then(
      () => expect.fail('was read'),
      (thrown) => thrown,
    );

    expect(error).toMatchObject({ kind: 'storage', message: expect.stringContaining(`'${store.folder}/${key}'`) });
    expect(error.message).not.toMatch(/line \d|read_parquet/);
    expect(error.remedy).toMatch(/^The file is damaged: restore it from a backup/);
    expect(error.remedy.endsWith(`are lost: ${command}`)).toBe(true);
  });
});
