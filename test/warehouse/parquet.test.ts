import { describe, expect, it } from 'vitest';
import type { Observation } from '../../functions/model.ts';
import { maxDataPageRows } from '../../functions/warehouse/column-chunk.ts';
import { instanceTable, observationColumns } from '../../functions/warehouse/columns.ts';
import { encodeParquet, maxRowGroupRows } from '../../functions/warehouse/parquet.ts';
import type { Table } from '../../functions/warehouse/table.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';
import { anObservation, newYearMs } from '../support/builders.ts';
import { duckdbOverFile, hyparquetFooter, hyparquetRows } from '../support/referee.ts';

const minInt64 = -(2n ** 63n);
const maxInt64 = 2n ** 63n - 1n;

function encode(rows: readonly Observation[]): Uint8Array {
  return encodeParquet(observationColumns, tableBatch(instanceTable, rows));
}

/** Reads minimum, maximum and number of nulls of a column, per row group, by DuckDB. */
async function statisticsOf(bytes: Uint8Array, column: string): Promise<unknown[]> {
  const rows = await duckdbOverFile(
    bytes,
    `SELECT stats_min_value AS min, stats_max_value AS max, stats_null_count AS nulls FROM parquet_metadata(file)
     WHERE path_in_schema = '${column}' ORDER BY row_group_id`,
  );
  return rows.map(({ min, max, nulls }) => [min, max, nulls]);
}

describe('a Parquet file', () => {
  it('has the columns of the schema, in order, with their types and nullability', async () => {
    const bytes = encode([anObservation()]);

    const types = await duckdbOverFile(bytes, 'SELECT column_name, column_type FROM (DESCRIBE FROM file)');
    expect(types.map((row) => `${row['column_name']} ${row['column_type']}`)).toEqual(
      observationColumns.map(
        ({ name, kind }) => `${name} ${{ int64: 'BIGINT', text: 'VARCHAR', 'timestamp-ms-utc': 'TIMESTAMP' }[kind]}`,
      ),
    );
    expect(hyparquetFooter(bytes).schema.slice(1)).toMatchObject(
      observationColumns.map(({ name, nullable }) => ({
        name,
        repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED',
      })),
    );
    expect(observationColumns.filter((column) => !column.nullable).map((column) => column.name)).toEqual([
      'id',
      'start_time',
      'project_id',
      'observed_at',
      'run_id',
    ]);
  });

  it('returns every value to hyparquet and DuckDB', async () => {
    const full = anObservation({ extra: '{"a":1}' });
    const empty = anObservation({
      id: 2n,
      name: null,
      taskId: null,
      taskType: null,
      runStatus: null,
      notifyStatus: null,
      endTimeMs: null,
      extra: null,
    });
    const bytes = encode([full, empty]);

    const expected = [full, empty].map((row) => ({
      id: row.id,
      name: row.name,
      task_id: row.taskId,
      task_type: row.taskType,
      run_status: row.runStatus,
      notify_status: row.notifyStatus,
      start_time: new Date(row.startTimeMs),
      end_time: row.endTimeMs === null ? null : new Date(row.endTimeMs),
      project_id: row.projectId,
      observed_at: new Date(row.observedAtMs),
      run_id: row.runId,
      extra: row.extra,
    }));
    expect(await hyparquetRows(bytes)).toEqual(expected.map((row) => expect.objectContaining(withoutNulls(row))));
    const bySql = await duckdbOverFile(bytes, `SELECT * REPLACE (epoch_ms(start_time) AS start_time) FROM file`);
    expect(bySql).toMatchObject([
      { id: String(full.id), start_time: String(newYearMs), end_time: '2026-01-01 00:01:00', extra: '{"a":1}' },
      { id: '2', name: null, task_id: null, task_type: null, run_status: null, end_time: null, extra: null },
    ]);
  });

  it('is compressed by GZIP, encoded as PLAIN and RLE, and has data pages of version 1', async () => {
    const bytes = encode([anObservation()]);

    const chunks = hyparquetFooter(bytes).row_groups[0]?.columns.map((column) => column.meta_data) ?? [];
    expect(new Set(chunks.map((chunk) => chunk?.codec))).toEqual(new Set(['GZIP']));
    expect(new Set(chunks.flatMap((chunk) => chunk?.encodings))).toEqual(new Set(['RLE', 'PLAIN']));
    // A page header starts with field 1 (0x15: i32) and the page's type, zigzag: 0 for DATA_PAGE, 6 for DATA_PAGE_V2.
    expect(chunks.map((chunk) => [...bytes.subarray(Number(chunk?.data_page_offset)).subarray(0, 2)])).toEqual(
      chunks.map(() => [0x15, 0]),
    );
  });

  it('is refused without rows', async () => {
    expect(() => encode([])).toThrow(/without rows/);
  });

  it('keeps values and statistics across pages and row groups', async () => {
    const count = maxRowGroupRows + maxDataPageRows + 7;
    const rows = Array.from({ length: count }, (_, index) =>
      anObservation({
        id: BigInt(index),
        startTimeMs: newYearMs + index,
        endTimeMs: index % 3 === 0 ? null : newYearMs + index,
        name: index % 5 === 0 ? null : `name ${index}`,
      }),
    );
    const bytes = encode(rows);

    expect(hyparquetFooter(bytes).row_groups.map((group) => Number(group.num_rows))).toEqual([
      maxRowGroupRows,
      maxDataPageRows + 7,
    ]);
    expect(
      await duckdbOverFile(
        bytes,
        `SELECT count(*) AS rows, count(DISTINCT id) AS ids,
           count_if((end_time IS NULL) <> (id % 3 = 0) OR epoch_ms(coalesce(end_time, start_time)) <> ${newYearMs} + id
             OR name IS DISTINCT FROM CASE WHEN id % 5 = 0 THEN NULL ELSE 'name ' || id END) AS wrong
         FROM file`,
      ),
    ).toEqual([{ rows: String(count), ids: String(count), wrong: '0' }]);
    expect(await statisticsOf(bytes, 'id')).toEqual([
      ['0', String(maxRowGroupRows - 1), '0'],
      [String(maxRowGroupRows), String(count - 1), '0'],
    ]);
  });
});

