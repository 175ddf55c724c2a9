/** Converts DuckDB's values to plain JS values. Pure. */
import { DuckDBTimestampTZValue, DuckDBTimestampValue, type DuckDBValue } from '@duckdb/node-api';
import { isoTime } from '../clock.ts';

/** The value of a cell. Integers of 64 bits and more are `bigint`; times are ISO 8601 text in UTC. */
export type SqlValue = string | number | bigint | boolean | null;

/** A millisecond in microseconds. */
const microsPerMs = 1000n;

/** The last ISO time that JS can represent, in ms. */
const maxIsoMs = 8_640_000_000_000_000n;

/**
 * Converts a value. `TIMESTAMP` (UTC in this table) and `TIMESTAMPTZ` become `2026-01-01T00:00:00.000Z`; types without
 * a JS value (dates, decimals, lists, intervals …) become DuckDB's text.
 */
export function plainValue(value: DuckDBValue): SqlValue {
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) {
    return timestampText(value);
  }
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    default:
      return value === null || value === undefined ? null : String(value);
  }
}

function timestampText(value: DuckDBTimestampValue | DuckDBTimestampTZValue): string {
  const restMicros = ((value.micros % microsPerMs) + microsPerMs) % microsPerMs;
  const ms = (value.micros - restMicros) / microsPerMs;
  if (ms > maxIsoMs || ms < -maxIsoMs) {
    return value.toString();
  }
  const text = isoTime(Number(ms));
  return restMicros === 0n ? text : text.replace('Z', `${String(restMicros).padStart(3, '0')}Z`);
}
