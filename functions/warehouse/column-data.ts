/** The kinds of Arrow column the table has, told apart for the compiler. Pure. */
import type { Data } from 'apache-arrow/data';
import { Int64, TimestampMillisecond, Utf8 } from 'apache-arrow/type';
import { InternalError } from '../errors.ts';

/** Ids and times: 64-bit integers in memory. */
export type NumberData = Data<Int64> | Data<TimestampMillisecond>;
/** Text: UTF-8 bytes and where each value ends. */
export type TextData = Data<Utf8>;

/** Whether a column holds ids or times. */
export function isNumberData(data: Data): data is NumberData {
  return data.type instanceof Int64 || data.type instanceof TimestampMillisecond;
}

/** Whether a column holds text. */
export function isTextData(data: Data): data is TextData {
  return data.type instanceof Utf8;
}

/** All values' bytes, one behind the other; not copied. */
export function textBytes({ values }: TextData): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** The error for a column of any other type. */
export function unsupportedColumn(data: Data): InternalError {
  return new InternalError(`an Arrow column of type ${data.type} cannot be written`, {
    remedy: 'This is a defect of dqsync; please report it with this message.',
  });
}
