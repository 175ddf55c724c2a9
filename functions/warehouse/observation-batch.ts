/**
 * Observations → Arrow columns, by the one schema. Pure.
 *
 * The buffers are filled directly (not by Arrow's builders, which are several times slower): a value is touched once, and
 * text that repeats the row before is copied as bytes.
 */
import { type Data, makeData } from 'apache-arrow/data';
import { RecordBatch } from 'apache-arrow/recordbatch';
import { Int64, Struct, TimestampMillisecond, Utf8 } from 'apache-arrow/type';
import { InternalError } from '../errors.ts';
import type { EpochMs, Observation } from '../model.ts';
import { type ObservationColumns, observationSchema } from './schema.ts';

/** Observations as Arrow columns. */
export type ObservationBatch = RecordBatch<{ [name in keyof ObservationColumns]: ObservationColumns[name] }>;

const int64 = new Int64();
const utf8 = new Utf8();
const timestamp = new TimestampMillisecond('UTC');

/**
 * Turns observations into Arrow columns, in the order given.
 *
 * Text that is not valid UTF-16 gets U+FFFD where a surrogate stands alone.
 *
 * @throws InternalError for an id that does not fit 64 bits or a time that is not a whole number of milliseconds: the
 *   reading of the source quarantines such rows
 */
export function observationBatch(rows: readonly Observation[]): ObservationBatch {
  const text = new TextColumns();
  const columns: { readonly [name in keyof ObservationColumns]: Data<ObservationColumns[name]> } = {
    id: int64Column(rows, (row) => row.id),
    name: text.column(rows, (row) => row.name),
    task_id: int64Column(rows, (row) => row.taskId),
    task_type: text.column(rows, (row) => row.taskType),
    run_status: text.column(rows, (row) => row.runStatus),
    notify_status: text.column(rows, (row) => row.notifyStatus),
    start_time: timestampColumn(rows, (row) => row.startTimeMs),
    end_time: timestampColumn(rows, (row) => row.endTimeMs),
    project_id: text.column(rows, (row) => row.projectId),
    observed_at: timestampColumn(rows, (row) => row.observedAtMs),
    run_id: text.column(rows, (row) => row.runId),
    extra: text.column(rows, (row) => row.extra),
  };
  const data = makeData({
    type: new Struct<{ [name in keyof ObservationColumns]: ObservationColumns[name] }>(observationSchema.fields),
    length: rows.length,
    nullCount: 0,
    children: observationSchema.names.map((name) => columns[name]),
  });
  return new RecordBatch(observationSchema, data);
}

/** Which rows of a column have a value, as Arrow keeps it: one bit per row, 1 for a value. */
class Validity {
  readonly bitmap: Uint8Array;
  nullCount = 0;

  constructor(rowCount: number) {
    this.bitmap = new Uint8Array(Math.ceil(rowCount / 8)).fill(0xff);
  }

  setNull(index: number): void {
    this.bitmap[index >> 3] = (this.bitmap[index >> 3] ?? 0) & ~(1 << (index & 7));
    this.nullCount += 1;
  }

  /** Arrow's own convention: a column without nulls has no bitmap. */
  get props(): { readonly nullCount: number; readonly nullBitmap: Uint8Array | null } {
    return { nullCount: this.nullCount, nullBitmap: this.nullCount === 0 ? null : this.bitmap };
  }
}

function int64Column(rows: readonly Observation[], read: (row: Observation) => bigint | null): Data<Int64> {
  const values = new BigInt64Array(rows.length);
  const validity = new Validity(rows.length);
  rows.forEach((row, index) => {
    const value = read(row);
    if (value === null) {
      validity.setNull(index);
      return;
    }
    values[index] = value;
    // A typed array wraps silently.
    if (values[index] !== value) {
      throw defect(`number ${value} of instance ${row.id} does not fit 64 bits`);
    }
  });
  return makeData({ type: int64, length: rows.length, data: values, ...validity.props });
}

function timestampColumn(
  rows: readonly Observation[],
  read: (row: Observation) => EpochMs | null,
): Data<TimestampMillisecond> {
  const values = new BigInt64Array(rows.length);
  const validity = new Validity(rows.length);
  rows.forEach((row, index) => {
    const ms = read(row);
    if (ms === null) {
      validity.setNull(index);
      return;
    }
    if (!Number.isSafeInteger(ms)) {
      throw defect(`time ${ms} of instance ${row.id} is not a whole number of milliseconds`);
    }
    values[index] = BigInt(ms);
  });
  return makeData({ type: timestamp, length: rows.length, data: values, ...validity.props });
}

/** Collects the text of one column after the other; the bytes of each are copied out at their exact length. */
class TextColumns {
  #scratch: Buffer = Buffer.allocUnsafe(256 * 1024);

  column(rows: readonly Observation[], read: (row: Observation) => string | null): Data<Utf8> {
    const validity = new Validity(rows.length);
    const valueOffsets = new Int32Array(rows.length + 1);
    let end = 0;
    let previous: string | null = null;
    let previousStart = 0;
    rows.forEach((row, index) => {
      const text = read(row);
      const start = end;
      if (text === null) {
        validity.setNull(index);
      } else if (text === previous) {
        const sizeBytes = (valueOffsets[index] ?? 0) - previousStart;
        this.#reserve(end, sizeBytes);
        this.#scratch.copyWithin(end, previousStart, previousStart + sizeBytes);
        end += sizeBytes;
        previousStart = start;
      } else {
        this.#reserve(end, text.length * 3);
        end += this.#scratch.write(text, end, 'utf8');
        previous = text;
        previousStart = start;
      }
      valueOffsets[index + 1] = end;
    });
    const data = new Uint8Array(this.#scratch.subarray(0, end));
    return makeData({ type: utf8, length: rows.length, valueOffsets, data, ...validity.props });
  }

  #reserve(usedBytes: number, moreBytes: number): void {
    if (usedBytes + moreBytes > this.#scratch.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#scratch.length * 2, usedBytes + moreBytes));
      this.#scratch.copy(larger, 0, 0, usedBytes);
      this.#scratch = larger;
    }
  }
}

function defect(message: string): InternalError {
  return new InternalError(message, { remedy: 'This is a defect of dqsync; please report it with this message.' });
}