describe('a Parquet file, unlike one of parquetjs-lite', () => {
  it('keeps 19-digit ids exact, up to the limits of 64 bits', async () => {
    const ids = [minInt64, -1n, 0n, 2n ** 53n + 1n, 1_180_000_000_000_000_001n, 1_180_000_000_000_000_002n, maxInt64];
    const bytes = encode(ids.map((id) => anObservation({ id, taskId: id })));

    expect((await hyparquetRows(bytes)).map((row) => [row['id'], row['task_id']])).toEqual(ids.map((id) => [id, id]));
    expect((await duckdbOverFile(bytes, 'SELECT id, task_id FROM file')).map((row) => row['id'])).toEqual(
      ids.map(String),
    );
  });

  it('orders text in statistics by its UTF-8 bytes, also beyond the BMP', async () => {
    // The emoji sorts before U+FFFD in UTF-16 and after it in UTF-8.
    const bytes = encode(['\u{1F600}', '\uFFFD', 'A'].map((runStatus) => anObservation({ runStatus })));

    expect(await statisticsOf(bytes, 'run_status')).toEqual([['A', '\u{1F600}', '0']]);
    expect(await duckdbOverFile(bytes, `SELECT count(*) AS found FROM file WHERE run_status > '\uFFFD'`)).toEqual([
      { found: '1' },
    ]);
  });

  it('writes the deprecated statistics only for numbers, because their order is undefined for text', async () => {
    const [group] = hyparquetFooter(encode([anObservation()])).row_groups;

    const having = observationColumns.filter((_, index) => {
      const { min, max } = group?.columns[index]?.meta_data?.statistics ?? {};
      return min !== undefined || max !== undefined;
    });
    expect(having.map(({ name }) => name)).toEqual(
      observationColumns.filter(({ kind }) => kind !== 'text').map(({ name }) => name),
    );
  });

  it('writes no statistics for free text, long text, and columns of nulls', async () => {
    const bytes = encode([
      anObservation({ notifyStatus: 'x'.repeat(65), runStatus: null, endTimeMs: null, taskId: null }),
    ]);

    expect(await statisticsOf(bytes, 'name')).toEqual([[null, null, null]]);
    expect(await statisticsOf(bytes, 'extra')).toEqual([[null, null, null]]);
    expect(await statisticsOf(bytes, 'notify_status')).toEqual([[null, null, '0']]);
    expect(await statisticsOf(bytes, 'run_status')).toEqual([[null, null, '1']]);
    expect(await statisticsOf(bytes, 'end_time')).toEqual([[null, null, '1']]);
    expect(await statisticsOf(bytes, 'task_id')).toEqual([[null, null, '1']]);
  });

  it('has no number of distinct values, because the writer does not count them', async () => {
    const [group] = hyparquetFooter(encode([anObservation(), anObservation({ id: 2n })])).row_groups;

    expect(group?.columns.map((column) => column.meta_data?.statistics?.distinct_count)).toEqual(
      observationColumns.map(() => undefined),
    );
  });

  it('has no page index', async () => {
    const [group] = hyparquetFooter(encode([anObservation()])).row_groups;

    expect(group?.columns).toHaveLength(observationColumns.length);
    for (const column of group?.columns ?? []) {
      expect(column).not.toHaveProperty('column_index_offset', expect.anything());
      expect(column).not.toHaveProperty('offset_index_offset', expect.anything());
    }
  });

  it('keeps milliseconds, and times before 1970', async () => {
    const times = [-1, 0, 1, 999, newYearMs + 123, 253_402_300_799_999];
    const bytes = encode(times.map((ms) => anObservation({ startTimeMs: ms, endTimeMs: ms, observedAtMs: ms })));

    expect((await hyparquetRows(bytes)).map((row) => row['end_time'])).toEqual(times.map((ms) => new Date(ms)));
    expect(
      (await duckdbOverFile(bytes, 'SELECT epoch_ms(start_time) AS ms FROM file')).map((row) => row['ms']),
    ).toEqual(times.map(String));
  });
});

