/** The kinds of Arrow columns in the table, as types for the compiler. Pure. */
import type { Data } from 'apache-arrow/data';
import { Bool, Dictionary, Int32, Int64, TimestampMillisecond, Utf8 } from 'apache-arrow/type';
import { InternalError } from '../errors.ts';

/** Ids and times: 64-bit integers in memory. */
export type NumberData = Data<Int64> | Data<TimestampMillisecond>;
/** Text in a batch: each distinct text once, and an index per row. */
export type TextDictionary = Dictionary<Utf8, Int32>;
/** A column of text. */
export type TextData = Data<TextDictionary>;

/** Returns whether a column holds ids or times. */
export function isNumberData(data: Data): data is NumberData {
  return data.type instanceof Int64 || data.type instanceof TimestampMillisecond;
}

/** Returns whether a column holds text. */
export function isTextData(data: Data): data is TextData {
  const { type } = data;
  return type instanceof Dictionary && type.dictionary instanceof Utf8 && type.indices instanceof Int32;
}

/** Whether a column holds truth values. */
export function isBooleanData(data: Data): data is Data<Bool> {
  return data.type instanceof Bool;
}

/** Returns the error for a column of any other type. */
export function unsupportedColumn(data: Data): InternalError {
  return new InternalError(`an Arrow column of type ${data.type} cannot be written`);
}
