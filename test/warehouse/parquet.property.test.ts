import fc from 'fast-check';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { expect, it } from 'vitest';
import type { Observation } from '../../functions/model.ts';
import { instanceTable, observationColumns } from '../../functions/warehouse/columns.ts';
import { packValues } from '../../functions/warehouse/packed-encoding.ts';
import { encodeParquet } from '../../functions/warehouse/parquet.ts';
import { tableBatch } from '../../functions/warehouse/table-batch.ts';
import { anObservation } from '../support/builders.ts';
import { duckdbOverFile, hyparquetFooter, hyparquetRows } from '../support/referee.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', 'SUCCESS', 'FAILED', '\u{1F600}', '\uFFFF', 'a'.repeat(3000)),
);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const timeMs = fc.integer({ min: 0, max: 4_102_444_800_000 });
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null, freq: 3 });

const observation: fc.Arbitrary<Observation> = fc
  .record({
    id: int64,
    name: orNull(text),
    taskId: orNull(int64),
    taskType: orNull(text),
    runStatus: orNull(text),
    notifyStatus: orNull(text),
    startTimeMs: timeMs,
    endTimeMs: orNull(timeMs),
    projectId: text,
    observedAtMs: timeMs,
    runId: text,
    extra: orNull(text),
  })
  .map(anObservation);

const columns = {
  id: 'id',
  name: 'name',
  task_id: 'taskId',
  task_type: 'taskType',
  run_status: 'runStatus',
  notify_status: 'notifyStatus',
  start_time: 'startTimeMs',
  end_time: 'endTimeMs',
  project_id: 'projectId',
  observed_at: 'observedAtMs',
  run_id: 'runId',
  extra: 'extra',
} as const;

/** Lone surrogates have no UTF-8. */
function asUtf8(value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

function plain(value: unknown): unknown {
  return value instanceof Date ? value.getTime() : (value ?? null);
}

it('hyparquet reads back any observations unchanged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(observation, { minLength: 1, maxLength: 60 }), async (rows) => {
      const read = await hyparquetRows(encodeParquet(observationColumns, tableBatch(instanceTable, rows)));

      expect(read.map((row) => Object.keys(columns).map((name) => plain(row[name])))).toEqual(
        rows.map((row) => Object.values(columns).map((name) => asUtf8(row[name]))),
      );
    }),
    { numRuns: 100 },
  );
});

it('statistics are the smallest and the largest value of any observations', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(observation, { minLength: 1, maxLength: 30 }), async (rows) => {
      const [group] = hyparquetFooter(encodeParquet(observationColumns, tableBatch(instanceTable, rows))).row_groups;

      for (const [index, name] of Object.values(columns).entries()) {
        const statistics = group?.columns[index]?.meta_data?.statistics;
        const values = rows.map((row) => asUtf8(row[name])).filter((value) => value !== null);
        if (statistics?.min_value === undefined || statistics.max_value === undefined) {
          continue;
        }
        expect(Number(statistics.null_count)).toBe(rows.length - values.length);
        const [min, max] = [orderable(statistics.min_value), orderable(statistics.max_value)];
        const ordered = values.map(orderable).sort(compare);
        expect([min, max]).toEqual([ordered[0], ordered.at(-1)]);
      }
    }),
    { numRuns: 100 },
  );
});

it('hyparquet and DuckDB read back any repetitions and nulls', async () => {
  const runs = fc.array(
    fc.record({
      value: fc.integer({ min: -1, max: 300 }),
      length: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 80 })),
    }),
    { minLength: 1, maxLength: 400 },
  );
  await fc.assert(
    fc.asyncProperty(runs, async (pattern) => {
      const values = pattern.flatMap(({ value, length }) => Array<number>(length).fill(value));
      const rows = values.map((value, index) =>
        anObservation({
          id: BigInt(index),
          name: value < 0 ? null : `name ${value}`,
          taskId: value < 0 ? null : 2n ** 62n + BigInt(value),
        }),
      );
      const bytes = encodeParquet(observationColumns, tableBatch(instanceTable, rows));

      const expected = rows.map(({ name, taskId }) => [name, taskId]);
      expect((await hyparquetRows(bytes)).map((row) => [row['name'] ?? null, row['task_id'] ?? null])).toEqual(
        expected,
      );
      expect(
        (await duckdbOverFile(bytes, 'SELECT name, task_id FROM file')).map((row) => [row['name'], row['task_id']]),
      ).toEqual(expected.map(([name, taskId]) => [name, taskId === null ? null : String(taskId)]));
    }),
    { numRuns: 30 },
  );
});

it('hyparquet decodes any numbers of 1 to 20 bits', () => {
  const runs = fc.array(
    fc.record({
      value: fc.nat({ max: 2 ** 20 - 1 }),
      length: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 })),
    }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), runs, (bitWidth, pattern) => {
      const values = pattern.flatMap(({ value, length }) => Array<number>(length).fill(value % 2 ** bitWidth));

      const encoded = packValues(Int32Array.from(values), bitWidth);

      const decoded = new Array<number>(values.length).fill(-1);
      const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
      readRleBitPackedHybrid({ view, offset: 0 }, bitWidth, decoded, encoded.length);
      expect(decoded).toEqual(values);
    }),
    { numRuns: 500 },
  );
});

/** Returns a value by which values can be ordered: texts by their UTF-8 bytes, numbers and times by their value. */
function orderable(value: unknown): string | bigint {
  if (typeof value === 'string') {
    return Buffer.from(value).toString('hex');
  }
  return value instanceof Date ? BigInt(value.getTime()) : BigInt(value as bigint | number);
}

function compare(a: string | bigint, b: string | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
