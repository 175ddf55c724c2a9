/** Arrow columns of the kinds that data files have. Pure. */
import { type Data, makeData } from 'apache-arrow/data';
import { RecordBatch } from 'apache-arrow/recordbatch';
import { Field, Schema } from 'apache-arrow/schema';
import { Bool, type DataType, Dictionary, Int32, Int64, Struct, TimestampMillisecond, Utf8 } from 'apache-arrow/type';
import { Vector } from 'apache-arrow/vector';
import type { ColumnKind, StoredColumn } from './table.ts';

/** Ids and times: 64-bit integers in memory. */
export type NumberData = Data<Int64> | Data<TimestampMillisecond>;
/** Text in a batch: each distinct text once, and an index per row. */
type TextDictionary = Dictionary<Utf8, Int32>;
export type TextData = Data<TextDictionary>;

const int64 = new Int64();
const utf8 = new Utf8();
const timestamp = new TimestampMillisecond('UTC');
const bool = new Bool();
const textDictionary: TextDictionary = new Dictionary(utf8, new Int32());

const arrowTypes: Readonly<Record<ColumnKind, DataType>> = {
  int64,
  text: textDictionary,
  'timestamp-ms-utc': timestamp,
  boolean: bool,
};

export function arrowSchemaOf(columns: readonly StoredColumn[]): Schema {
  return new Schema(columns.map(({ name, kind, nullable }) => new Field(name, arrowTypes[kind], nullable)));
}

export function recordBatchOf(schema: Schema, rowCount: number, children: readonly Data[]): RecordBatch {
  const data = makeData({ type: new Struct(schema.fields), length: rowCount, nullCount: 0, children: [...children] });
  return new RecordBatch(schema, data);
}

/** Returns a column of ids or times. */
export function numberData(kind: 'int64' | 'timestamp-ms-utc', values: BigInt64Array, validity: Validity): NumberData {
  const props = { length: values.length, data: values, ...validity.props };
  return kind === 'int64' ? makeData({ type: int64, ...props }) : makeData({ type: timestamp, ...props });
}

export function booleanData(values: readonly (boolean | null)[]): Data<Bool> {
  const validity = new Validity(values.length);
  values.forEach((value, index) => {
    if (value === null) {
      validity.setNull(index);
    }
  });
  return makeData({ type: bool, length: values.length, data: packBits(values.map(Number)), ...validity.props });
}

/** Packs zeros and ones, the first one into the lowest bit. */
export function packBits(bits: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (let index = 0; index < bits.length; index += 1) {
    bytes[index >> 3] = (bytes[index >> 3] ?? 0) | ((bits[index] ?? 0) << (index & 7));
  }
  return bytes;
}

/** Returns `length` packed bits from `offset` on, each as 0 or 1. */
export function unpackBits(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  const bits = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) {
    const bit = offset + index;
    bits[index] = ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1;
  }
  return bits;
}

/** Returns a column of text: `codes` are indexes in the dictionary. */
export function textData(codes: Int32Array, dictionary: Vector<Utf8>, validity: Validity): TextData {
  return makeData({ type: textDictionary, length: codes.length, data: codes, dictionary, ...validity.props });
}

/** Returns texts as the dictionary of columns of text. */
export function dictionaryOf(texts: readonly string[]): Vector<Utf8> {
  return new Vector([utf8Data(texts)]);
}

function utf8Data(texts: readonly string[]): Data<Utf8> {
  const valueOffsets = new Int32Array(texts.length + 1);
  let sizeBytes = 0;
  texts.forEach((text, index) => {
    sizeBytes += Buffer.byteLength(text);
    valueOffsets[index + 1] = sizeBytes;
  });
  const data = Buffer.allocUnsafeSlow(sizeBytes);
  let end = 0;
  for (const text of texts) {
    end += data.write(text, end);
  }
  return makeData({ type: utf8, length: texts.length, nullCount: 0, valueOffsets, data });
}

/** Which rows of a column have a value, as Arrow keeps it: one bit per row, 1 for a value. */
export class Validity {
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

export function isNumberData(data: Data): data is NumberData {
  return data.type instanceof Int64 || data.type instanceof TimestampMillisecond;
}

export function isTextData(data: Data): data is TextData {
  const { type } = data;
  return type instanceof Dictionary && type.dictionary instanceof Utf8 && type.indices instanceof Int32;
}

export function isBooleanData(data: Data): data is Data<Bool> {
  return data.type instanceof Bool;
}
