/** Two Parquet readers that are independent of our writer: DuckDB and hyparquet. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance, type Json } from '@duckdb/node-api';
import { type FileMetaData, parquetMetadata, parquetReadObjects } from 'hyparquet';
import { tempFolder } from './temp-warehouse.ts';

let instance: Promise<DuckDBInstance> | undefined;

/** Runs SQL on a new connection. Returns numbers beyond 2^53 and timestamps as text. */
export async function duckdb(sql: string): Promise<Record<string, Json>[]> {
  // All tests of a process share an instance: opening one takes 20 ms of CPU, a connection less than 1 ms.
  instance ??= DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await (await instance).connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
  }
}

/** Runs SQL over one Parquet file, called `file` in the SQL. */
export async function duckdbOverFile(bytes: Uint8Array, sql: string): Promise<Record<string, Json>[]> {
  const path = join(await tempFolder(), 'file.parquet');
  await writeFile(path, bytes);
  return duckdb(sql.replaceAll(/\bfile\b/g, `'${path}'`));
}

/** Reads all rows by hyparquet, of some columns or all: INT64 as bigint, timestamps as Date. */
export function hyparquetRows(bytes: Uint8Array, ...columns: string[]): Promise<Record<string, unknown>[]> {
  const chosen = columns.length === 0 ? {} : { columns };
  return parquetReadObjects({ file: exactBuffer(bytes), compressors: { GZIP: gunzip }, ...chosen });
}

/** Reads the footer by hyparquet. */
export function hyparquetFooter(bytes: Uint8Array): FileMetaData {
  return parquetMetadata(exactBuffer(bytes));
}

function gunzip(input: Uint8Array, sizeBytes: number): Uint8Array {
  const output = gunzipSync(input);
  // Trino, which Athena uses, refuses a page whose header does not state the exact size.
  if (output.length !== sizeBytes) {
    throw new Error(`the header of a page of ${output.length} bytes states ${sizeBytes} bytes`);
  }
  return output;
}

function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