describe('an Arrow batch', () => {
  it('refuses an id beyond 64 bits and a time that is not a whole number of ms', () => {
    expect(() => tableBatch(instanceTable, [anObservation({ id: maxInt64 + 1n })])).toThrow(/does not fit 64 bits/);
    expect(() => tableBatch(instanceTable, [anObservation({ taskId: minInt64 - 1n })])).toThrow(/does not fit 64 bits/);
    expect(() => tableBatch(instanceTable, [anObservation({ startTimeMs: 0.5 })])).toThrow(
      /whole number of milliseconds/,
    );
    expect(() => tableBatch(instanceTable, [anObservation({ endTimeMs: Number.NaN })])).toThrow(
      /whole number of milliseconds/,
    );
  });

  it('returns its values through Arrow', () => {
    const batch = tableBatch(instanceTable, [
      anObservation({ name: 'a' }),
      anObservation({ name: null }),
      anObservation({ name: 'a' }),
      anObservation({ name: '' }),
      anObservation({ name: 'ö' }),
    ]);

    expect(batch.getChild('name')?.toArray()).toEqual(['a', null, 'a', '', 'ö']);
    expect(batch.get(0)?.toJSON()).toMatchObject({ id: 1_180_000_000_000_000_001n, run_status: 'SUCCESS' });
    expect(batch.numRows).toBe(5);
  });
});

function withoutNulls(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
}

describe('boolean values', () => {
  const flags: Table<{ readonly workspace: string; readonly n: bigint; readonly flag: boolean | null }> = {
    name: 'flags',
    description: '',
    columns: [
      { name: 'n', kind: 'int64', nullable: false, description: '', read: ({ n }) => n },
      { name: 'flag', kind: 'boolean', nullable: true, description: '', read: ({ flag }) => flag },
    ],
    partitionDescriptions: { workspace: '', dt: '' },
    partitionTimeMs: () => 0,
    compare: () => 0,
  };

  it.each([
    ['of each kind', 1_003, (row: number) => [true, false, null][row % 3] ?? null],
    ['without nulls', 17, (row: number) => row % 5 === 0],
    ['that are all null', 9, () => null],
    [
      'over several pages and row groups',
      2 * maxRowGroupRows + 5,
      (row: number) => (row % 7 === 0 ? null : row % 2 === 0),
    ],
  ])('%s are read back by hyparquet and DuckDB', async (_, count, flagOf) => {
    const rows = Array.from({ length: count }, (__, row) => ({ workspace: 'w', n: BigInt(row), flag: flagOf(row) }));
    const bytes = encodeParquet(flags.columns, tableBatch(flags, rows));
    expect((await hyparquetRows(bytes)).map((row) => row['flag'])).toEqual(rows.map(({ flag }) => flag));
    const [sums] = await duckdbOverFile(
      bytes,
      'SELECT count(*) AS rows, count(*) FILTER (flag) AS yes, count(*) FILTER (NOT flag) AS no FROM file',
    );
    const total = (wanted: boolean) => rows.filter(({ flag }) => flag === wanted).length;
    expect(Object.values(sums ?? {}).map(Number)).toEqual([count, total(true), total(false)]);
  });
});
